//! Everything that a load is made of, once it is ready to begin.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

use super::LoadError;
use super::arrivals::{Arrival, Arrivals, Demand};
use super::bindings::{Bindings, Captured, Rows};
use super::datasets::Popularity;
use super::device::Device;
use super::script::Script;
use super::transport::{HttpTransport, Transport};
use super::users;
use crate::schema::{GameDaySpec, Rate};
use crate::target::Endpoint;

/// Everything that a load is made of, once it is ready to begin.
pub(crate) struct World<T> {
    pub(crate) script: Script,
    pub(crate) device: Device<T>,
    pub(crate) max_in_flight: u32,
    pub(crate) seed: u64,
    /// Tells the keys of this run from those of others.
    pub(crate) tag: String,
    /// What usable answers promised, by entry of `readBack` and key.
    pub(crate) promises: Mutex<BTreeMap<(String, String), Promise>>,
    rows: Arc<Rows>,
    sessions: Vec<Arc<Captured>>,
    demand: Demand,
    rate: Rate,
}

/// What a usable answer promised to keep.
#[derive(Clone)]
pub(crate) struct Promise {
    /// The highest number that was promised.
    pub(crate) value: f64,
    /// What the acknowledged step knew.
    pub(crate) bindings: Bindings,
}

impl World<HttpTransport> {
    pub(crate) async fn open(
        spec: &GameDaySpec,
        run_folder: &Path,
        endpoints: &[Endpoint],
        seed: u64,
    ) -> Result<Self, LoadError> {
        let rows = users::read_all_rows(&spec.load, run_folder).await?;
        Self::open_on(HttpTransport::new(endpoints), spec, rows, seed).await
    }
}

impl<T: Transport> World<T> {
    pub(crate) async fn open_on(
        transport: T,
        spec: &GameDaySpec,
        rows: Rows,
        seed: u64,
    ) -> Result<Self, LoadError> {
        if transport.replicas() == 0 {
            return Err(LoadError::NoEndpoint);
        }
        let demand = demand(spec, &rows)?;
        let script = Script::compile(spec, &rows)?;
        let device = Device {
            transport,
            habits: spec.load.device.clone(),
        };
        let rows = Arc::new(rows);
        let tag = tag_of_now();
        let sessions = users::open_all(&script, &rows, &device, seed, &tag).await?;
        Ok(Self {
            script,
            device,
            max_in_flight: spec.load.max_in_flight,
            seed,
            tag,
            promises: Mutex::default(),
            rows,
            sessions,
            demand,
            rate: spec.load.rate.clone(),
        })
    }

    pub(crate) fn arrivals(&self, duration: Duration) -> Arrivals {
        Arrivals::new(&self.rate, self.demand.clone(), duration, self.seed)
    }

    /// What an arriving journey knows.
    pub(crate) fn bindings(&self, arrival: &Arrival) -> Bindings {
        let session = arrival.user.and_then(|user| self.sessions.get(user));
        Bindings {
            rows: Arc::clone(&self.rows),
            user: arrival.user,
            session: session.map(Arc::clone).unwrap_or_default(),
            dataset_rows: arrival.rows.clone(),
            sequence: arrival.sequence,
            captured: Captured::new(),
        }
    }

    /// Remembers a promise; the highest number per key counts.
    pub(crate) fn promise(&self, read_back: &str, key: String, value: f64, bindings: &Bindings) {
        let mut promises = self.promises.lock();
        let known = promises.entry((read_back.to_owned(), key));
        let new = || Promise {
            value,
            bindings: bindings.clone(),
        };
        let promise = known.or_insert_with(new);
        if promise.value < value {
            *promise = new();
        }
    }
}

fn demand(spec: &GameDaySpec, rows: &Rows) -> Result<Demand, LoadError> {
    let load = &spec.load;
    let users = match &load.users {
        None => None,
        Some(users) => Some(Popularity::new(rows.users.len(), users.zipf)?),
    };
    let mut datasets = Vec::new();
    for (name, dataset) in &load.datasets {
        let count = rows.datasets.get(name).map_or(0, Vec::len);
        datasets.push(Popularity::new(count, dataset.zipf)?);
    }
    Demand::new(
        load.journeys.values().map(|journey| journey.weight),
        users,
        datasets,
    )
}

/// The wall clock in hexadecimal. A system that remembers the keys of an earlier run with the
/// same seed must not take this run's writes for repetitions; nothing is drawn from it.
fn tag_of_now() -> String {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    format!("{:x}", since_epoch.as_micros())
}

/// One number from several, well mixed (the finaliser of SplitMix64 over each).
pub(crate) fn mix(parts: &[u64]) -> u64 {
    parts.iter().fold(0, |mixed: u64, part| {
        let mut z = (mixed ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}
