//! What is started, with every word replaced and every program found.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indexmap::IndexMap;

use super::health::Check;
use super::ports::Ports;
use super::words::Words;
use super::{RunDir, StartError};
use crate::journal::InstanceName;
use crate::observe::EventSource;
use crate::schema::{Health, HealthCheck, Prepare, ProcessBinding, Service};

/// A program that was found, and what it is given.
#[derive(Debug, Clone)]
pub(super) struct Program {
    /// Where it is.
    pub(super) path: OsString,
    /// Its arguments.
    pub(super) arguments: Vec<String>,
    /// Environment variables in addition to the engine's own.
    pub(super) environment: Vec<(String, String)>,
}

/// Everything that is known about one instance before it starts.
#[derive(Debug, Clone)]
pub(super) struct InstanceSpec {
    /// Which.
    pub(super) name: InstanceName,
    /// What runs.
    pub(super) program: Program,
    /// Where its output goes.
    pub(super) log: PathBuf,
    /// When it is ready.
    pub(super) check: Check,
    /// How long it stays away when it has ended.
    pub(super) restart_delay: Duration,
    /// How long it may take to end when it is asked to.
    pub(super) stop_within: Duration,
    /// Where it tells of itself.
    pub(super) events: Option<EventSource>,
}

/// What the instances of a service are started with.
pub(super) fn instances(
    service: &str,
    definition: &Service,
    words: &Words,
    ports: &Ports,
    run_dir: &RunDir,
) -> Result<Vec<InstanceSpec>, StartError> {
    let Some(binding) = &definition.process else {
        return Err(StartError::NoProcess {
            service: service.to_owned(),
        });
    };
    (0..binding.replicas)
        .map(|replica| {
            let words = words.of_instance(service, replica, ports);
            instance(service, replica, binding, &words, ports, run_dir)
        })
        .collect()
}

fn instance(
    service: &str,
    replica: u32,
    binding: &ProcessBinding,
    words: &Words,
    ports: &Ports,
    run_dir: &RunDir,
) -> Result<InstanceSpec, StartError> {
    let key = format!("services.{service}.process");
    let name = InstanceName {
        service: service.to_owned(),
        replica,
    };
    let address = |port: &str, user: &str| {
        ports
            .address(service, replica, port)
            .ok_or_else(|| StartError::NoPort {
                key: format!("{key}.{user}"),
                port: port.to_owned(),
            })
    };
    let check = check(&binding.health, |port| address(port, "health.check"))?;
    let events = binding
        .events
        .as_ref()
        .map(|events| {
            let bearer = events
                .bearer
                .as_ref()
                .map(|bearer| apply(words, bearer, &format!("{key}.events.bearer")))
                .transpose()?;
            Ok::<_, StartError>(EventSource {
                instance: name.clone(),
                address: address(&events.port, "events")?,
                path: events.path.clone(),
                bearer,
            })
        })
        .transpose()?;
    Ok(InstanceSpec {
        program: program(&key, &binding.command, &binding.env, words)?,
        log: run_dir.logs().join(format!("{service}-{replica}.log")),
        check,
        restart_delay: binding.restart_delay.get(),
        stop_within: binding.stop_within.get(),
        events,
        name,
    })
}

fn check(
    health: &Health,
    address: impl Fn(&str) -> Result<std::net::SocketAddr, StartError>,
) -> Result<Check, StartError> {
    let (port, path) = match &health.check {
        HealthCheck::Http(http) => (&http.port, Some(http.path.clone())),
        HealthCheck::Tcp(tcp) => (&tcp.port, None),
    };
    Ok(Check {
        address: address(port)?,
        path,
        interval: health.interval.get(),
        timeout: health.timeout.get(),
        within: health.within.get(),
    })
}

/// The command that runs before the first instance.
pub(super) fn prepare(prepare: &Prepare, words: &Words) -> Result<Program, StartError> {
    program("prepare", &prepare.command, &prepare.env, words)
}

fn program(
    key: &str,
    command: &[String],
    env: &IndexMap<String, String>,
    words: &Words,
) -> Result<Program, StartError> {
    let command_key = format!("{key}.command");
    let mut command = command
        .iter()
        .map(|part| apply(words, part, &command_key))
        .collect::<Result<Vec<_>, _>>()?
        .into_iter();
    let Some(program) = command.next().filter(|program| !program.is_empty()) else {
        return Err(StartError::EmptyCommand { key: command_key });
    };
    let search = std::env::var_os("PATH").unwrap_or_default();
    let path =
        find(&program, std::env::split_paths(&search)).map_err(|problem| StartError::Program {
            key: command_key,
            program: program.clone(),
            problem,
        })?;
    let environment = env
        .iter()
        .map(|(name, value)| {
            Ok((
                name.clone(),
                apply(words, value, &format!("{key}.env.{name}"))?,
            ))
        })
        .collect::<Result<_, StartError>>()?;
    Ok(Program {
        path,
        arguments: command.collect(),
        environment,
    })
}

fn apply(words: &Words, text: &str, key: &str) -> Result<String, StartError> {
    words.apply(text).map_err(|source| StartError::Word {
        key: key.to_owned(),
        source,
    })
}

/// Where a program is: as a shell finds it.
fn find(program: &str, search: impl Iterator<Item = PathBuf>) -> Result<OsString, &'static str> {
    if program.contains('/') {
        let path = Path::new(program);
        return match (path.is_file(), is_executable(path)) {
            (true, true) => Ok(program.into()),
            (true, false) => {
                Err("may not be executed: set its executable bit, or name another program")
            }
            (false, _) => Err("does not exist: build it, or name another program"),
        };
    }
    search
        .map(|folder| folder.join(program))
        .find(|path| path.is_file() && is_executable(path))
        .map(PathBuf::into_os_string)
        .ok_or("was not found in PATH: install it, or write the path of the program")
}

fn is_executable(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_as_a_shell_finds_them() {
        let folder = tempfile::tempdir().unwrap();
        let plain = folder.path().join("plain");
        std::fs::write(&plain, "").unwrap();
        let search = || {
            [
                PathBuf::from("/nowhere"),
                folder.path().to_owned(),
                PathBuf::from("/bin"),
            ]
        };
        assert_eq!(find("sh", search().into_iter()).unwrap(), "/bin/sh");
        assert!(
            find("plain", search().into_iter())
                .unwrap_err()
                .contains("not found in PATH")
        );
        let plain = plain.display().to_string();
        assert!(
            find(&plain, search().into_iter())
                .unwrap_err()
                .contains("may not be executed")
        );
        assert!(
            find("./missing", search().into_iter())
                .unwrap_err()
                .contains("does not exist")
        );
        std::fs::set_permissions(&plain, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(find("plain", search().into_iter()).unwrap(), plain.as_str());
    }
}
