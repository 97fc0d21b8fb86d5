//! Where a broker listens: `host:port`.

use std::fmt;
use std::str::FromStr;

/// What is meant where no port is given: Kafka's.
const PORT_DEFAULT: u16 = 9092;

/// A host, as a name or an address, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    pub host: String,
    pub port: u16,
}

impl FromStr for HostPort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        // As copied out of a listeners setting or of what a broker prints.
        let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
        let (host, port) = match rest.strip_prefix('[') {
            Some(bracketed) => {
                let (host, after) =
                    bracketed.split_once(']').ok_or_else(|| format!("{text:?}: a ']' is missing"))?;
                (host, after.strip_prefix(':').or_else(|| after.is_empty().then_some("")))
            }
            None if rest.matches(':').count() > 1 => {
                return Err(format!("{text:?}: write an IPv6 address as [address]:port"));
            }
            None => rest.split_once(':').map_or((rest, Some("")), |(host, port)| (host, Some(port))),
        };
        if host.is_empty() {
            return Err(format!("{text:?}: the host is missing; expected HOST:PORT"));
        }
        let port = match port {
            Some("") if !rest.ends_with(':') => PORT_DEFAULT,
            Some(port) => port.parse().map_err(|_| format!("{text:?}: {port:?} is not a port"))?,
            None => return Err(format!("{text:?}: expected HOST:PORT")),
        };
        Ok(Self { host: host.to_owned(), port })
    }
}

impl HostPort {
    /// The addresses in a list that is separated by commas.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, String> {
        let addresses: Vec<Self> = text
            .split(',')
            .filter(|part| !part.trim().is_empty())
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        if addresses.is_empty() {
            return Err("no address is given; expected HOST:PORT[,HOST:PORT...]".to_owned());
        }
        Ok(addresses)
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_addresses_is_read() {
        let shown = |text| -> Result<Vec<String>, String> {
            Ok(HostPort::parse_list(text)?.iter().map(ToString::to_string).collect())
        };
        assert_eq!(shown("a:1, b:2,"), Ok(vec!["a:1".into(), "b:2".into()]));
        assert_eq!(shown("[::1]:19092,PLAINTEXT://h:1"), Ok(vec!["[::1]:19092".into(), "h:1".into()]));
        assert_eq!(shown("localhost,[::1]"), Ok(vec!["localhost:9092".into(), "[::1]:9092".into()]));
        for bad in ["", ",", "a:", "a:x", "a:70000", ":9092", "::1:9092", "[::1", "[::1]x"] {
            assert!(shown(bad).is_err(), "{bad}");
        }
    }
}
