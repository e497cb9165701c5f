//! `demo-services check`: asks a gateway what users ask, and says what it answers.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use resilience::Client;
use resilience::balance::Endpoints;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// How long all answers together may take. A mesh that has just started may need a moment.
const WITHIN: Duration = Duration::from_secs(30);

/// How long is waited before the same is asked again.
const PAUSE: Duration = Duration::from_millis(500);

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// The header in which an answer says what of it was replaced.
const DEGRADATION: &str = "degradation";

/// Ask a gateway what users ask, and say what it answers
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Address of the gateway, such as `http://127.0.0.1:8080`
    #[arg(value_name = "URL", value_parser = Endpoints::parse)]
    gateway: Endpoints,

    /// The users that `demo-services setup` has made: the first one is who asks
    #[arg(long, value_name = "FILE", default_value = "mesh-data/users.jsonl")]
    users_file: PathBuf,
}

/// Asks, one line for each answer. Succeeds if all were there in time, and complete.
///
/// # Errors
///
/// A file without users, or an address that makes no sense.
pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let user = first_user(&arguments.users_file)?;
    let client = resilience::client("gateway")
        .endpoints(arguments.gateway)
        .attempt_timeout(PATIENCE)
        .deadline(PATIENCE)
        .build()?;
    let ends = Instant::now() + WITHIN;
    let login = Question::new(Method::POST, "/api/login")
        .with(json!({"name": user["name"], "password": user["password"]}));
    let Some(tokens) = login.ask(&client, "", ends).await else {
        return Ok(ExitCode::FAILURE);
    };
    let token = tokens["accessToken"].as_str().unwrap_or_default();
    let mut code = ExitCode::SUCCESS;
    for question in questions(&user) {
        if question.ask(&client, token, ends).await.is_none() {
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

/// One of each kind, once a user is logged in.
fn questions(user: &Value) -> Vec<Question> {
    let get = |path| Question::new(Method::GET, path);
    let stream = json!({"title": 1, "device": user["device"]});
    let mut start = Question::new(Method::POST, "/api/playback").with(stream);
    // The title may be no part of the user's plan. That is an answer.
    start.also_good = Some(StatusCode::FORBIDDEN);
    vec![
        get("/api/home"),
        get("/api/titles/1"),
        get("/api/search?q=night"),
        Question::new(Method::PUT, "/api/positions/1").with(json!({"sequence": 1, "seconds": 60})),
        get("/api/positions/1"),
        start,
    ]
}

fn first_user(path: &Path) -> anyhow::Result<Value> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let first = text.lines().next().unwrap_or_default();
    // Neither the line nor what is wrong in it: it holds a password.
    let user: Option<Value> = serde_json::from_str(first).ok();
    let user = user.filter(|user| user["name"].is_string() && user["password"].is_string());
    user.with_context(|| {
        format!(
            "{} holds no users: name the users.jsonl that `demo-services setup` has made",
            path.display()
        )
    })
}

/// What a user asks.
struct Question {
    method: Method,
    path: &'static str,
    body: Bytes,
    /// However often it is asked, it is one write.
    key: String,
    also_good: Option<StatusCode>,
}

impl Question {
    fn new(method: Method, path: &'static str) -> Self {
        Self {
            method,
            path,
            body: Bytes::new(),
            key: Uuid::new_v4().to_string(),
            also_good: None,
        }
    }

    fn with(mut self, body: Value) -> Self {
        self.body = body.to_string().into();
        self
    }

    /// Asks until there is a complete answer, and says so, or why there is none.
    async fn ask(&self, client: &Client, token: &str, ends: Instant) -> Option<Value> {
        let shown = format!("{} {}", self.method, self.path);
        loop {
            match self.ask_once(client, token).await {
                Ok(answer) => {
                    println!("✓ {shown}");
                    return Some(answer);
                }
                Err(error) if Instant::now() >= ends => {
                    println!("✗ {shown}: {error:#}");
                    return None;
                }
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    async fn ask_once(&self, client: &Client, token: &str) -> anyhow::Result<Value> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(self.path);
        if !self.body.is_empty() {
            request = request
                .header(header::CONTENT_TYPE, "application/json")
                .header("idempotency-key", &self.key);
        }
        if !token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let sent = client.send(request.body(self.body.clone())?).await;
        let response = sent.map_err(|error| anyhow::anyhow!("no answer: {error}"))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.into_body().into_bytes().await;
        let body = body.map_err(|error| anyhow::anyhow!("half an answer: {error}"))?;
        if !status.is_success() && Some(status) != self.also_good {
            bail!("it answered {status}");
        }
        let replaced = headers.get(DEGRADATION).and_then(|it| it.to_str().ok());
        let replaced = replaced.unwrap_or_default();
        ensure!(replaced.is_empty(), "a part was replaced: {replaced}");
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).context("the answer is no JSON")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::response::IntoResponse;
    use axum::{Json, Router};
    use tokio::net::TcpListener;

    use super::*;

    async fn serve(router: Router) -> Endpoints {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Endpoints::parse(&format!("http://{address}")).unwrap()
    }

    fn client(endpoints: Endpoints) -> Client {
        let client = resilience::client("gateway").endpoints(endpoints);
        client.build().unwrap()
    }

    #[tokio::test]
    async fn what_is_replaced_or_refused_is_asked_again() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let router =
            Router::new().fallback(async move || match count.fetch_add(1, Ordering::Relaxed) {
                0 => StatusCode::NOT_FOUND.into_response(),
                1 => ([(DEGRADATION, "metadata;reason=open")], Json(json!({}))).into_response(),
                _ => Json(json!({"rows": 3})).into_response(),
            });
        let client = client(serve(router).await);
        let question = Question::new(Method::GET, "/api/home");
        let ends = Instant::now() + WITHIN;
        let answer = question.ask(&client, "token", ends).await;
        assert_eq!(answer, Some(json!({"rows": 3})));
        assert_eq!(asked.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn it_gives_up_in_the_end() {
        let router = Router::new().fallback(async || StatusCode::NOT_FOUND);
        let client = client(serve(router).await);
        let question = Question::new(Method::GET, "/api/home");
        assert_eq!(question.ask(&client, "", Instant::now()).await, None);
        let error = question.ask_once(&client, "").await.unwrap_err();
        assert_eq!(error.to_string(), "it answered 404 Not Found");
    }

    #[test]
    fn a_file_without_users_is_an_error_that_shows_nothing_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.jsonl");
        assert!(first_user(&path).is_err());
        for text in ["", "{}", "{\"name\": \"ana\", \"password\": \"hush"] {
            std::fs::write(&path, text).unwrap();
            let error = format!("{:#}", first_user(&path).unwrap_err());
            assert!(error.contains("holds no users"), "{error}");
            assert!(!error.contains("hush"), "{error}");
        }
        std::fs::write(&path, "{\"name\": \"ana\", \"password\": \"hush\"}\n").unwrap();
        assert_eq!(first_user(&path).unwrap()["name"], "ana");
    }
}
