//! Properties that would secure a registry or its connections in ways that this one does not have: refused, not passed over.

/// The hosts and ports of a list of servers, which are spoken to without TLS or SASL.
pub(super) fn plaintext(name: &str, value: &str) -> Result<String, String> {
    let one = |server: &str| match server.trim().split_once("://") {
        None => Ok(server.trim().to_owned()),
        Some((protocol, address)) if protocol.eq_ignore_ascii_case("PLAINTEXT") => Ok(address.to_owned()),
        Some(_) => Err(insecure(name, value)),
    };
    Ok(value.split(',').map(one).collect::<Result<Vec<_>, _>>()?.join(","))
}

/// Why a cluster that asks for TLS or SASL is not spoken to.
fn insecure(name: &str, value: &str) -> String {
    // Properties of this kind hold passwords; a list of servers does not.
    let shown = if name.ends_with("protocol") || name.ends_with("servers") {
        format!("={value}")
    } else {
        String::new()
    };
    format!(
        "{name}{shown}: this registry speaks to its cluster in plaintext only, neither by TLS nor by SASL; name a PLAINTEXT listener of the \
         brokers in kafkastore.bootstrap.servers, in a network that only they share, and take the property out"
    )
}

/// Whether a property would make a registry, or what it says to its cluster, safer than it is without.
pub(super) fn is_security(name: &str) -> bool {
    [
        "kafkastore.ssl.",
        "kafkastore.sasl.",
        "confluent.schema.registry.auth.",
        "confluent.schema.registry.authorizer.",
    ]
    .iter()
    .any(|prefix| name.starts_with(prefix))
        || matches!(
            name,
            // Confluent's security comes as an extension.
            "resource.extension.class"
                | "schema.registry.resource.extension.class"
                | "rest.servlet.initializor.classes"
                | "kafkastore.security.protocol"
                | "security.protocol"
        )
}

/// Why such a property is refused, and what to do.
pub(super) fn refusal(name: &str, value: &str) -> String {
    if name.starts_with("kafkastore.") || name == "security.protocol" {
        return insecure(name, value);
    }
    format!(
        "{name}={value}: extensions of Confluent's registry cannot be loaded, and without this one the registry would be open to more than \
         it was; use authentication.method=BASIC and https listeners, and take the property out"
    )
}
