//! An outage probe that can make the agent wait, so that something can happen between the record
//! of a kill and its sending.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use anyhow::bail;

/// An outage probe that always says that all is well, when it is told to.
pub(super) struct Probe {
    address: SocketAddr,
    asked: Receiver<Sender<()>>,
}

impl Probe {
    pub(super) fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (tell, asked) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let mut request = [0; 4_096];
                let _ = stream.read(&mut request);
                let (go, may_answer) = channel::<()>();
                if tell.send(go).is_err() {
                    return;
                }
                // Whoever lets go of the other end says yes, too.
                let _ = may_answer.recv();
                let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Ok(Self { address, asked })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Waits until it is asked. It answers when what it gives is let go.
    pub(super) fn question(&self) -> anyhow::Result<Sender<()>> {
        match self.asked.recv_timeout(Duration::from_secs(40)) {
            Ok(go) => Ok(go),
            Err(RecvTimeoutError::Timeout) => bail!("the agent has not asked its outage probe"),
            Err(RecvTimeoutError::Disconnected) => bail!("the outage probe has ended"),
        }
    }

    /// Answers the questions that come before a reservation, of all owners and of one, and holds
    /// the one that comes after the record.
    pub(super) fn hold_after_the_record(&self) -> anyhow::Result<Sender<()>> {
        drop(self.question()?);
        drop(self.question()?);
        self.question()
    }
}
