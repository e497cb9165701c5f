//! Settings of where a dependency can be reached.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Span;
use crate::balance::{Dns, Endpoints};

/// Addresses, written like `http://10.0.0.7:4000,http://10.0.0.8:4000`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses(pub Endpoints);

impl Serialize for Addresses {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let addresses = self.0.authorities().iter();
        let addresses: Vec<String> = addresses.map(|it| format!("http://{it}")).collect();
        serializer.serialize_str(&addresses.join(","))
    }
}

impl<'de> Deserialize<'de> for Addresses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let list = String::deserialize(deserializer)?;
        Endpoints::parse(&list).map(Self).map_err(D::Error::custom)
    }
}

/// A name whose addresses are the endpoints; see [`Dns`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DnsSettings {
    /// The name.
    pub host: String,
    /// The port of each address.
    pub port: u16,
    /// How long to wait between two look-ups (default 5 s).
    pub interval: Option<Span>,
    /// How long one look-up may take (default 2 s).
    pub time_limit: Option<Span>,
}

impl DnsSettings {
    pub(super) fn dns(&self) -> Dns {
        let mut dns = Dns::new(&self.host, self.port);
        if let Some(Span(interval)) = self.interval {
            dns = dns.interval(interval);
        }
        if let Some(Span(limit)) = self.time_limit {
            dns = dns.time_limit(limit);
        }
        dns
    }
}
