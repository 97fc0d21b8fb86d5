//! TLS.

use super::settings;

settings! {
    "min.insync.replicas" Int Some("1"), AtLeast(1), High ClusterWide Acts,
        "`min.insync.replicas` for topics that do not set it.";
    "ssl.allow.dn.changes" Boolean Some("false"), Any, Low ReadOnly Ignored,
        "Whether a certificate changed while running may have another distinguished name.";
    "ssl.allow.san.changes" Boolean Some("false"), Any, Low ReadOnly Ignored,
        "Whether a certificate changed while running may have other alternative names.";
    "ssl.cipher.suites" List Some(""), Distinct, Medium PerBroker Ignored,
        "The cipher suites to choose from; empty for the library's own list.";
    "ssl.client.auth" String Some("none"), OneOf(&["required", "requested", "none"]), Medium PerBroker Ignored,
        "Whether clients must, may or need not show a certificate.";
    "ssl.enabled.protocols" List Some("TLSv1.2,TLSv1.3"), Distinct, Medium PerBroker Ignored,
        "The versions of TLS on offer.";
    "ssl.endpoint.identification.algorithm" String Some("https"), Any, Low PerBroker Ignored,
        "How a server's name is checked against its certificate; empty for not at all.";
    "ssl.engine.factory.class" Class None, Any, Low PerBroker Ignored,
        "The Java class that makes TLS engines.";
    "ssl.key.password" Password None, Any, Medium PerBroker Ignored,
        "The password of the private key.";
    "ssl.keymanager.algorithm" String Some("SunX509"), Any, Medium PerBroker Ignored,
        "The Java algorithm that handles keys.";
    "ssl.keystore.certificate.chain" Password None, Any, Medium PerBroker Ignored,
        "The certificate chain itself, as PEM.";
    "ssl.keystore.key" Password None, Any, Medium PerBroker Ignored,
        "The private key itself, as PEM.";
    "ssl.keystore.location" String None, Any, Medium PerBroker Ignored,
        "The file with key and certificate.";
    "ssl.keystore.password" Password None, Any, Medium PerBroker Ignored,
        "The password of the file with key and certificate.";
    "ssl.keystore.type" String Some("JKS"), Any, Medium PerBroker Ignored,
        "The format of the file with key and certificate.";
    "ssl.principal.mapping.rules" String Some("DEFAULT"), Any, Low ReadOnly Ignored,
        "How names in certificates become user names.";
    "ssl.protocol" String Some("TLSv1.3"), Any, Medium PerBroker Ignored,
        "The newest version of TLS to use.";
    "ssl.provider" String None, Any, Medium PerBroker Ignored,
        "The Java provider of TLS.";
    "ssl.secure.random.implementation" String None, Any, Low PerBroker Ignored,
        "The Java source of random numbers for TLS.";
    "ssl.trustmanager.algorithm" String Some("PKIX"), Any, Medium PerBroker Ignored,
        "The Java algorithm that checks certificates.";
    "ssl.truststore.certificates" Password None, Any, Medium PerBroker Ignored,
        "The trusted certificates themselves, as PEM.";
    "ssl.truststore.location" String None, Any, Medium PerBroker Ignored,
        "The file with trusted certificates.";
    "ssl.truststore.password" Password None, Any, Medium PerBroker Ignored,
        "The password of the file with trusted certificates.";
    "ssl.truststore.type" String Some("JKS"), Any, Medium PerBroker Ignored,
        "The format of the file with trusted certificates.";
}
