//! SASL and delegation tokens.

use super::settings;

settings! {
    "delegation.token.expiry.check.interval.ms" Long Some("3600000"), AtLeast(1), Low ReadOnly Ignored,
        "How often expired delegation tokens are looked for.";
    "delegation.token.expiry.time.ms" Long Some("86400000"), AtLeast(1), Medium ReadOnly Ignored,
        "How long a delegation token lasts unless it is renewed.";
    "delegation.token.max.lifetime.ms" Long Some("604800000"), AtLeast(1), Medium ReadOnly Ignored,
        "How long a delegation token lasts however often it is renewed.";
    "delegation.token.secret.key" Password None, Any, Medium ReadOnly Ignored,
        "The secret from which delegation tokens are made.";
    "principal.builder.class" Class Some("org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder"), Any, Medium PerBroker Ignored,
        "The Java class that names the user behind a connection.";
    "sasl.client.callback.handler.class" Class None, Any, Medium ReadOnly Ignored,
        "The Java class that answers SASL's questions when the broker is a client.";
    "sasl.enabled.mechanisms" List Some("GSSAPI"), Distinct, Medium PerBroker Ignored,
        "The SASL mechanisms on offer.";
    "sasl.jaas.config" Password None, Any, Medium PerBroker Ignored,
        "The login modules of SASL, in Java's JAAS form.";
    "sasl.kerberos.kinit.cmd" String Some("/usr/bin/kinit"), Any, Medium PerBroker Ignored,
        "The path of `kinit`.";
    "sasl.kerberos.min.time.before.relogin" Long Some("60000"), Any, Medium PerBroker Ignored,
        "The shortest time between two Kerberos logins.";
    "sasl.kerberos.principal.to.local.rules" List Some("DEFAULT"), Distinct, Medium PerBroker Ignored,
        "How Kerberos principals become user names.";
    "sasl.kerberos.service.name" String None, Any, Medium PerBroker Ignored,
        "The Kerberos name of the broker's service.";
    "sasl.kerberos.ticket.renew.jitter" Double Some("0.05"), Any, Medium PerBroker Ignored,
        "By how much the renewal of a Kerberos ticket varies.";
    "sasl.kerberos.ticket.renew.window.factor" Double Some("0.8"), Any, Medium PerBroker Ignored,
        "The share of a Kerberos ticket's life after which it is renewed.";
    "sasl.login.callback.handler.class" Class None, Any, Medium ReadOnly Ignored,
        "The Java class that answers the login's questions.";
    "sasl.login.class" Class None, Any, Medium ReadOnly Ignored,
        "The Java class that logs in.";
    "sasl.login.connect.timeout.ms" Int None, Any, Low ReadOnly Ignored,
        "How long connecting to the login's provider may take.";
    "sasl.login.read.timeout.ms" Int None, Any, Low ReadOnly Ignored,
        "How long reading from the login's provider may take.";
    "sasl.login.refresh.buffer.seconds" Short Some("300"), Any, Medium PerBroker Ignored,
        "How long before its end a credential is refreshed at the latest.";
    "sasl.login.refresh.min.period.seconds" Short Some("60"), Any, Medium PerBroker Ignored,
        "The shortest time between two refreshes of a credential.";
    "sasl.login.refresh.window.factor" Double Some("0.8"), Any, Medium PerBroker Ignored,
        "The share of a credential's life after which it is refreshed.";
    "sasl.login.refresh.window.jitter" Double Some("0.05"), Any, Medium PerBroker Ignored,
        "By how much the refresh of a credential varies.";
    "sasl.login.retry.backoff.max.ms" Long Some("10000"), Any, Low ReadOnly Ignored,
        "The longest pause between failed logins.";
    "sasl.login.retry.backoff.ms" Long Some("100"), Any, Low ReadOnly Ignored,
        "The pause after a failed login.";
    "sasl.mechanism.controller.protocol" String Some("GSSAPI"), Any, High ReadOnly Ignored,
        "The SASL mechanism between brokers and controllers.";
    "sasl.mechanism.inter.broker.protocol" String Some("GSSAPI"), Any, Medium PerBroker Ignored,
        "The SASL mechanism between brokers.";
    "sasl.oauthbearer.assertion.algorithm" String Some("RS256"), OneOfAnyCase(&["ES256", "RS256"]), Medium ReadOnly Ignored,
        "How OAuth assertions are signed.";
    "sasl.oauthbearer.assertion.claim.aud" String None, Any, Medium ReadOnly Ignored,
        "The audience that OAuth assertions name.";
    "sasl.oauthbearer.assertion.claim.exp.seconds" Int Some("300"), Between(0, 86_400), Low ReadOnly Ignored,
        "How long OAuth assertions are valid.";
    "sasl.oauthbearer.assertion.claim.iss" String None, Any, Medium ReadOnly Ignored,
        "The issuer that OAuth assertions name.";
    "sasl.oauthbearer.assertion.claim.jti.include" Boolean Some("false"), Any, Medium ReadOnly Ignored,
        "Whether OAuth assertions carry an id of their own.";
    "sasl.oauthbearer.assertion.claim.nbf.seconds" Int Some("60"), Between(0, 3600), Low ReadOnly Ignored,
        "How far before its making an OAuth assertion is valid already.";
    "sasl.oauthbearer.assertion.claim.sub" String None, Any, Medium ReadOnly Ignored,
        "The subject that OAuth assertions name.";
    "sasl.oauthbearer.assertion.file" String None, Any, Medium ReadOnly Ignored,
        "A file with a ready OAuth assertion.";
    "sasl.oauthbearer.assertion.private.key.file" String None, Any, Medium ReadOnly Ignored,
        "The private key that signs OAuth assertions.";
    "sasl.oauthbearer.assertion.private.key.passphrase" Password None, Any, Medium ReadOnly Ignored,
        "The passphrase of that private key.";
    "sasl.oauthbearer.assertion.template.file" String None, Any, Medium ReadOnly Ignored,
        "A file with the fixed parts of OAuth assertions.";
    "sasl.oauthbearer.client.credentials.client.id" String None, Any, Medium ReadOnly Ignored,
        "The client id that the broker shows to the OAuth provider.";
    "sasl.oauthbearer.client.credentials.client.secret" Password None, Any, Medium ReadOnly Ignored,
        "The secret that goes with that client id.";
    "sasl.oauthbearer.clock.skew.seconds" Int Some("30"), Any, Low ReadOnly Ignored,
        "How far the clocks of broker and OAuth provider may differ.";
    "sasl.oauthbearer.expected.audience" List Some(""), Distinct, High ReadOnly Ignored,
        "The audiences that a client's token may name.";
    "sasl.oauthbearer.expected.issuer" String None, Any, High ReadOnly Ignored,
        "The issuer that a client's token must name.";
    "sasl.oauthbearer.jwks.endpoint.refresh.ms" Long Some("3600000"), Any, Low ReadOnly Ignored,
        "How often the keys of the OAuth provider are fetched again.";
    "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms" Long Some("10000"), Any, Low ReadOnly Ignored,
        "The longest pause between failed fetches of those keys.";
    "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms" Long Some("100"), Any, Low ReadOnly Ignored,
        "The pause after a failed fetch of those keys.";
    "sasl.oauthbearer.jwks.endpoint.url" String None, Any, Medium ReadOnly Ignored,
        "Where the keys of the OAuth provider are found.";
    "sasl.oauthbearer.jwt.retriever.class" Class Some("org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever"), Any, Medium ReadOnly Ignored,
        "The Java class that fetches tokens.";
    "sasl.oauthbearer.jwt.validator.class" Class Some("org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator"), Any, Medium ReadOnly Ignored,
        "The Java class that checks tokens.";
    "sasl.oauthbearer.scope" String None, Any, Medium ReadOnly Ignored,
        "The scope that the broker asks for in its own tokens.";
    "sasl.oauthbearer.scope.claim.name" String Some("scope"), Any, Low ReadOnly Ignored,
        "What a token calls its scope.";
    "sasl.oauthbearer.sub.claim.name" String Some("sub"), Any, Low ReadOnly Ignored,
        "What a token calls its subject.";
    "sasl.oauthbearer.token.endpoint.url" String None, Any, Medium ReadOnly Ignored,
        "Where tokens are fetched from.";
    "sasl.server.callback.handler.class" Class None, Any, Medium ReadOnly Ignored,
        "The Java class that answers SASL's questions when the broker is the server.";
    "sasl.server.max.receive.size" Int Some("524288"), Any, Medium ReadOnly Ignored,
        "The largest message during a SASL login.";
    "security.providers" String None, Any, Low ReadOnly Ignored,
        "Java classes that provide cryptography.";
}
