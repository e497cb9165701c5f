//! One journey: its requests one after the other, without time to think.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::LoadControl;
use super::arrivals::Arrival;
use super::bindings::Bindings;
use super::completeness::Completeness;
use super::device::Exchange;
use super::script::{Journey, Step, Unusable};
use super::transport::{Answer, Transport};
use super::world::{World, mix};
use crate::journal::{Cause, Journal, Record, RequestRecord, RequestResult};

/// A request that is sent later than this after its time counts as late.
pub(crate) const LATE: Duration = Duration::from_millis(50);

/// What the generator counts while journeys run.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) due: AtomicU64,
    pub(crate) late: AtomicU64,
    pub(crate) capped: AtomicU64,
}

/// Runs one journey that should begin at `intended`. A failed step ends it; so does a load that
/// was stopped.
pub(crate) async fn run<T: Transport>(
    world: &World<T>,
    arrival: &Arrival,
    mut intended: Instant,
    journal: &Journal,
    tally: &Tally,
    control: &LoadControl,
) {
    let Some(journey) = world.script.journeys.get(arrival.journey) else {
        return;
    };
    let mut bindings = world.bindings(arrival);
    for (index, step) in journey.steps.iter().enumerate() {
        if control.is_stopped() {
            return;
        }
        let id = request_id(arrival.sequence, index, world.script.longest());
        let exchange = send(world, step, &bindings, id).await;
        tally.due.fetch_add(1, Ordering::Relaxed);
        if exchange.sent.saturating_duration_since(intended) > LATE {
            tally.late.fetch_add(1, Ordering::Relaxed);
        }
        let ended = exchange.ended;
        let outcome = settle(world, step, exchange, &mut bindings);
        let is_usable = outcome.result != RequestResult::Failed;
        let record = outcome.into_record(id, journey, step, intended, journal);
        journal.record_at(ended, Record::Request(Box::new(record)));
        if !is_usable {
            return;
        }
        intended = ended;
    }
}

/// The number of a request: it depends on nothing but its place in the load, so that runs with
/// the same seed can be compared request by request.
fn request_id(sequence: u64, step: usize, longest: usize) -> u64 {
    (sequence - 1) * longest as u64 + step as u64
}

async fn send<T: Transport>(
    world: &World<T>,
    step: &Step,
    bindings: &Bindings,
    id: u64,
) -> Exchange {
    let key = format!("{}-{id}", world.tag);
    let Ok(request) = step.request.render(bindings, &key) else {
        let now = Instant::now();
        return Exchange {
            sent: now,
            ended: now,
            attempts: Vec::new(),
            answer: Err(Cause::Malformed),
        };
    };
    let draw = mix(&[world.seed, id]);
    world.device.ask(&request, &step.expected, draw).await
}

/// How a request ended, without its times.
struct Outcome {
    exchange: Exchange,
    result: RequestResult,
    cause: Option<Cause>,
    degradation: String,
    harvest: f64,
}

/// Judges an answer, and keeps what it brought and promised.
fn settle<T: Transport>(
    world: &World<T>,
    step: &Step,
    exchange: Exchange,
    bindings: &mut Bindings,
) -> Outcome {
    let kept = match &exchange.answer {
        Ok(answer) => keep(world, step, answer, bindings).map_err(|Unusable| Cause::Malformed),
        Err(cause) => Err(cause.clone()),
    };
    match (kept, &exchange.answer) {
        (Ok(()), Ok(answer)) => {
            let completeness = Completeness::of(&answer.headers);
            Outcome {
                result: if completeness.is_full {
                    RequestResult::Full
                } else {
                    RequestResult::Degraded
                },
                cause: None,
                degradation: completeness.degradation,
                harvest: completeness.harvest,
                exchange,
            }
        }
        (kept, _) => Outcome {
            exchange,
            result: RequestResult::Failed,
            cause: kept.err(),
            degradation: String::new(),
            harvest: 0.0,
        },
    }
}

fn keep<T: Transport>(
    world: &World<T>,
    step: &Step,
    answer: &Answer,
    bindings: &mut Bindings,
) -> Result<(), Unusable> {
    bindings.captured.extend(step.capture(answer)?);
    if let Some(acknowledge) = &step.acknowledge {
        let (key, value) = acknowledge.render(bindings)?;
        world.promise(&acknowledge.read_back, key, value, bindings);
    }
    Ok(())
}

impl Outcome {
    fn into_record(
        self,
        id: u64,
        journey: &Journey,
        step: &Step,
        intended: Instant,
        journal: &Journal,
    ) -> RequestRecord {
        RequestRecord {
            id,
            journey: journey.name.clone(),
            step: step.name.clone(),
            intended: journal.micros_at(intended),
            sent: journal.micros_at(self.exchange.sent),
            result: self.result,
            attempts: self.exchange.attempts,
            cause: self.cause,
            degradation: self.degradation,
            harvest: self.harvest,
        }
    }
}
