use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::*;
use crate::journal::{Entry, FaultId, InstanceName};
use crate::target::{Endpoint, InstanceState, InstanceStatus, TargetError};

const SECOND: i64 = 1_000_000;

/// How long a killed instance takes to come back.
const BACK_AFTER: Duration = Duration::from_secs(1);

/// A system that only pretends, in paused time.
#[derive(Debug, Clone)]
struct Pretended {
    states: Arc<Mutex<BTreeMap<InstanceName, InstanceState>>>,
    deeds: Arc<Mutex<Vec<String>>>,
    changed: tokio::sync::watch::Sender<()>,
    refuses: Option<&'static str>,
}

fn instance(service: &str, replica: u32) -> InstanceName {
    InstanceName {
        service: service.to_owned(),
        replica,
    }
}

impl Pretended {
    fn new() -> Self {
        let states = ["auth", "shop"]
            .iter()
            .flat_map(|service| {
                (0..2).map(|replica| (instance(service, replica), InstanceState::Ready))
            })
            .collect();
        Self {
            states: Arc::new(Mutex::new(states)),
            deeds: Arc::default(),
            changed: tokio::sync::watch::Sender::new(()),
            refuses: None,
        }
    }

    fn set(&self, instance: &InstanceName, state: InstanceState) {
        self.states.lock().insert(instance.clone(), state);
        self.changed.send_replace(());
    }

    fn done(&self, deed: &str, instance: &InstanceName) -> Result<(), TargetError> {
        self.deeds.lock().push(format!("{deed} {instance}"));
        if self.refuses == Some(deed) {
            return Err(TargetError::NotRunning {
                instance: instance.clone(),
            });
        }
        Ok(())
    }

    fn come_back(&self, instance: &InstanceName) {
        let (target, instance) = (self.clone(), instance.clone());
        tokio::spawn(async move {
            sleep(BACK_AFTER).await;
            target.set(&instance, InstanceState::Ready);
        });
    }
}

impl Target for Pretended {
    fn snapshot(&self) -> Vec<InstanceStatus> {
        let states = self.states.lock();
        states
            .iter()
            .map(|(instance, state)| InstanceStatus {
                instance: instance.clone(),
                state: *state,
            })
            .collect()
    }

    fn endpoints(&self, _: &str) -> Vec<Endpoint> {
        Vec::new()
    }

    async fn kill(&self, instance: &InstanceName, _: &FaultId) -> Result<(), TargetError> {
        self.done("kill", instance)?;
        self.set(instance, InstanceState::Down);
        self.come_back(instance);
        Ok(())
    }

    async fn pause(&self, instance: &InstanceName, _: &FaultId) -> Result<(), TargetError> {
        self.done("pause", instance)?;
        self.set(instance, InstanceState::Paused);
        Ok(())
    }

    async fn resume(&self, instance: &InstanceName, _: &FaultId) -> Result<(), TargetError> {
        self.done("resume", instance)?;
        self.set(instance, InstanceState::Ready);
        Ok(())
    }

    async fn hold_down(&self, instance: &InstanceName, _: &FaultId) -> Result<(), TargetError> {
        self.done("hold", instance)?;
        self.set(instance, InstanceState::Down);
        Ok(())
    }

    async fn release(&self, instance: &InstanceName, _: &FaultId) -> Result<(), TargetError> {
        self.done("release", instance)?;
        self.come_back(instance);
        Ok(())
    }

    async fn until_ready(&self, instance: &InstanceName) {
        let mut changed = self.changed.subscribe();
        while self.states.lock().get(instance) != Some(&InstanceState::Ready) {
            changed.changed().await.unwrap();
        }
    }

    async fn stop_all(&self) {}
}

fn fault(id: &str, at: i64, kind: &str, victims: &[InstanceName], lasts: i64) -> PlannedFault {
    PlannedFault {
        id: id.to_owned(),
        at,
        kind: kind.to_owned(),
        victims: victims.to_vec(),
        lasts,
        allow_outage: kind == "outage",
    }
}

/// Runs a plan and returns what was journalled, as `seconds: what`.
async fn run(target: &Pretended, plan: &[PlannedFault], guards: &Guards) -> Vec<String> {
    let (journal, mut entries) = Journal::channel(100);
    let zero = journal.start_load();
    carry_out(plan, guards, target, &journal, zero, &Stop::new()).await;
    told(&mut entries)
}

fn told(entries: &mut mpsc::Receiver<Entry>) -> Vec<String> {
    let mut told = Vec::new();
    while let Ok(Entry { at, record }) = entries.try_recv() {
        let what = match record {
            Record::FaultBegan { fault, .. } => format!("{fault} began"),
            Record::FaultEnded { fault } => format!("{fault} ended"),
            Record::FaultVetoed { fault, guard, .. } => format!("{fault} vetoed by {guard}"),
            Record::FaultFailed { fault, reason } => format!("{fault} failed: {reason}"),
            Record::Phase {
                phase: Phase::After,
            } => continue,
            other => format!("{other:?}"),
        };
        told.push(format!("{:.1}: {what}", at as f64 / SECOND as f64));
    }
    told
}

#[tokio::test(start_paused = true)]
async fn a_kill_lasts_until_its_victims_are_ready_again() {
    let target = Pretended::new();
    let plan = [
        fault("one", SECOND, "kill", &[instance("auth", 1)], 0),
        fault("two", 4 * SECOND, "kill", &[instance("shop", 0)], 0),
    ];
    let told = run(&target, &plan, &Guards::default()).await;
    assert_eq!(
        told,
        [
            "1.0: one began",
            "2.0: one ended",
            "4.0: two began",
            "5.0: two ended"
        ]
    );
    assert_eq!(*target.deeds.lock(), ["kill auth/1", "kill shop/0"]);
}

#[tokio::test(start_paused = true)]
async fn a_pause_and_an_outage_end_when_their_time_is_over() {
    let target = Pretended::new();
    let shop = [instance("shop", 0), instance("shop", 1)];
    let plan = [
        fault("halt", SECOND, "pause", &[instance("auth", 0)], 3 * SECOND),
        fault("gone", 2 * SECOND, "outage", &shop, 4 * SECOND),
    ];
    let told = run(&target, &plan, &Guards::default()).await;
    assert_eq!(
        told,
        [
            "1.0: halt began",
            "2.0: gone began",
            "4.0: halt ended",
            "6.0: gone ended"
        ]
    );
    let deeds = target.deeds.lock().join(", ");
    assert_eq!(
        deeds,
        "pause auth/0, hold shop/0, hold shop/1, resume auth/0, release shop/0, release shop/1"
    );
}

#[tokio::test(start_paused = true)]
async fn a_veto_is_told_and_never_drawn_again() {
    let target = Pretended::new();
    // The second one would leave `auth` without an instance, as the first victim is still away.
    let plan = [
        fault("one", SECOND, "kill", &[instance("auth", 0)], 0),
        fault(
            "two",
            SECOND + SECOND / 2,
            "kill",
            &[instance("auth", 1)],
            0,
        ),
        fault("three", 3 * SECOND, "kill", &[instance("auth", 1)], 0),
    ];
    let told = run(&target, &plan, &Guards::default()).await;
    assert_eq!(
        told,
        [
            "1.0: one began",
            "1.5: two vetoed by minimumHealthy",
            "2.0: one ended",
            "3.0: three began",
            "4.0: three ended"
        ]
    );
    assert_eq!(*target.deeds.lock(), ["kill auth/0", "kill auth/1"]);
}

#[tokio::test(start_paused = true)]
async fn a_halt_file_stops_the_monkey_as_long_as_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let halt = folder.path().join("halt");
    std::fs::write(&halt, "").unwrap();
    let guards = Guards {
        halt_file: Some(halt.display().to_string()),
        ..Guards::default()
    };
    let target = Pretended::new();
    let plan = [
        fault("one", SECOND, "kill", &[instance("auth", 0)], 0),
        fault("two", 5 * SECOND, "kill", &[instance("auth", 0)], 0),
    ];
    let removal = {
        let halt = halt.clone();
        tokio::spawn(async move {
            sleep(Duration::from_secs(3)).await;
            std::fs::remove_file(halt).unwrap();
        })
    };
    let told = run(&target, &plan, &guards).await;
    removal.await.unwrap();
    assert_eq!(
        told,
        [
            "1.0: one vetoed by haltFile",
            "5.0: two began",
            "6.0: two ended"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn everything_ends_at_once_when_somebody_asks() {
    let target = Pretended::new();
    let shop = [instance("shop", 0), instance("shop", 1)];
    let guards = Guards {
        maximum_down: 10,
        minimum_healthy: 0,
        ..Guards::default()
    };
    let plan = [
        fault("gone", SECOND, "outage", &shop, 100 * SECOND),
        fault(
            "halt",
            2 * SECOND,
            "pause",
            &[instance("auth", 0)],
            100 * SECOND,
        ),
        fault("one", 2 * SECOND, "kill", &[instance("auth", 1)], 0),
        fault("never", 50 * SECOND, "kill", &[instance("auth", 1)], 0),
    ];
    let (journal, mut entries) = Journal::channel(100);
    let zero = journal.start_load();
    let stop = Stop::new();
    let asked = {
        let stop = stop.clone();
        tokio::spawn(async move {
            sleep(Duration::from_millis(2_500)).await;
            stop.ask_quietly();
        })
    };
    carry_out(&plan, &guards, &target, &journal, zero, &stop).await;
    asked.await.unwrap();
    assert_eq!(Instant::now() - zero, Duration::from_millis(2_500));
    let mut told = told(&mut entries);
    told.sort();
    assert_eq!(
        told,
        [
            "1.0: gone began",
            "2.0: halt began",
            "2.0: one began",
            "2.5: gone ended",
            "2.5: halt ended",
            "2.5: one ended"
        ]
    );
    let released: Vec<_> = target.deeds.lock().iter().skip(4).cloned().collect();
    assert!(
        released.contains(&"resume auth/0".to_owned()),
        "{released:?}"
    );
    assert!(
        released.contains(&"release shop/1".to_owned()),
        "{released:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_done_is_told() {
    let refusing = Pretended {
        refuses: Some("pause"),
        ..Pretended::new()
    };
    let plan = [
        fault("halt", SECOND, "pause", &[instance("auth", 0)], SECOND),
        fault("odd", 2 * SECOND, "tickle", &[instance("auth", 0)], SECOND),
    ];
    let told = run(&refusing, &plan, &Guards::default()).await;
    assert_eq!(
        told,
        [
            "1.0: halt began",
            "1.0: halt failed: auth/0 was not running",
            "2.0: odd failed: `tickle` is no kind of fault: use kill, pause or outage"
        ]
    );
}
