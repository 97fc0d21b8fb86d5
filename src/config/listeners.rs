//! Listeners: where the broker listens, and what it tells clients to connect to.
//! Settings in, listeners out; this host's own name is an argument. No I/O.

use std::fmt;

use metadata::settings::NetworkSettings;

/// Where the broker listens for clients, and under which addresses they find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// In capital letters, such as `PLAINTEXT` or `INTERNAL`.
    pub name: String,
    /// How connections are secured.
    pub protocol: SecurityProtocol,
    /// The host to listen on; `None` for all interfaces.
    pub host: Option<String>,
    /// The port to listen on; 0 for any free one.
    pub port: u16,
    /// What clients are told.
    pub advertised: Advertised,
}

/// What clients are told to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertised {
    /// A name or an address that clients can reach.
    pub host: String,
    /// The port; 0 for the one that the listener got.
    pub port: u16,
}

/// How the connections of a listener are secured, by Kafka's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecurityProtocol {
    Plaintext,
    Ssl,
    SaslPlaintext,
    SaslSsl,
}

/// A setting about listeners, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidListener {
    /// The setting's name.
    pub setting: &'static str,
    /// What is wrong, and what to write instead.
    pub problem: String,
}

const LISTENERS: &str = "listeners";
const ADVERTISED: &str = "advertised.listeners";
const PROTOCOLS: &str = "listener.security.protocol.map";

/// Addresses that stand for all interfaces: good to listen on, and no place to connect to.
const WILDCARDS: &[&str] = &["0.0.0.0", "::"];

/// One entry of `listeners` or `advertised.listeners`.
struct Address {
    name: String,
    /// `None` for an empty one.
    host: Option<String>,
    port: u16,
}

/// The listeners that these settings ask for. Those of controllers are left out: Strome's controller has no listener
/// of its own. `own_host` is asked for this host's name if a listener has none to advertise.
pub fn resolve(
    settings: &NetworkSettings,
    own_host: impl Fn() -> String,
) -> Result<Vec<Listener>, InvalidListener> {
    let addresses = addresses(LISTENERS, &settings.listeners)?;
    let advertised = addresses_to_advertise(settings, &addresses)?;
    distinct_ports(&addresses)?;
    let mut listeners = Vec::new();
    for address in addresses {
        if is_for_controllers(settings, &address.name) {
            continue;
        }
        let protocol = protocol(settings, &address.name)?;
        let told = advertised.iter().find(|told| told.name == address.name);
        let host = told.and_then(|told| told.host.clone()).or_else(|| address.host.clone());
        let port = told.map_or(address.port, |told| told.port);
        let advertised =
            Advertised { host: host.filter(|host| is_a_place(host)).unwrap_or_else(&own_host), port };
        let host = address.host.filter(|host| is_a_place(host));
        listeners.push(Listener { name: address.name, protocol, host, port: address.port, advertised });
    }
    if listeners.is_empty() {
        let problem = "no listener is left for clients; add one such as PLAINTEXT://:9092".to_owned();
        return Err(InvalidListener { setting: LISTENERS, problem });
    }
    Ok(listeners)
}

/// The names of listeners that are left out because they are meant for controllers.
pub fn for_controllers(settings: &NetworkSettings) -> Vec<String> {
    let addresses = addresses(LISTENERS, &settings.listeners).unwrap_or_default();
    addresses
        .into_iter()
        .map(|address| address.name)
        .filter(|name| is_for_controllers(settings, name))
        .collect()
}

fn is_for_controllers(settings: &NetworkSettings, name: &str) -> bool {
    settings.controller_listener_names.iter().any(|controllers| controllers.eq_ignore_ascii_case(name))
}

fn is_a_place(host: &str) -> bool {
    !WILDCARDS.contains(&host)
}

/// What `advertised.listeners` says; every entry must belong to a listener and name a place.
fn addresses_to_advertise(
    settings: &NetworkSettings,
    listeners: &[Address],
) -> Result<Vec<Address>, InvalidListener> {
    let invalid = |problem| InvalidListener { setting: ADVERTISED, problem };
    let advertised = addresses(ADVERTISED, &settings.advertised_listeners)?;
    for told in &advertised {
        if !listeners.iter().any(|listener| listener.name == told.name) {
            return Err(invalid(format!("{} is not one of the names in 'listeners'", told.name)));
        }
        if told.host.as_deref().is_some_and(|host| !is_a_place(host)) {
            let problem =
                format!("{} cannot be connected to; name the host by which clients reach this broker", told);
            return Err(invalid(problem));
        }
    }
    Ok(advertised)
}

/// The entries of one of the two lists, each name once.
fn addresses(setting: &'static str, texts: &[String]) -> Result<Vec<Address>, InvalidListener> {
    let mut addresses: Vec<Address> = Vec::new();
    for text in texts {
        let address = Address::parse(text).ok_or_else(|| InvalidListener {
            setting,
            problem: format!("'{text}' is not of the form NAME://host:port, such as PLAINTEXT://:9092"),
        })?;
        if addresses.iter().any(|other| other.name == address.name) {
            return Err(InvalidListener { setting, problem: format!("{} is there twice", address.name) });
        }
        addresses.push(address);
    }
    Ok(addresses)
}

/// Two listeners may have one port only on different addresses; names are not looked up, so they count as different.
fn distinct_ports(addresses: &[Address]) -> Result<(), InvalidListener> {
    for (index, address) in addresses.iter().enumerate() {
        let everywhere = |address: &Address| address.host.as_deref().is_none_or(|host| !is_a_place(host));
        let clash = addresses.iter().skip(index + 1).find(|other| {
            let overlap = everywhere(address) || everywhere(other) || address.host == other.host;
            address.port != 0 && address.port == other.port && overlap
        });
        if let Some(other) = clash {
            let problem = format!("{} and {} have the same port", address.name, other.name);
            return Err(InvalidListener { setting: LISTENERS, problem });
        }
    }
    Ok(())
}

/// The security protocol of the listener `name`.
fn protocol(settings: &NetworkSettings, name: &str) -> Result<SecurityProtocol, InvalidListener> {
    let invalid = |problem| InvalidListener { setting: PROTOCOLS, problem };
    let mut found = None;
    for entry in &settings.security_protocols {
        let Some((listener, protocol)) = entry.split_once(':') else {
            return Err(invalid(format!("'{entry}' is not of the form LISTENER:PROTOCOL")));
        };
        if listener.trim().eq_ignore_ascii_case(name) {
            found = Some(protocol.trim());
        }
    }
    let Some(protocol) = found else {
        return Err(invalid(format!("it has no entry for the listener {name}; add {name}:PLAINTEXT")));
    };
    match SecurityProtocol::from_name(protocol) {
        Some(SecurityProtocol::Plaintext) => Ok(SecurityProtocol::Plaintext),
        Some(secured) => Err(invalid(format!(
            "the listener {name} asks for {secured}, which Strome does not have; it would be a mistake to open it without"
        ))),
        None => Err(invalid(format!("{protocol} is none of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"))),
    }
}

impl Address {
    /// `NAME://host:port`, with an IPv6 address in brackets.
    fn parse(text: &str) -> Option<Self> {
        let (name, rest) = text.split_once("://")?;
        let (host, port) = rest.rsplit_once(':')?;
        let host = match host.strip_prefix('[') {
            Some(inner) => inner.strip_suffix(']')?,
            None => host,
        };
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '%');
        if name.is_empty() || !host.chars().all(legal) {
            return None;
        }
        let host = (!host.is_empty()).then(|| host.to_owned());
        Some(Self { name: name.to_ascii_uppercase(), host, port: port.parse().ok()? })
    }
}

impl Advertised {
    /// The port to tell clients, if the listener got `bound`.
    pub fn port_when_bound_to(&self, bound: u16) -> u16 {
        if self.port == 0 { bound } else { self.port }
    }
}

impl SecurityProtocol {
    /// The protocol that Kafka calls so.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Plaintext, Self::Ssl, Self::SaslPlaintext, Self::SaslSsl]
            .into_iter()
            .find(|protocol| protocol.name().eq_ignore_ascii_case(name))
    }

    /// Kafka's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
            Self::SaslSsl => "SASL_SSL",
        }
    }

    /// The number that metadata records and registrations give it.
    pub const fn code(self) -> i16 {
        match self {
            Self::Plaintext => 0,
            Self::Ssl => 1,
            Self::SaslPlaintext => 2,
            Self::SaslSsl => 3,
        }
    }
}

impl fmt::Display for SecurityProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.name, self.host.as_deref().unwrap_or(""), self.port)
    }
}

impl fmt::Display for InvalidListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.setting, self.problem)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use metadata::settings::{BrokerLayers, BrokerSettings};

    use super::*;

    fn listeners(values: &[(&str, &str)]) -> Result<Vec<Listener>, InvalidListener> {
        let fixed: BTreeMap<_, _> =
            values.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let settings = BrokerSettings::resolve(&BrokerLayers::fixed(&fixed)).unwrap().network;
        resolve(&settings, || "here".to_owned())
    }

    fn advertised(values: &[(&str, &str)]) -> Vec<String> {
        let told = |listener: Listener| format!("{}:{}", listener.advertised.host, listener.advertised.port);
        listeners(values).unwrap().into_iter().map(told).collect()
    }

    #[test]
    fn without_settings_it_listens_everywhere_and_advertises_this_host() {
        let listeners = listeners(&[]).unwrap();
        assert_eq!(listeners.len(), 1);
        assert_eq!((listeners[0].host.as_deref(), listeners[0].port), (None, 9092));
        assert_eq!(listeners[0].advertised, Advertised { host: "here".to_owned(), port: 9092 });
    }

    #[test]
    fn a_listener_advertises_the_host_that_it_names() {
        assert_eq!(advertised(&[("listeners", "PLAINTEXT://10.0.0.1:9092")]), ["10.0.0.1:9092"]);
        assert_eq!(advertised(&[("listeners", "PLAINTEXT://[::1]:9092")]), ["::1:9092"]);
        assert_eq!(advertised(&[("listeners", "PLAINTEXT://0.0.0.0:9092")]), ["here:9092"]);
    }

    #[test]
    fn names_of_listeners_are_written_in_capital_letters() {
        assert_eq!(listeners(&[("listeners", "plaintext://:9092")]).unwrap()[0].name, "PLAINTEXT");
    }

    #[test]
    fn what_is_advertised_may_differ_from_what_is_listened_on() {
        let values = [
            ("listeners", "PLAINTEXT://:9092"),
            ("advertised.listeners", "PLAINTEXT://broker.example:19092"),
        ];
        assert_eq!(advertised(&values), ["broker.example:19092"]);
    }

    #[test]
    fn port_0_is_advertised_as_the_port_that_was_got() {
        let listeners = listeners(&[("listeners", "PLAINTEXT://127.0.0.1:0")]).unwrap();
        assert_eq!(listeners[0].advertised.port_when_bound_to(4711), 4711);
    }

    #[test]
    fn listeners_for_controllers_are_left_out() {
        let values = [
            ("listeners", "PLAINTEXT://:9092,CONTROLLER://:9093"),
            ("controller.listener.names", "CONTROLLER"),
            ("advertised.listeners", "PLAINTEXT://a:9092,CONTROLLER://a:9093"),
        ];
        assert_eq!(advertised(&values), ["a:9092"]);
        assert!(listeners(&[("listeners", "C://:9093"), ("controller.listener.names", "c")]).is_err());
    }

    #[test]
    fn named_listeners_need_a_protocol_and_only_plaintext_is_to_be_had() {
        let listener = ("listeners", "INTERNAL://:9092");
        let error = |map| listeners(&[listener, ("listener.security.protocol.map", map)]).unwrap_err();
        assert!(listeners(&[listener, ("listener.security.protocol.map", "INTERNAL:PLAINTEXT")]).is_ok());
        assert!(error("INTERNAL:SASL_SSL").problem.contains("SASL_SSL"));
        assert!(error("INTERNAL:TLS").problem.contains("none of"));
        assert!(error("OTHER:PLAINTEXT").problem.contains("no entry"));
        assert!(error("INTERNAL").problem.contains("form"));
        assert!(listeners(&[("listeners", "SSL://:9092")]).is_err());
    }

    #[test]
    fn malformed_and_clashing_listeners_are_refused() {
        for bad in
            ["PLAINTEXT:9092", "://:9092", "A://h", "A://h:x", "A://h:70000", "A://a b:1", "A://[::1:1"]
        {
            assert!(listeners(&[("listeners", bad)]).is_err(), "{bad}");
        }
        let map = ("listener.security.protocol.map", "A:PLAINTEXT,B:PLAINTEXT");
        for clash in ["A://:1,A://:2", "A://:1,B://h:1", "A://h:1,B://h:1"] {
            assert!(listeners(&[("listeners", clash), map]).is_err(), "{clash}");
        }
        for fine in ["A://:0,B://:0", "A://h:1,B://i:1", "A://:1,B://:2"] {
            assert!(listeners(&[("listeners", fine), map]).is_ok(), "{fine}");
        }
    }

    #[test]
    fn nobody_is_told_to_connect_to_all_interfaces() {
        assert!(listeners(&[("advertised.listeners", "PLAINTEXT://0.0.0.0:9092")]).is_err());
        assert!(listeners(&[("advertised.listeners", "OTHER://a:9092")]).is_err());
    }
}
