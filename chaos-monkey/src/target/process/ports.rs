//! The ports of a run: chosen once, kept while it lasts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, TryLockError};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::RangeInclusive;

use indexmap::{IndexMap, IndexSet};
use thiserror::Error;

use crate::schema::{Port, System};

/// The ephemeral range where the operating system does not tell: what IANA recommends.
const RECOMMENDED_EPHEMERAL: RangeInclusive<u16> = 49_152..=65_535;

/// How many ports below the ephemeral range are tried.
const AUTO_PORTS: u16 = 12_000;

/// Ports below are for others, or need rights.
const LOWEST_AUTO_PORT: u16 = 10_000;

/// Why there are no ports.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PortError {
    /// Somebody else listens there.
    #[error(
        "services.{service}.process.ports.{name}: port {port} of {service}/{replica} is in use: stop what listens there, or write `auto`"
    )]
    InUse {
        /// The service.
        service: String,
        /// The replica.
        replica: u32,
        /// The name of the port.
        name: String,
        /// Its number.
        port: u16,
    },
    /// The number of a replica's port is not one.
    #[error(
        "services.{service}.process.ports.{name}: {first} plus replica {replica} is beyond 65535: choose a lower port, or write `auto`"
    )]
    TooHigh {
        /// The service.
        service: String,
        /// The replica.
        replica: u32,
        /// The name of the port.
        name: String,
        /// The number in the file.
        first: u16,
    },
    /// All ports of the range are taken.
    #[error(
        "no free port from {first} to {last} is left for `auto`: stop what listens there, or write numbers"
    )]
    NoneLeft {
        /// The first one that was tried.
        first: u16,
        /// The last one that was tried.
        last: u16,
    },
}

/// The ports of every instance.
#[derive(Debug, Default)]
pub(super) struct Ports {
    services: IndexSet<String>,
    instances: BTreeMap<(String, u32), IndexMap<String, u16>>,
    /// Held while the run lasts, so that another run on this machine does not choose the port of
    /// an instance that is down at the moment.
    locks: Vec<File>,
}

impl Ports {
    /// Chooses and checks the ports of all instances of a system.
    pub(super) fn allocate(system: &System) -> Result<Self, PortError> {
        let mut ports = Self::default();
        let taken = ports.take_fixed(system)?;
        let range = auto_range(&ephemeral_range());
        ports.take_auto(system, &range, taken)?;
        Ok(ports)
    }

    pub(super) fn insert(&mut self, service: &str, replica: u32, name: &str, port: u16) {
        self.services.insert(service.to_owned());
        self.instances
            .entry((service.to_owned(), replica))
            .or_default()
            .insert(name.to_owned(), port);
    }

    /// The ports of one instance by name.
    pub(super) fn of(&self, service: &str, replica: u32) -> impl Iterator<Item = (&str, u16)> {
        self.instances
            .get(&(service.to_owned(), replica))
            .into_iter()
            .flatten()
            .map(|(name, port)| (name.as_str(), *port))
    }

    /// The address of one port.
    pub(super) fn address(&self, service: &str, replica: u32, name: &str) -> Option<SocketAddr> {
        let (_, port) = self
            .of(service, replica)
            .find(|(known, _)| *known == name)?;
        Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }

    /// The services that have ports.
    pub(super) fn services(&self) -> impl Iterator<Item = &str> {
        self.services.iter().map(String::as_str)
    }

    /// The addresses of the port called `name`, in the order of the replicas.
    pub(super) fn addresses<'a>(
        &'a self,
        service: &'a str,
        name: &'a str,
    ) -> impl Iterator<Item = SocketAddr> + 'a {
        let first = (service.to_owned(), 0);
        let last = (service.to_owned(), u32::MAX);
        self.instances
            .range(first..=last)
            .filter_map(move |((service, replica), _)| self.address(service, *replica, name))
    }

    fn take_fixed(&mut self, system: &System) -> Result<BTreeSet<u16>, PortError> {
        let mut taken = BTreeSet::new();
        for (service, replica, name, port) in every_port(system) {
            let Port::Fixed(first) = port else { continue };
            let number = u16::try_from(replica)
                .ok()
                .and_then(|offset| first.checked_add(offset));
            let Some(number) = number else {
                return Err(PortError::TooHigh {
                    service: service.to_owned(),
                    replica,
                    name: name.to_owned(),
                    first,
                });
            };
            if !taken.insert(number) || !is_free(number) {
                return Err(PortError::InUse {
                    service: service.to_owned(),
                    replica,
                    name: name.to_owned(),
                    port: number,
                });
            }
            self.insert(service, replica, name, number);
        }
        Ok(taken)
    }

    fn take_auto(
        &mut self,
        system: &System,
        range: &RangeInclusive<u16>,
        mut taken: BTreeSet<u16>,
    ) -> Result<(), PortError> {
        // Runs that start together should not all try the same ports first.
        let count = u32::from(range.end() - range.start()) + 1;
        let offset = std::process::id().wrapping_mul(97) % count;
        let mut candidates = (0..count).filter_map(|step| {
            let port = u32::from(*range.start()) + (offset + step) % count;
            u16::try_from(port).ok()
        });
        for (service, replica, name, port) in every_port(system) {
            let Port::Auto(_) = port else { continue };
            let free = candidates.by_ref().find_map(|candidate| {
                if taken.contains(&candidate) {
                    return None;
                }
                let lock = lock(candidate);
                let is_usable = !matches!(lock, PortLock::Taken) && is_free(candidate);
                is_usable.then_some((candidate, lock))
            });
            let Some((number, lock)) = free else {
                return Err(PortError::NoneLeft {
                    first: *range.start(),
                    last: *range.end(),
                });
            };
            taken.insert(number);
            if let PortLock::Held(file) = lock {
                self.locks.push(file);
            }
            self.insert(service, replica, name, number);
        }
        Ok(())
    }
}

fn every_port(system: &System) -> impl Iterator<Item = (&str, u32, &str, Port)> {
    system
        .spec
        .services
        .iter()
        .flat_map(|(service, definition)| {
            definition.process.iter().flat_map(move |binding| {
                (0..binding.replicas).flat_map(move |replica| {
                    binding
                        .ports
                        .iter()
                        .map(move |(name, port)| (service.as_str(), replica, name.as_str(), *port))
                })
            })
        })
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// What became of a lock.
enum PortLock {
    /// This run has it.
    Held(File),
    /// Another run has it.
    Taken,
    /// There is no place for locks: looking whether the port is free has to do.
    Impossible,
}

/// Locks a port against other runs on this machine until the file is closed, however this process
/// ends.
fn lock(port: u16) -> PortLock {
    let folder = std::env::temp_dir().join("aplomb-ports");
    // Where it cannot be created, opening fails.
    let _ = std::fs::create_dir_all(&folder);
    let opened = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(folder.join(format!("{port}.lock")));
    let Ok(file) = opened else {
        return PortLock::Impossible;
    };
    match file.try_lock() {
        Ok(()) => PortLock::Held(file),
        Err(TryLockError::WouldBlock) => PortLock::Taken,
        Err(TryLockError::Error(_)) => PortLock::Impossible,
    }
}

/// The range from which the operating system takes the ports of outgoing connections: there an
/// instance that is down could lose its port to any of them.
fn ephemeral_range() -> RangeInclusive<u16> {
    std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|text| parse_range(&text))
        .unwrap_or(RECOMMENDED_EPHEMERAL)
}

fn parse_range(text: &str) -> Option<RangeInclusive<u16>> {
    let mut numbers = text.split_whitespace().map(str::parse);
    let (first, last) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    (first <= last).then_some(first..=last)
}

/// Ports just below the ephemeral range; above it where it begins too low; anywhere if it spans
/// everything.
fn auto_range(ephemeral: &RangeInclusive<u16>) -> RangeInclusive<u16> {
    let (first, last) = (*ephemeral.start(), *ephemeral.end());
    if first > LOWEST_AUTO_PORT + 1_000 {
        return LOWEST_AUTO_PORT.max(first.saturating_sub(AUTO_PORTS))..=first - 1;
    }
    if last < u16::MAX - 1_000 {
        return last + 1..=u16::MAX;
    }
    LOWEST_AUTO_PORT..=LOWEST_AUTO_PORT + AUTO_PORTS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(ports: &[(&str, u32, serde_json::Value)]) -> System {
        let services: serde_json::Map<_, _> = ports
            .iter()
            .map(|(service, replicas, port)| {
                let process = serde_json::json!({
                    "command": ["true"],
                    "replicas": replicas,
                    "ports": { "http": port, "admin": "auto" },
                    "health": { "check": { "tcp": { "port": "http" } } },
                });
                (
                    (*service).to_owned(),
                    serde_json::json!({ "process": process }),
                )
            })
            .collect();
        serde_json::from_value(serde_json::json!({
            "apiVersion": "chaos.aplomb.dev/v1alpha1",
            "kind": "System",
            "metadata": { "name": "test" },
            "spec": { "services": services },
        }))
        .unwrap()
    }

    #[test]
    fn auto_ports_differ_and_lie_outside_the_ephemeral_range() {
        let system = system(&[("a", 3, "auto".into()), ("b", 2, "auto".into())]);
        let ports = Ports::allocate(&system).unwrap();
        // A second run on the same machine, while the first one lasts.
        let others = Ports::allocate(&system).unwrap();
        let mut seen = BTreeSet::new();
        let ephemeral = ephemeral_range();
        for (service, replica, name, _) in every_port(&system) {
            for run in [&ports, &others] {
                let port = run.address(service, replica, name).unwrap().port();
                assert!(seen.insert(port), "{port} was given twice");
                assert!(
                    !ephemeral.contains(&port) || ephemeral == (1..=u16::MAX),
                    "{port}"
                );
            }
        }
        assert_eq!(seen.len(), 20);
        let addresses: Vec<_> = ports.addresses("a", "http").collect();
        assert_eq!(addresses.len(), 3);
        assert_eq!(Some(addresses[2]), ports.address("a", 2, "http"));
    }

    #[test]
    fn a_port_in_use_is_named() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let message = Ports::allocate(&system(&[("shop", 1, port.into())]))
            .unwrap_err()
            .to_string();
        assert_eq!(
            message,
            format!(
                "services.shop.process.ports.http: port {port} of shop/0 is in use: stop what listens there, or write `auto`"
            )
        );
    }

    #[test]
    fn two_services_on_one_port_and_a_port_too_high_are_errors() {
        let range = auto_range(&ephemeral_range());
        let port = *range.start();
        let twice = system(&[("a", 1, port.into()), ("b", 1, port.into())]);
        assert!(
            matches!(Ports::allocate(&twice), Err(PortError::InUse { service, .. }) if service == "b")
        );
        let high = system(&[("a", 2, u16::MAX.into())]);
        assert!(matches!(
            Ports::allocate(&high),
            Err(PortError::TooHigh { replica: 1, .. })
        ));
    }

    #[test]
    fn the_auto_range_avoids_any_ephemeral_range() {
        assert_eq!(auto_range(&(32_768..=60_999)), 20_768..=32_767);
        assert_eq!(auto_range(&(49_152..=65_535)), 37_152..=49_151);
        assert_eq!(auto_range(&(1_024..=40_000)), 40_001..=65_535);
        assert_eq!(auto_range(&(1_024..=65_535)), 10_000..=22_000);
        assert_eq!(parse_range("32768\t60999\n"), Some(32_768..=60_999));
        assert_eq!(parse_range("nothing"), None);
    }
}
