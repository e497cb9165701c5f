//! What an agent does while it runs beside killing: it reads its settings again, and tells of kills.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::scenario::{Scenario, killed, pause, wait_for};
use super::world::World;

/// All of them, by name.
pub(super) const ALL: [(&str, Scenario); 2] = [("reload", reload), ("webhooks", webhooks)];

/// Settings hold as soon as they stand in the file; those that make no sense are refused, and what
/// held before goes on holding.
fn reload(world: &World<'_>) -> anyhow::Result<String> {
    world.deployment("web", 3, true)?;
    let mut agent = world.agent("platform", "a", &json!({"dryRun": true}))?;
    wait_for(30, "it says what it would kill", || {
        let log = agent.log_text();
        Ok(log.contains("would be killed (dry run)").then_some(()))
    })?;
    ensure!(world.kills()?.is_empty(), "a dry run is on record");

    let change = json!({"dryRun": false, "schedule": {"weekdays": ["mondya"]}});
    world.agent_command("platform", "a", &change)?;
    let refused = Instant::now();
    wait_for(20, "it says what is wrong with the new settings", || {
        let log = agent.log_text();
        Ok((log.contains("mondya") && log.contains("monday")).then_some(()))
    })?;
    let refused = refused.elapsed().as_secs_f64();
    pause(3_000);
    ensure!(
        world.kills()?.is_empty(),
        "it killed by settings that make no sense"
    );

    world.agent_command("platform", "a", &json!({}))?;
    let applied = Instant::now();
    killed(world, 1)?;
    let applied = applied.elapsed().as_secs_f64();
    agent.end()?;
    Ok(format!(
        "a misspelt weekday was refused after {refused:.1} s, a dry run ended after {applied:.1} s"
    ))
}

/// One webhook is told of each kill and of its end, one in the form of Slack; one that never
/// answers holds up nobody.
fn webhooks(world: &World<'_>) -> anyhow::Result<String> {
    world.deployment("web", 3, true)?;
    let (events, slack, silent) = (
        Receiving::start(true)?,
        Receiving::start(true)?,
        Receiving::start(false)?,
    );
    let mut hooks = Vec::new();
    for (name, form, receiving) in [
        ("events", "cloudEvents", &events),
        ("chat", "slack", &slack),
        ("silent", "cloudEvents", &silent),
    ] {
        let file = world.folder().join(name);
        std::fs::write(&file, receiving.url())?;
        hooks.push(json!({"name": name, "form": form, "urlFile": file}));
    }
    let mut agent = world.agent("platform", "a", &json!({"webhooks": hooks}))?;
    let kills = killed(world, 3)?;
    let pod = kills[0]["spec"]["pod"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let told =
        events.until(|event| event["specversion"] == "1.0" && event.to_string().contains(&pod))?;
    let kind = told["type"].as_str().unwrap_or_default().to_owned();
    ensure!(
        kind.starts_with("dev.aplomb.chaos"),
        "the type of an event is {kind}"
    );
    let text =
        slack.until(|message| message["text"].as_str().is_some_and(|it| it.contains(&pod)))?;
    ensure!(
        silent.until(|_| true).is_ok(),
        "the third webhook was not tried"
    );
    agent.end()?;
    for secret in [events.url(), slack.url(), silent.url()] {
        ensure!(
            !agent.log_text().contains(&secret),
            "the log shows {secret}"
        );
    }
    Ok(format!(
        "{kind}; {}; a third that never answers holds up nobody",
        text["text"]
    ))
}

/// An HTTP server that takes whatever JSON is posted.
struct Receiving {
    address: SocketAddr,
    posted: Receiver<Value>,
}

impl Receiving {
    fn start(answers: bool) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (tell, posted) = channel();
        std::thread::spawn(move || {
            // Whoever is not answered must not see that the connection ends.
            let mut unanswered = Vec::new();
            for stream in listener.incoming().flatten() {
                if receive(&stream, &tell, answers).is_ok() && !answers {
                    unanswered.push(stream);
                }
            }
        });
        Ok(Self { address, posted })
    }

    /// With a word in it that nobody may see.
    fn url(&self) -> String {
        format!("http://{}/secret-token", self.address)
    }

    /// The first that looks so.
    fn until(&self, looks_so: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let posted = self.posted.recv_timeout(left);
            let posted = posted.context("nothing like it was posted")?;
            if looks_so(&posted) {
                return Ok(posted);
            }
        }
    }
}

fn receive(stream: &TcpStream, tell: &Sender<Value>, answers: bool) -> anyhow::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    tell.send(serde_json::from_slice(&body)?)?;
    if answers {
        let mut stream = stream;
        stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")?;
    }
    Ok(())
}
