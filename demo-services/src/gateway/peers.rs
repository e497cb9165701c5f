//! Where the replicas of another service are.

use std::str::FromStr;
use std::time::Duration;

use http::uri::Authority;
use resilience::ClientBuilder;
use resilience::balance::{Dns, Endpoints};

/// What stands before a name that is resolved again and again.
const SCHEME: &str = "dns://";

/// How often a name is resolved: a pod that comes back has another address, and users wait for it.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The replicas of another service: a list, or a name whose addresses they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peers {
    /// `http://HOST:PORT`, comma-separated.
    List(Endpoints),
    /// `dns://NAME:PORT`, such as a headless service in Kubernetes.
    Name {
        /// The name.
        host: String,
        /// The port of each of its addresses.
        port: u16,
    },
}

impl Peers {
    /// Lets a client call them. A name is resolved from then on.
    pub(super) fn reach(&self, client: ClientBuilder, seed: u64) -> ClientBuilder {
        match self {
            Self::List(endpoints) => client.endpoints(endpoints.clone()),
            Self::Name { host, port } => client.dns(
                Dns::new(host.as_str(), *port)
                    .interval(LOOK_EVERY)
                    .seed(seed),
            ),
        }
    }
}

impl FromStr for Peers {
    type Err = PeersError;

    fn from_str(text: &str) -> Result<Self, PeersError> {
        let text = text.trim();
        let Some(name) = text.strip_prefix(SCHEME) else {
            return Endpoints::parse(text)
                .map(Self::List)
                .map_err(|error| PeersError(error.address().to_owned()));
        };
        let mistake = || PeersError(text.to_owned());
        let name: Authority = name.parse().map_err(|_| mistake())?;
        match name.port_u16() {
            Some(port @ 1..) if !name.host().is_empty() && !name.as_str().contains('@') => {
                Ok(Self::Name {
                    host: name.host().to_owned(),
                    port,
                })
            }
            _ => Err(mistake()),
        }
    }
}

/// An address at which no replica can be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no address of a service: expected `http://HOST:PORT`, several separated by commas, \
     or one `dns://NAME:PORT`"
)]
pub struct PeersError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_or_a_name_is_read() {
        let list = "http://a:1,http://b:2".parse().unwrap();
        assert_eq!(
            Peers::List(Endpoints::parse("http://a:1,http://b:2").unwrap()),
            list
        );
        let name = Peers::Name {
            host: "auth-headless.mesh.svc".to_owned(),
            port: 8080,
        };
        assert_eq!(" dns://auth-headless.mesh.svc:8080 ".parse(), Ok(name));
    }

    #[test]
    fn what_is_neither_is_named() {
        for bad in [
            "dns://",
            "dns://name",
            "dns://name:0",
            "dns://name:99999",
            "dns://:80",
            "dns://user@name:80",
            "dns://name:80/path",
            "dns://a:80,dns://b:80",
            "http://a:1,dns://b:80",
            "auth:8080",
        ] {
            let error = bad.parse::<Peers>().unwrap_err().to_string();
            assert!(error.contains("dns://NAME:PORT"), "{bad}: {error}");
        }
    }
}
