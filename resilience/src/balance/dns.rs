//! Endpoints from a name that is resolved again and again.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::uri::Authority;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::endpoints::Endpoints;
use super::source::EndpointSource;
use crate::config::{Checks, ConfigError};

/// A name whose addresses are the endpoints, such as that of a headless service in Kubernetes.
///
/// ```no_run
/// use std::time::Duration;
/// use resilience::balance::Dns;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let metadata = resilience::client("metadata")
///     .endpoints(Dns::new("metadata.streaming.svc", 4000).interval(Duration::from_secs(2)).start()?)
///     .build()?;
/// # let _ = metadata;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "nothing is resolved until `start` is called"]
pub struct Dns {
    host: String,
    port: u16,
    interval: Duration,
    time_limit: Duration,
    seed: Option<u64>,
    resolver: Arc<dyn Resolve>,
}

/// Looks a name up.
pub trait Resolve: Send + Sync {
    /// The addresses of a host.
    fn resolve(&self, host: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;
}

/// The resolver of the operating system, through tokio.
#[derive(Debug, Clone, Copy, Default)]
struct System;

impl Resolve for System {
    fn resolve(&self, host: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}

impl Dns {
    /// The addresses of `host`, each with this port.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
            // For so long CoreDNS lets names of services in Kubernetes be kept.
            interval: Duration::from_secs(5),
            time_limit: Duration::from_secs(2),
            seed: None,
            resolver: Arc::new(System),
        }
    }

    /// How long to wait between two look-ups, give or take a tenth (default 5 s, the time to
    /// live of service names in CoreDNS).
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// How long one look-up may take (default 2 s).
    pub const fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// The seed of the tenth by which waits differ, so that the instances of a service do not
    /// ask at the same moment (default: by chance, and logged).
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Another resolver than that of the operating system.
    pub fn resolver(mut self, resolver: impl Resolve + 'static) -> Self {
        self.resolver = Arc::new(resolver);
        self
    }

    /// Begins to resolve, in a task that ends with the last user of the source. There are no
    /// endpoints before the first answer; a look-up that fails, takes too long or finds nothing
    /// leaves the list as it is.
    ///
    /// # Errors
    ///
    /// An interval or a time limit of zero, or no runtime of tokio.
    pub fn start(self) -> Result<EndpointSource, ConfigError> {
        self.check()?;
        let runtime = Handle::try_current().map_err(|error| {
            ConfigError::new(
                "name resolution",
                "runtime",
                error,
                "to be called inside one",
            )
        })?;
        let (sender, receiver) = watch::channel(Endpoints::default());
        runtime.spawn(self.follow(sender));
        Ok(receiver.into())
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let checks = Checks("name resolution");
        checks.is_positive("interval", self.interval)?;
        checks.is_positive("time_limit", self.time_limit)
    }

    async fn follow(self, sender: watch::Sender<Endpoints>) {
        let seed = self.seed.unwrap_or_else(rand::random);
        let host = self.host.as_str();
        tracing::debug!(
            host,
            seed,
            "{host} is resolved again and again with seed {seed}"
        );
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        loop {
            if let Some(list) = self.look_up().await {
                sender.send_if_modified(|present| {
                    let is_news = *present != list;
                    *present = list;
                    is_news
                });
            }
            let wait = scaled(self.interval, random.random_range(0.9..=1.1));
            tokio::select! {
                () = sleep(wait) => {}
                () = sender.closed() => return,
            }
        }
    }

    async fn look_up(&self) -> Option<Endpoints> {
        let (host, port) = (self.host.as_str(), self.port);
        let asking = self.resolver.resolve(host.to_owned(), port);
        match timeout(self.time_limit, asking).await {
            Ok(Ok(addresses)) if !addresses.is_empty() => Some(list(addresses)),
            Ok(Ok(_)) => {
                tracing::warn!(
                    host,
                    port,
                    "{host} has no address: its endpoints stay as they are"
                );
                None
            }
            Ok(Err(error)) => {
                tracing::warn!(host, port, %error, "{host} is not resolved, its endpoints stay as they are: {error}");
                None
            }
            Err(_) => {
                tracing::warn!(
                    host,
                    port,
                    "{host} is not resolved in time, its endpoints stay as they are"
                );
                None
            }
        }
    }
}

/// A multiple of a time, however long: one that is too long never ends.
fn scaled(time: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(time.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

/// In an order of their own, so that the same addresses are the same list.
fn list(mut addresses: Vec<SocketAddr>) -> Endpoints {
    addresses.sort_unstable();
    let authorities = addresses
        .iter()
        .filter_map(|address| address.to_string().parse::<Authority>().ok());
    Endpoints::of(authorities)
}

impl fmt::Debug for Dns {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Dns")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("interval", &self.interval)
            .field("time_limit", &self.time_limit)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;
    use std::collections::VecDeque;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Gives these answers one after the other, and the last one for ever.
    struct Script {
        answers: Mutex<VecDeque<Option<&'static str>>>,
        asked: Arc<AtomicUsize>,
    }

    impl Resolve for Script {
        fn resolve(&self, _: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let mut answers = self.answers.lock();
            let answer = match answers.len() {
                1 => answers[0],
                _ => answers.pop_front().flatten(),
            };
            Box::pin(async move {
                match answer {
                    Some("hang") => std::future::pending().await,
                    Some(hosts) => {
                        let hosts = hosts.split_whitespace();
                        let address = |host: &str| SocketAddr::new(host.parse().unwrap(), port);
                        Ok(hosts.map(address).collect())
                    }
                    None => Err(io::Error::other("no such host")),
                }
            })
        }
    }

    fn source(answers: &[Option<&'static str>]) -> (EndpointSource, Arc<AtomicUsize>) {
        source_every(Duration::from_secs(1), answers)
    }

    fn source_every(
        interval: Duration,
        answers: &[Option<&'static str>],
    ) -> (EndpointSource, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let script = Script {
            answers: Mutex::new(answers.iter().copied().collect()),
            asked: Arc::clone(&asked),
        };
        let dns = Dns::new("metadata", 80).interval(interval).seed(1);
        (dns.resolver(script).start().unwrap(), asked)
    }

    fn authorities(source: &EndpointSource) -> Vec<String> {
        let endpoints = source.endpoints();
        let all = endpoints.authorities().iter();
        all.map(ToString::to_string).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_resolved_is_the_list_and_failures_leave_it() {
        let answers = [
            Some("10.0.0.2 10.0.0.1"),
            None,
            Some(""),
            Some("hang"),
            Some("10.0.0.1 ::1"),
        ];
        let (source, _) = source(&answers);
        assert!(source.endpoints().is_empty());
        for _ in 0..3 {
            sleep(Duration::from_millis(900)).await;
            assert_eq!(authorities(&source), ["10.0.0.1:80", "10.0.0.2:80"]);
        }
        sleep(Duration::from_secs(6)).await;
        assert_eq!(authorities(&source), ["10.0.0.1:80", "[::1]:80"]);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_asked_any_more_when_nobody_listens() {
        let (source, asked) = source(&[Some("10.0.0.1")]);
        sleep(Duration::from_secs(5)).await;
        assert!(asked.load(Ordering::Relaxed) >= 4);
        drop(source);
        sleep(Duration::from_secs(2)).await;
        let so_far = asked.load(Ordering::Relaxed);
        sleep(Duration::from_secs(60)).await;
        assert_eq!(asked.load(Ordering::Relaxed), so_far);
    }

    #[tokio::test]
    async fn this_machine_knows_itself() {
        let source = Dns::new("localhost", 4000).start().unwrap();
        let Ok(()) = timeout(Duration::from_secs(10), async {
            while source.endpoints().is_empty() {
                tokio::task::yield_now().await;
            }
        })
        .await
        else {
            panic!("localhost is not resolved");
        };
        assert!(authorities(&source).iter().all(|it| it.ends_with(":4000")));
    }

    #[tokio::test(start_paused = true)]
    async fn an_endless_interval_asks_once_and_panics_nowhere() {
        assert_eq!(scaled(Duration::MAX, 1.1), Duration::MAX);
        let (source, asked) = source_every(Duration::MAX, &[Some("10.0.0.1")]);
        sleep(Duration::from_secs(3_600)).await;
        assert_eq!(authorities(&source), ["10.0.0.1:80"]);
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn mistakes_are_errors() {
        let dns = || Dns::new("metadata", 80);
        let second = Duration::from_secs(1);
        for (mistake, key) in [
            (dns().interval(Duration::ZERO), "interval"),
            (
                dns().interval(second).time_limit(Duration::ZERO),
                "time_limit",
            ),
            (dns(), "runtime"),
        ] {
            assert_eq!(mistake.start().unwrap_err().key(), key);
        }
    }
}
