//! Asks for everything that was acknowledged.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::time::{Instant, sleep};

use super::script::ReadBack;
use super::transport::Transport;
use super::world::{Promise, World, mix};
use crate::journal::{Journal, Record};

/// How many promises are asked for at once.
const AT_ONCE: usize = 8;
/// The pause before a promise that is not kept yet is asked for again.
const PAUSE: Duration = Duration::from_millis(200);
/// How many missing keys are written down.
const SHOWN: usize = 100;

/// Reads back every promise of the load and writes one record for each entry of `readBack`, also
/// for one without promises. A promise that is not kept yet is asked for again until the entry's
/// time is up; each is asked for at least once.
pub(crate) async fn run<T: Transport>(world: &World<T>, journal: &Journal) {
    let promises = world.promises.lock().clone();
    for (name, entry) in &world.script.read_back {
        let own: BTreeMap<&str, &Promise> = promises
            .iter()
            .filter(|((read_back, _), _)| read_back == name)
            .map(|((_, key), promise)| (key.as_str(), promise))
            .collect();
        let ends = Instant::now() + entry.within;
        let checks = own
            .iter()
            .enumerate()
            .map(|(index, (key, promise))| async move {
                (*key, is_kept(world, entry, promise, ends, index).await)
            });
        let kept: Vec<(&str, bool)> = stream::iter(checks).buffered(AT_ONCE).collect().await;
        let missing: Vec<String> = kept
            .iter()
            .filter(|(_, kept)| !kept)
            .map(|(key, _)| (*key).to_owned())
            .collect();
        journal.record(Record::ReadBack {
            name: name.clone(),
            checked: kept.len() as u64,
            missing_count: missing.len() as u64,
            missing: missing.into_iter().take(SHOWN).collect(),
        });
    }
}

async fn is_kept<T: Transport>(
    world: &World<T>,
    entry: &ReadBack,
    promise: &Promise,
    ends: Instant,
    index: usize,
) -> bool {
    let key = format!("{}-read-back-{index}", world.tag);
    let Ok(request) = entry.request.render(&promise.bindings, &key) else {
        return false;
    };
    let mut tries = 0;
    loop {
        let draw = mix(&[world.seed, index as u64, tries]);
        let answer = world.device.ask(&request, &[], draw).await.answer;
        let kept = answer
            .ok()
            .and_then(|answer| entry.value.find_number(&answer));
        if kept.is_some_and(|value| value >= promise.value) {
            return true;
        }
        if Instant::now() + PAUSE >= ends {
            return false;
        }
        sleep(PAUSE).await;
        tries += 1;
    }
}
