//! The OpenAPI document against the router: every path of either is one of the other, with the same methods.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::http::Method;
use schema::json::{Json, parse};

use super::dispatch::is_allowed;
use super::forward::{Failed, Forwarded, Forwarder};
use super::query::Query;
use super::route::{Route, route};

const DOCUMENT: &str = include_str!("../../../../docs/registry-openapi.json");

const METHODS: [(&str, Method); 5] = [
    ("get", Method::GET),
    ("post", Method::POST),
    ("put", Method::PUT),
    ("delete", Method::DELETE),
    ("patch", Method::PATCH),
];

/// The path of a route, as the document writes it. A route that is not here does not compile.
fn path_of(route: &Route) -> &'static str {
    match route {
        Route::Root => "/",
        Route::Types => "/schemas/types",
        Route::Schemas => "/schemas",
        Route::Id(_) => "/schemas/ids/{id}",
        Route::IdSchema(_) => "/schemas/ids/{id}/schema",
        Route::IdSubjects(_) => "/schemas/ids/{id}/subjects",
        Route::IdVersions(_) => "/schemas/ids/{id}/versions",
        Route::Guid(_) => "/schemas/guids/{guid}",
        Route::GuidIds(_) => "/schemas/guids/{guid}/ids",
        Route::Subjects => "/subjects",
        Route::Subject(_) => "/subjects/{subject}",
        Route::SubjectMetadata(_) => "/subjects/{subject}/metadata",
        Route::Versions(_) => "/subjects/{subject}/versions",
        Route::Version(..) => "/subjects/{subject}/versions/{version}",
        Route::VersionSchema(..) => "/subjects/{subject}/versions/{version}/schema",
        Route::ReferencedBy(..) => "/subjects/{subject}/versions/{version}/referencedby",
        Route::Tags(..) => "/subjects/{subject}/versions/{version}/tags",
        Route::CheckVersion(..) => "/compatibility/subjects/{subject}/versions/{version}",
        Route::CheckAll(_) => "/compatibility/subjects/{subject}/versions",
        Route::Config(None) => "/config",
        Route::Config(Some(_)) => "/config/{subject}",
        Route::Mode(None) => "/mode",
        Route::Mode(Some(_)) => "/mode/{subject}",
        Route::Contexts => "/contexts",
        Route::Context(_) => "/contexts/{context}",
        Route::ServerId => "/v1/metadata/id",
        Route::ServerVersion => "/v1/metadata/version",
        Route::Deployment => "/v1/metadata/deployment",
    }
}

/// How many paths [`path_of`] knows.
const ROUTES: usize = 28;

fn paths() -> BTreeMap<String, Json> {
    let document = parse(DOCUMENT).unwrap();
    let paths = document.get("paths").and_then(Json::as_object).unwrap();
    paths.iter().map(|(path, item)| (path.to_owned(), item.clone())).collect()
}

fn concrete(path: &str) -> String {
    let filled = path.replace("{id}", "1").replace("{version}", "1").replace("{subject}", "s");
    filled.replace("{context}", ".c").replace("{guid}", "095d71cf-1255-6b9d-5e33-0ad575b3df5d")
}

#[test]
fn the_document_and_the_router_have_the_same_paths() {
    let mut seen = BTreeSet::new();
    for (path, item) in paths() {
        let found =
            route(&concrete(&path), &mut Query::default()).unwrap_or_else(|_| panic!("{path} leads nowhere"));
        assert_eq!(path_of(&found), path);
        for (name, method) in METHODS {
            assert_eq!(item.get(name).is_some(), is_allowed(&found, &method), "{name} {path}");
        }
        seen.insert(path);
    }
    assert_eq!(seen.len(), ROUTES, "a route is missing in the document, or here");
}

#[test]
fn parameters_in_paths_are_described() {
    let document = parse(DOCUMENT).unwrap();
    let known = document.get("components").and_then(|components| components.get("parameters")).unwrap();
    for (path, item) in paths() {
        let given = item.get("parameters").and_then(Json::as_array).unwrap_or_default();
        let given = given.iter().filter_map(|one| one.get("$ref")?.as_str()?.rsplit('/').next());
        let given: BTreeSet<&str> = given.collect();
        let wanted = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
        assert_eq!(given, wanted.collect(), "{path}");
        assert!(given.iter().all(|name| known.get(name).is_some()), "{path}");
    }
}

fn certificates(name: &str) -> String {
    format!("{}/tests/tls/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A forwarder that trusts these certificates.
fn trusting(name: &str) -> Forwarder {
    let mut tls = crate::access::Tls::default();
    tls.set("ssl.truststore.location", &certificates(name)).unwrap();
    Forwarder::new(tls.peers().unwrap())
}

#[tokio::test]
async fn writes_are_forwarded_by_https_to_who_is_trusted() {
    let mut options = crate::Options::default();
    options.set("listeners", "https://127.0.0.1:0").unwrap();
    options.set("ssl.keystore.location", &certificates("server.pem")).unwrap();
    let handle = crate::serve_on(options, Box::new(Arc::new(crate::MemoryLog::new(|| 0)))).await.unwrap();
    let request = |subject: &str| Forwarded {
        method: Method::POST,
        target: format!("/subjects/{subject}/versions"),
        headers: axum::http::HeaderMap::new(),
        body: r#"{"schema":"\"int\""}"#.into(),
    };
    let trusted = trusting("server.crt");
    for subject in ["a", "b"] {
        let (status, body) = trusted.send(&handle.url(), &request(subject)).await.unwrap();
        assert!(status == 200 && body.starts_with(br#"{"id":1"#), "{status} {body:?}");
    }
    for stranger in [trusting("other.crt"), Forwarder::default()] {
        let refused = stranger.send(&handle.url(), &request("c")).await;
        assert!(matches!(refused, Err(Failed::NotSent(_))), "{refused:?}");
    }
    let plain = handle.url().replace("https", "http");
    assert!(trusted.send(&plain, &request("d")).await.is_err(), "plain http at a listener of https");
    handle.stop().await;
}
