//! `cargo xtask postgres`: the suite of the stores on a PostgreSQL of its own, which is thrown away.
#![allow(clippy::disallowed_types, reason = "nothing here runs in tokio")]

use std::fs::{File, Permissions};
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;

use crate::run;

/// Where Debian puts the programs, one folder for each version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// How long the server may take to start.
const STARTS_WITHIN: Duration = Duration::from_secs(30);

/// The user whom a server runs as when root starts it, which it refuses to run as.
const USER: &str = "postgres";

/// The suite of the stores on a PostgreSQL of its own, which is thrown away
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Only tests with this in their name, and other words for the test program
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    tests: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let programs = programs()?;
    let suite = || {
        let mut cargo = run::cargo();
        cargo
            // Of the workspace, so that most dependencies are those of `cargo test --workspace`.
            .args(["test", "--locked", "--workspace"])
            .args(["--features", "demo-services/postgres"])
            .args(["--test", "store_postgres"])
            .current_dir(run::root());
        cargo
    };
    let built = suite().arg("--no-run").status()?;
    ensure!(built.success(), "the suite does not build");
    let server = Server::start(&programs, None)?;
    let status = suite()
        .arg("--")
        .args(&arguments.tests)
        .env("APLOMB_TEST_DATABASE_URL", &server.url)
        .env("APLOMB_TEST_DATABASE_PID_FILE", server.pid_file())
        .status();
    server.stop()?;
    ensure!(status?.success(), "PostgreSQL does not do what SQLite does");
    Ok(())
}

/// The programs of the newest version that is installed.
pub(crate) fn programs() -> anyhow::Result<PathBuf> {
    let versions = std::fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    versions
        .filter_map(|version| {
            let number: u32 = version.file_name().to_str()?.parse().ok()?;
            let programs = version.path().join("bin");
            let is_server = programs.join("initdb").exists();
            is_server.then_some((number, programs))
        })
        .max()
        .map(|(_, programs)| programs)
        .with_context(|| {
            format!("no PostgreSQL below {VERSIONS}: install it with `apt-get install postgresql`")
        })
}

/// A server in a folder of its own, started again whenever it ends, as a cluster would.
pub(crate) struct Server {
    pub(crate) url: String,
    folder: PathBuf,
    /// The process of this moment; 0 between two of them.
    process: Arc<AtomicU32>,
    is_ending: Arc<AtomicBool>,
    keeper: JoinHandle<()>,
}

impl Server {
    /// Starts one that this machine reaches by its loopback, and others at this address of it.
    pub(crate) fn start(programs: &Path, address: Option<IpAddr>) -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("aplomb-postgres-{}", std::process::id()));
        std::fs::create_dir(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let password = password()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let data = folder.join("data");
        let started = initialize(programs, &folder, &data, &password).and_then(|()| {
            let log = File::create(folder.join("log"))?;
            Ok(keep(programs, &data, address, port, log))
        });
        let (process, is_ending, keeper) = match started {
            Ok(started) => started,
            Err(error) => {
                std::fs::remove_dir_all(&folder)?;
                return Err(error);
            }
        };
        let host = address.unwrap_or(Ipv4Addr::LOCALHOST.into());
        let server = Self {
            url: format!("postgres://mesh:{password}@{host}:{port}/postgres"),
            folder,
            process,
            is_ending,
            keeper,
        };
        let begun = Instant::now();
        while !is_ready(programs, port)? {
            if begun.elapsed() > STARTS_WITHIN {
                let log = std::fs::read_to_string(server.folder.join("log")).unwrap_or_default();
                server.stop()?;
                anyhow::bail!("PostgreSQL does not start within {STARTS_WITHIN:?}:\n{log}");
            }
            sleep(Duration::from_millis(100));
        }
        Ok(server)
    }

    /// The file in which the server says by which process it runs.
    fn pid_file(&self) -> PathBuf {
        self.folder.join("data").join("postmaster.pid")
    }

    pub(crate) fn stop(self) -> anyhow::Result<()> {
        self.is_ending.store(true, Ordering::SeqCst);
        while !self.keeper.is_finished() {
            let process = self.process.load(Ordering::SeqCst);
            if process != 0 {
                // What this server calls fast: it ends its connections and then itself.
                let _ = Command::new("kill")
                    .args(["-INT", &process.to_string()])
                    .status();
            }
            sleep(Duration::from_millis(200));
        }
        std::fs::remove_dir_all(&self.folder)
            .with_context(|| format!("cannot remove {}", self.folder.display()))
    }
}

/// Runs the server, and again when it has ended, until it is ending for good.
fn keep(
    programs: &Path,
    data: &Path,
    address: Option<IpAddr>,
    port: u16,
    log: File,
) -> (Arc<AtomicU32>, Arc<AtomicBool>, JoinHandle<()>) {
    let process = Arc::new(AtomicU32::new(0));
    let is_ending = Arc::new(AtomicBool::new(false));
    let addresses: Vec<String> = [Some(Ipv4Addr::LOCALHOST.into()), address]
        .into_iter()
        .flatten()
        .map(|address| address.to_string())
        .collect();
    let addresses = format!("listen_addresses={}", addresses.join(","));
    let mut server = as_user(&programs.join("postgres"));
    server
        .arg("-D")
        .arg(data)
        .args(["-p", &port.to_string(), "-c", &addresses])
        .args([
            "-c",
            "unix_socket_directories=",
            "-c",
            "max_connections=200",
        ])
        // What this machine's power is cut for is gone anyway.
        .args(["-c", "fsync=off"])
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let keeper = std::thread::spawn({
        let (process, is_ending) = (Arc::clone(&process), Arc::clone(&is_ending));
        move || {
            while !is_ending.load(Ordering::SeqCst) {
                let Ok(log) = log.try_clone() else { return };
                let Ok(mut child) = server.stderr(log).spawn() else {
                    return;
                };
                process.store(child.id(), Ordering::SeqCst);
                let _ = child.wait();
                process.store(0, Ordering::SeqCst);
                sleep(Duration::from_millis(100));
            }
        }
    });
    (process, is_ending, keeper)
}

/// Makes the server's files: one user with a password, whoever it is that asks.
fn initialize(programs: &Path, folder: &Path, data: &Path, password: &str) -> anyhow::Result<()> {
    let password_file = folder.join("password");
    std::fs::write(&password_file, password)?;
    std::fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    if is_root()? {
        let status = Command::new("chown")
            .args(["-R", USER])
            .arg(folder)
            .status()?;
        ensure!(
            status.success(),
            "there is no user {USER} to run PostgreSQL as"
        );
    }
    let made = as_user(&programs.join("initdb"))
        .arg("-D")
        .arg(data)
        .arg("--pwfile")
        .arg(&password_file)
        .args(["--username=mesh", "--auth=scram-sha-256", "--encoding=UTF8"])
        .args(["--locale=C", "--no-sync", "--no-instructions"])
        .output()?;
    std::fs::remove_file(&password_file)?;
    ensure!(
        made.status.success(),
        "initdb failed: {}",
        String::from_utf8_lossy(&made.stderr)
    );
    // Whoever reaches it needs the password.
    File::options()
        .append(true)
        .open(data.join("pg_hba.conf"))?
        .write_all(b"host all all 0.0.0.0/0 scram-sha-256\n")?;
    Ok(())
}

/// A program of the server: not as root, and gone when this program is.
fn as_user(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    if is_root().unwrap_or_default() {
        command.args(["--reuid", USER, "--regid", USER, "--clear-groups"]);
    }
    command.args(["--pdeathsig", "INT", "--"]).arg(program);
    // It must be able to look at the folder it is in.
    command.current_dir("/");
    command
}

fn is_root() -> anyhow::Result<bool> {
    let id = Command::new("id").arg("-u").output()?;
    Ok(id.stdout.trim_ascii() == b"0")
}

fn is_ready(programs: &Path, port: u16) -> anyhow::Result<bool> {
    let port = port.to_string();
    let asked = Command::new(programs.join("pg_isready"))
        .args(["-q", "-h", "127.0.0.1", "-p", &port, "-U", "mesh"])
        .status()?;
    Ok(asked.success())
}

/// 128 random bits.
fn password() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}
