//! Stacks from a file and the environment: what the file says, what a variable changes, and every
//! mistake at once, each with its path.
//!
//! Run it with `cargo run -p resilience --features settings --example settings`, and with
//! `MESH_CLIENTS__METADATA__BREAKER__ENABLED=false` before it.

use resilience::BoxError;
use resilience::circuit_breaker::BreakerHandle;
use resilience::settings::config::{Config, Value, ValueKind};
use resilience::settings::{Settings, environment};

/// What would stand in a file; `config` reads TOML, YAML, JSON and others where asked to.
fn file(keys: &[(&str, ValueKind)]) -> Result<Config, BoxError> {
    let mut sources = Config::builder();
    for (path, value) in keys {
        sources = sources.set_default(*path, Value::new(None, value.clone()))?;
    }
    Ok(sources.add_source(environment("MESH")).build()?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let endpoints = "http://10.0.0.7:4000,http://10.0.0.8:4000";
    let settings = Settings::read(file(&[
        ("clients.metadata.endpoints", endpoints.into()),
        ("clients.metadata.deadline", "800ms".into()),
        ("clients.metadata.breaker.failure_rate", 0.4.into()),
        ("servers.gateway.max_in_flight", 64.into()),
    ])?)?;
    let metadata = settings.client("metadata").build()?;
    println!(
        "{} has {} endpoints",
        metadata.name(),
        metadata.endpoints().len()
    );
    println!(
        "its breaker: {:?}",
        metadata.breaker().map(BreakerHandle::state)
    );

    let wrong = Settings::read(file(&[
        ("clients.metadata.deadline", "soon".into()),
        ("clients.metadata.retry.maximum_atempts", 3.into()),
        ("clients.metadata.breaker.failure_rate", 140.into()),
        ("servers.gateway.max_in_flight", 0.into()),
    ])?);
    if let Err(error) = wrong {
        for mistake in error.mistakes() {
            println!("{}\n    {}", mistake.path(), mistake.message());
        }
    }
    Ok(())
}
