//! A way to the API on which an eviction can be held, so that something can happen between its
//! sending and its arrival.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::cluster::Cluster;

/// What is in the address of an eviction, and of nothing else that an agent asks for.
const EVICTION: &[u8] = b"/eviction?";

/// A way to the API, without TLS and for whoever comes, on loopback.
pub(super) struct Relay {
    address: SocketAddr,
    proxy: Child,
    held: Receiver<Sender<()>>,
}

impl Relay {
    pub(super) fn start(cluster: &Cluster) -> anyhow::Result<Self> {
        let mut proxy = cluster.command("kubectl");
        let mut proxy = proxy
            .args(["proxy", "--port=0"])
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start kubectl proxy")?;
        let (tell, held) = channel();
        let begun = (|| {
            let said = proxy.stdout.take().context("kubectl proxy is silent")?;
            let mut line = String::new();
            BufReader::new(said).read_line(&mut line)?;
            let api = line.split_whitespace().last().unwrap_or_default();
            let api: SocketAddr = api.parse().with_context(|| format!("`{line}`"))?;
            let listener = TcpListener::bind("127.0.0.1:0")?;
            let address = listener.local_addr()?;
            std::thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let tell = tell.clone();
                    std::thread::spawn(move || relay(&stream, api, &tell));
                }
            });
            anyhow::Ok(address)
        })();
        match begun {
            Ok(address) => Ok(Self {
                address,
                proxy,
                held,
            }),
            Err(error) => {
                proxy.kill()?;
                Err(error)
            }
        }
    }

    /// A kubeconfig whose only context leads here.
    pub(super) fn kubeconfig(&self) -> Value {
        let server = format!("http://{}", self.address);
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "relay",
            "clusters": [{"name": "relay", "cluster": {"server": server}}],
            "users": [{"name": "relay", "user": {}}],
            "contexts": [{"name": "relay", "context": {"cluster": "relay", "user": "relay"}}],
        })
    }

    /// Waits for an eviction. It goes on when what this gives is let go.
    pub(super) fn held_eviction(&self) -> anyhow::Result<Sender<()>> {
        let held = self.held.recv_timeout(Duration::from_secs(40));
        held.context("nobody evicts")
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.proxy.kill();
        let _ = self.proxy.wait();
    }
}

/// One connection, until either side ends it.
fn relay(client: &TcpStream, api: SocketAddr, tell: &Sender<Sender<()>>) -> std::io::Result<()> {
    let api = TcpStream::connect(api)?;
    let (mut answers, mut back) = (api.try_clone()?, client.try_clone()?);
    std::thread::spawn(move || {
        // Whichever end it is, the connection is over.
        let _ = std::io::copy(&mut answers, &mut back);
        let _ = back.shutdown(Shutdown::Both);
    });
    let (mut client, mut api) = (client, &api);
    let mut bytes = [0; 16_384];
    loop {
        let count = client.read(&mut bytes)?;
        if count == 0 {
            return api.shutdown(Shutdown::Write);
        }
        let request = &bytes[..count];
        if request.windows(EVICTION.len()).any(|it| it == EVICTION) {
            let (go, may_go) = channel();
            if tell.send(go).is_ok() {
                // Whoever lets go of the other end says yes, too.
                let _ = may_go.recv();
            }
        }
        api.write_all(request)?;
    }
}
