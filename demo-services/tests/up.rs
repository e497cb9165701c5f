//! The mesh alone, asked as a stranger would: politely, with garbage, and with forged headers.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

struct Up {
    process: Child,
    folder: tempfile::TempDir,
    gateways: Vec<SocketAddr>,
    login: String,
}

impl Up {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_demo-services"))
            .args(["up", "--out"])
            .arg(folder.path().join("out"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut said = |start: &str| loop {
            let line = lines.next().unwrap().unwrap();
            if line.trim_start().starts_with(start) {
                return line;
            }
        };
        let gateways = said("gateway")
            .split("http://")
            .skip(1)
            .map(|address| address.trim().parse().unwrap())
            .collect();
        let login = said("TOKEN=").split('\'').nth(3).unwrap().to_owned();
        // What comes later is not read, but must not find a closed pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            process,
            folder,
            gateways,
            login,
        }
    }

    /// Sends a request as it is and returns status, head and body.
    fn ask(&self, request: &str) -> (u16, String, String) {
        let mut stream = TcpStream::connect(self.gateways[0]).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        // A server that refuses early may close before it has read everything.
        let _ = stream.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
        (status.unwrap_or(0), head.to_lowercase(), body.to_owned())
    }

    fn get(&self, path: &str, headers: &str) -> (u16, String, String) {
        self.ask(&format!(
            "GET {path} HTTP/1.1\r\nhost: mesh\r\nconnection: close\r\n{headers}\r\n"
        ))
    }

    fn post(&self, path: &str, body: &str) -> (u16, String, String) {
        self.ask(&format!(
            "POST {path} HTTP/1.1\r\nhost: mesh\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    fn stop(mut self) -> Vec<SocketAddr> {
        let work = self.folder.path().join("out").join("work");
        assert!(work.exists());
        let id = self.process.id().to_string();
        let killed = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(killed.success());
        assert!(self.process.wait().unwrap().success());
        assert!(!work.exists(), "the users' password is left behind");
        self.gateways.clone()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn users_are_served_and_strangers_are_not_believed() {
    let up = Up::start();
    let (status, _, body) = up.post("/api/login", &up.login);
    assert_eq!(status, 200, "{body}");
    let session: Value = serde_json::from_str(&body).unwrap();
    let token = session["accessToken"].as_str().unwrap();
    let user = format!("authorization: Bearer {token}\r\n");

    let (status, head, body) = up.get("/api/home", &user);
    assert_eq!(status, 200, "{body}");
    assert!(!head.contains("degradation"), "{head}");
    let home: Value = serde_json::from_str(&body).unwrap();
    assert!(!home["rows"][0]["titles"].as_array().unwrap().is_empty());

    // What only the inside may say is not heard from outside.
    let forged = format!(
        "{user}aplomb-deadline-ms: 0\r\naplomb-priority: sheddable\r\n\
         degradation: everything;reason=open;weight=1\r\n"
    );
    let (status, head, _) = up.get("/api/home", &forged);
    assert_eq!(status, 200);
    assert!(!head.contains("everything"), "{head}");

    // A forged token, none, and one whose signature was cut.
    let cut = &token[..token.len() - 4];
    for bad in [
        "authorization: Bearer forged\r\n".to_owned(),
        String::new(),
        format!("authorization: Bearer {cut}\r\n"),
    ] {
        assert_eq!(up.get("/api/home", &bad).0, 401);
    }

    // Garbage, and more of it than fits.
    assert_eq!(up.post("/api/login", "{\"name\":").0, 400);
    assert_eq!(up.post("/api/login", &"x".repeat(100_000)).0, 413);
    assert_eq!(up.ask("\u{1}\u{2} garbage\r\n\r\n").0, 400);
    assert_eq!(up.get("/api/nowhere", &user).0, 404);
    let (status, _, body) = up.get("/api/titles/none", &user);
    assert_eq!(status, 400);
    assert!(body.starts_with('{'), "{body}");

    // Afterwards users are still served, and after SIGTERM nothing is left.
    assert_eq!(up.get("/api/search?q=harbour", &user).0, 200);
    for address in up.stop() {
        assert!(
            TcpStream::connect(address).is_err(),
            "{address} still listens"
        );
    }
}
