//! A broker's configs: security.

use super::{NO_JAVA, NO_KERBEROS, NO_SASL, NO_TLS, NO_TOKENS, configs};
use crate::config::Config;

pub(super) static ROWS: &[Config] = configs! {
    "authorizer.class.name": String = "", Any, Low, ReadOnly,
        Refused(NO_JAVA), "Which Java class decides who may do what; empty for none";
    "delegation.token.expiry.check.interval.ms": Long = "3600000", AtLeast(1), Low, ReadOnly,
        Refused(NO_TOKENS), "How often expired delegation tokens are looked for";
    "delegation.token.expiry.time.ms": Long = "86400000", AtLeast(1), Medium, ReadOnly,
        Refused(NO_TOKENS), "How long a delegation token is valid without renewal";
    "delegation.token.max.lifetime.ms": Long = "604800000", AtLeast(1), Medium, ReadOnly,
        Refused(NO_TOKENS), "How long a delegation token lives at most";
    "delegation.token.secret.key": Password = null, Any, Medium, ReadOnly,
        Refused(NO_TOKENS), "The secret that signs delegation tokens";
    "principal.builder.class": Class =
        "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder", Any, Medium, PerBroker,
        Refused(NO_JAVA), "Which Java class makes a principal of a connection";
    "sasl.client.callback.handler.class": Class = null, Any, Medium, ReadOnly,
        Refused(NO_JAVA), "Which Java class answers a SASL client's questions";
    "sasl.enabled.mechanisms": List = "GSSAPI", Distinct, Medium, PerBroker,
        Refused(NO_SASL), "Which SASL mechanisms listeners offer";
    "sasl.jaas.config": Password = null, Any, Medium, PerBroker,
        Refused(NO_SASL), "Logins and credentials in the JAAS format";
    "sasl.kerberos.kinit.cmd": String = "/usr/bin/kinit", Any, Medium, PerBroker,
        Refused(NO_KERBEROS), "Where the kinit command lies";
    "sasl.kerberos.min.time.before.relogin": Long = "60000", Any, Medium, PerBroker,
        Refused(NO_KERBEROS), "How long at least between two logins";
    "sasl.kerberos.principal.to.local.rules": List = "DEFAULT", Distinct, Medium, PerBroker,
        Refused(NO_KERBEROS), "Rules that make short names of Kerberos principals";
    "sasl.kerberos.service.name": String = null, Any, Medium, PerBroker,
        Refused(NO_KERBEROS), "The Kerberos name of the service";
    "sasl.kerberos.ticket.renew.jitter": Double = "0.05", Any, Medium, PerBroker,
        Refused(NO_KERBEROS), "Which random share is added to the time of renewal";
    "sasl.kerberos.ticket.renew.window.factor": Double = "0.8", Any, Medium, PerBroker,
        Refused(NO_KERBEROS), "After which share of its life a ticket is renewed";
    "sasl.login.callback.handler.class": Class = null, Any, Medium, ReadOnly,
        Refused(NO_JAVA), "Which Java class answers a login's questions";
    "sasl.login.class": Class = null, Any, Medium, ReadOnly,
        Refused(NO_JAVA), "Which Java class logs in";
    "sasl.login.connect.timeout.ms": Int = null, Any, Low, ReadOnly,
        Refused(NO_SASL), "How long a connection to the identity provider may take";
    "sasl.login.read.timeout.ms": Int = null, Any, Low, ReadOnly,
        Refused(NO_SASL), "How long a read from the identity provider may take";
    "sasl.login.refresh.buffer.seconds": Short = "300", Any, Medium, PerBroker,
        Refused(NO_SASL), "How long before its end a credential is renewed at the latest";
    "sasl.login.refresh.min.period.seconds": Short = "60", Any, Medium, PerBroker,
        Refused(NO_SASL), "How long a credential is used at least before it is renewed";
    "sasl.login.refresh.window.factor": Double = "0.8", Any, Medium, PerBroker,
        Refused(NO_SASL), "After which share of its life a credential is renewed";
    "sasl.login.refresh.window.jitter": Double = "0.05", Any, Medium, PerBroker,
        Refused(NO_SASL), "Which random share is added to that";
    "sasl.login.retry.backoff.max.ms": Long = "10000", Any, Low, ReadOnly,
        Refused(NO_SASL), "How long the identity provider gets to rest at most";
    "sasl.login.retry.backoff.ms": Long = "100", Any, Low, ReadOnly,
        Refused(NO_SASL), "How long the identity provider first gets to rest after a failure";
    "sasl.mechanism.controller.protocol": String = "GSSAPI", Any, High, ReadOnly,
        Refused(NO_SASL), "The SASL mechanism that is used towards controllers";
    "sasl.mechanism.inter.broker.protocol": String = "GSSAPI", Any, Medium, PerBroker,
        Refused(NO_SASL), "The SASL mechanism that brokers use among themselves";
    "sasl.oauthbearer.assertion.algorithm": String =
        "RS256", OneOfAnyCase(&["ES256", "RS256"]), Medium, ReadOnly,
        Refused(NO_SASL), "Which algorithm signs an assertion";
    "sasl.oauthbearer.assertion.claim.aud": String = null, Any, Medium, ReadOnly,
        Refused(NO_SASL), "The audience in an assertion";
    "sasl.oauthbearer.assertion.claim.exp.seconds": Int = "300", Between(0, 86_400), Low, ReadOnly,
        Refused(NO_SASL), "How long an assertion is valid";
    "sasl.oauthbearer.assertion.claim.iss": String = null, Any, Medium, ReadOnly,
        Refused(NO_SASL), "The issuer in an assertion";
    "sasl.oauthbearer.assertion.claim.jti.include": Boolean = "false", Any, Medium, ReadOnly,
        Refused(NO_SASL), "Whether an assertion carries an id of its own";
    "sasl.oauthbearer.assertion.claim.nbf.seconds": Int = "60", Between(0, 3600), Low, ReadOnly,
        Refused(NO_SASL), "How long before now an assertion begins to be valid";
    "sasl.oauthbearer.assertion.claim.sub": String = null, Any, Medium, ReadOnly,
        Refused(NO_SASL), "The subject in an assertion";
    "sasl.oauthbearer.assertion.file": String = null, Any, Medium, ReadOnly,
        Refused(NO_SASL), "A file with a ready assertion";
    "sasl.oauthbearer.assertion.private.key.file": String = null, Any, Medium, ReadOnly,
        Refused(NO_SASL), "The key that signs assertions";
    "sasl.oauthbearer.assertion.private.key.passphrase": Password = null, Any, Medium, ReadOnly,
        Refused(NO_SASL), "The passphrase of that key";
    "sasl.oauthbearer.assertion.template.file": String = null, Any, Medium, ReadOnly,
        Refused(NO_SASL), "A file with the fixed parts of an assertion";
    "sasl.oauthbearer.client.credentials.client.id": String = null, Any, Medium, ReadOnly,
        Refused(NO_SASL), "The client's name at the identity provider";
    "sasl.oauthbearer.client.credentials.client.secret": Password = null, Any, Medium, ReadOnly,
        Refused(NO_SASL), "The client's secret at the identity provider";
    "sasl.oauthbearer.clock.skew.seconds": Int = "30", Any, Low, ReadOnly,
        Refused(NO_SASL), "How far clocks may differ";
    "sasl.oauthbearer.expected.audience": List = "", Distinct, High, ReadOnly,
        Refused(NO_SASL), "Which audiences a token may name";
    "sasl.oauthbearer.expected.issuer": String = null, Any, High, ReadOnly,
        Refused(NO_SASL), "Which issuer a token must name";
    "sasl.oauthbearer.jwks.endpoint.refresh.ms": Long = "3600000", Any, Low, ReadOnly,
        Refused(NO_SASL), "How often those keys are fetched";
    "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms": Long = "10000", Any, Low, ReadOnly,
        Refused(NO_SASL), "How long fetching keys waits at most before it is tried again";
    "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms": Long = "100", Any, Low, ReadOnly,
        Refused(NO_SASL), "How long fetching keys first waits before it is tried again";
    "sasl.oauthbearer.jwks.endpoint.url": String = null, Any, Medium, ReadOnly,
        Refused(NO_SASL), "Where the keys that check tokens are fetched";
    "sasl.oauthbearer.jwt.retriever.class": Class =
        "org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever", Any, Medium, ReadOnly,
        Refused(NO_JAVA), "Which Java class fetches tokens";
    "sasl.oauthbearer.jwt.validator.class": Class =
        "org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator", Any, Medium, ReadOnly,
        Refused(NO_JAVA), "Which Java class checks tokens";
    "sasl.oauthbearer.scope": String = null, Any, Medium, ReadOnly,
        Refused(NO_SASL), "The scope asked for";
    "sasl.oauthbearer.scope.claim.name": String = "scope", Any, Low, ReadOnly,
        Refused(NO_SASL), "The claim that holds the scope";
    "sasl.oauthbearer.sub.claim.name": String = "sub", Any, Low, ReadOnly,
        Refused(NO_SASL), "The claim that holds the subject";
    "sasl.oauthbearer.token.endpoint.url": String = null, Any, Medium, ReadOnly,
        Refused(NO_SASL), "Where tokens are fetched";
    "sasl.server.callback.handler.class": Class = null, Any, Medium, ReadOnly,
        Refused(NO_JAVA), "Which Java class answers a SASL server's questions";
    "sasl.server.max.receive.size": Int = "524288", Any, Medium, ReadOnly,
        Refused(NO_SASL), "The longest SASL message taken";
    "security.providers": String = null, Any, Low, ReadOnly,
        Refused(NO_JAVA), "Java classes that offer security algorithms";
    "ssl.allow.dn.changes": Boolean = "false", Any, Low, ReadOnly,
        Refused(NO_TLS), "Whether a new certificate may have another name";
    "ssl.allow.san.changes": Boolean = "false", Any, Low, ReadOnly,
        Refused(NO_TLS), "Whether a new certificate may have other alternative names";
    "ssl.cipher.suites": List = "", Distinct, Medium, PerBroker,
        Refused(NO_TLS), "Which cipher suites may be used";
    "ssl.client.auth": String = "none", OneOf(&["required", "requested", "none"]), Medium, PerBroker,
        Refused(NO_TLS), "Whether clients must show a certificate";
    "ssl.enabled.protocols": List = "TLSv1.2,TLSv1.3", Distinct, Medium, PerBroker,
        Refused(NO_TLS), "Which versions of TLS may be used";
    "ssl.endpoint.identification.algorithm": String = "https", Any, Low, PerBroker,
        Refused(NO_TLS), "How the name of the other side is checked";
    "ssl.engine.factory.class": Class = null, Any, Low, PerBroker,
        Refused(NO_JAVA), "Which Java class makes TLS engines";
    "ssl.key.password": Password = null, Any, Medium, PerBroker,
        Refused(NO_TLS), "The password of the private key";
    "ssl.keymanager.algorithm": String = "SunX509", Any, Medium, PerBroker,
        Refused(NO_TLS), "Java's algorithm for key managers";
    "ssl.keystore.certificate.chain": Password = null, Any, Medium, PerBroker,
        Refused(NO_TLS), "The certificates in PEM";
    "ssl.keystore.key": Password = null, Any, Medium, PerBroker,
        Refused(NO_TLS), "The private key in PEM";
    "ssl.keystore.location": String = null, Any, Medium, PerBroker,
        Refused(NO_TLS), "The file of the key store";
    "ssl.keystore.password": Password = null, Any, Medium, PerBroker,
        Refused(NO_TLS), "The password of the key store";
    "ssl.keystore.type": String = "JKS", Any, Medium, PerBroker,
        Refused(NO_TLS), "The format of the key store";
    "ssl.principal.mapping.rules": String = "DEFAULT", Any, Low, ReadOnly,
        Refused(NO_TLS), "Rules that make principals of certificates' names";
    "ssl.protocol": String = "TLSv1.3", Any, Medium, PerBroker,
        Refused(NO_TLS), "The version of TLS";
    "ssl.provider": String = null, Any, Medium, PerBroker,
        Refused(NO_TLS), "Java's provider of TLS";
    "ssl.secure.random.implementation": String = null, Any, Low, PerBroker,
        Refused(NO_TLS), "Java's source of randomness";
    "ssl.trustmanager.algorithm": String = "PKIX", Any, Medium, PerBroker,
        Refused(NO_TLS), "Java's algorithm for trust managers";
    "ssl.truststore.certificates": Password = null, Any, Medium, PerBroker,
        Refused(NO_TLS), "The trusted certificates in PEM";
    "ssl.truststore.location": String = null, Any, Medium, PerBroker,
        Refused(NO_TLS), "The file of the trust store";
    "ssl.truststore.password": Password = null, Any, Medium, PerBroker,
        Refused(NO_TLS), "The password of the trust store";
    "ssl.truststore.type": String = "JKS", Any, Medium, PerBroker,
        Refused(NO_TLS), "The format of the trust store";
};
