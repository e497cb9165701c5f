//! Journals made by hand, for tests.

use serde_json::{Value, json};

use crate::journal::{
    Attempt, Cause, Entry, InstanceName, JOURNAL_VERSION, PlannedFault, Record, RequestRecord,
    RequestResult, ServiceLayout,
};
use crate::schema::{GameDay, Phase};

/// One second in microseconds.
pub(crate) const SECOND: i64 = 1_000_000;
/// One millisecond in microseconds.
pub(crate) const MILLISECOND: i64 = 1_000;

/// The instance `service/replica`.
pub(crate) fn instance(name: &str) -> InstanceName {
    let (service, replica) = name.split_once('/').unwrap();
    InstanceName {
        service: service.to_owned(),
        replica: replica.parse().unwrap(),
    }
}

/// A game day of 20 s with two journeys, home and title, on three services with two replicas.
pub(crate) fn game_day() -> Value {
    json!({
        "apiVersion": "chaos.aplomb.dev/v1alpha1",
        "kind": "GameDay",
        "metadata": { "name": "synthetic" },
        "spec": {
            "title": "Synthetic game day",
            "hypothesis": "Users notice nothing.",
            "system": "mesh",
            "load": {
                "target": "gateway",
                "rate": { "constant": 100.0 },
                "journeys": {
                    "home": { "weight": 3.0, "steps": [{ "name": "home", "request": { "path": "/home" } }] },
                    "title": { "weight": 1.0, "steps": [{ "name": "title", "request": { "path": "/title" } }] },
                },
            },
            "steadyState": [
                {
                    "id": "answers",
                    "metric": "yield",
                    "minimumSamples": 10,
                    "tolerance": {
                        "before": { "atLeast": 1.0 },
                        "during": { "atLeast": 0.99 },
                        "after": { "atLeast": 1.0 },
                    },
                },
                {
                    "id": "complete",
                    "metric": "harvest",
                    "minimumSamples": 10,
                    "tolerance": { "before": { "atLeast": 0.99 }, "after": { "atLeast": 0.99 } },
                },
            ],
            "timeline": { "duration": "20s", "faults": [] },
            "recovery": { "within": "5s", "hold": "2s" },
        },
    })
}

/// A journal that is made by hand. Entries may be added in any order.
#[derive(Debug, Clone)]
pub(crate) struct Synthetic {
    game_day: Value,
    no_faults: bool,
    variant: Option<String>,
    plan: Vec<PlannedFault>,
    entries: Vec<Entry>,
    requests: u64,
}

impl Synthetic {
    /// A journal of [`game_day`] in which nothing has happened yet.
    pub(crate) fn new() -> Self {
        let mut journal = Self {
            game_day: game_day(),
            no_faults: false,
            variant: None,
            plan: Vec::new(),
            entries: Vec::new(),
            requests: 0,
        };
        for (index, name) in [
            "gateway/0",
            "gateway/1",
            "metadata/0",
            "metadata/1",
            "recommendations/0",
            "recommendations/1",
        ]
        .into_iter()
        .enumerate()
        {
            journal.up(-2 * SECOND, name, 1_000 + index as u32);
        }
        journal.add(
            0,
            Record::Phase {
                phase: Phase::Before,
            },
        );
        journal
    }

    /// A control run.
    pub(crate) fn without_faults(mut self) -> Self {
        self.no_faults = true;
        self
    }

    /// Says what was different about the system.
    pub(crate) fn variant(mut self, variant: &str) -> Self {
        self.variant = Some(variant.to_owned());
        self
    }

    /// Changes the game day, by JSON pointer into its spec.
    pub(crate) fn set(mut self, pointer: &str, value: Value) -> Self {
        *self
            .game_day
            .pointer_mut(&format!("/spec{pointer}"))
            .unwrap() = value;
        self
    }

    /// Adds a key to the game day's spec.
    pub(crate) fn with(mut self, key: &str, value: Value) -> Self {
        self.game_day["spec"][key] = value;
        self
    }

    /// Adds any record.
    pub(crate) fn add(&mut self, at: i64, record: Record) -> &mut Self {
        self.entries.push(Entry { at, record });
        self
    }

    /// Starts an instance that is ready 300 ms later.
    pub(crate) fn up(&mut self, at: i64, name: &str, pid: u32) -> &mut Self {
        let after = 300 * MILLISECOND;
        self.add(
            at,
            Record::InstanceStarted {
                instance: instance(name),
                pid,
                pod: None,
            },
        );
        self.add(
            at + after,
            Record::InstanceReady {
                instance: instance(name),
                after,
            },
        );
        self.add(
            at + after,
            Record::InstanceMemory {
                instance: instance(name),
                resident: 30 << 20,
            },
        )
    }

    /// Plans a fault.
    pub(crate) fn plan(&mut self, id: &str, kind: &str, at: i64, victims: &[&str]) -> &mut Self {
        self.plan.push(PlannedFault {
            id: id.to_owned(),
            at,
            kind: kind.to_owned(),
            victims: victims.iter().map(|name| instance(name)).collect(),
            lasts: 0,
            allow_outage: kind == "outage",
        });
        self
    }

    /// Plans and carries out a fault that ends its victims at `at` and lets them live again at
    /// `until`; they are ready 300 ms later.
    pub(crate) fn ends(
        &mut self,
        (id, kind): (&str, &str),
        at: i64,
        until: i64,
        victims: &[&str],
    ) -> &mut Self {
        self.plan(id, kind, at, victims);
        let names: Vec<_> = victims.iter().map(|name| instance(name)).collect();
        self.add(
            at,
            Record::FaultBegan {
                fault: id.to_owned(),
                kind: kind.to_owned(),
                victims: names,
            },
        );
        for (index, victim) in victims.iter().enumerate() {
            let down = Record::InstanceDown {
                instance: instance(victim),
                pid: 1,
                how: "signal 9".to_owned(),
                fault: Some(id.to_owned()),
            };
            self.add(at + MILLISECOND, down);
            self.up(until, victim, 2_000 + index as u32);
        }
        self.add(
            until,
            Record::FaultEnded {
                fault: id.to_owned(),
            },
        )
    }

    /// A kill whose victim is started again one second later.
    pub(crate) fn kill(&mut self, id: &str, at: i64, victim: &str) -> &mut Self {
        self.ends((id, "kill"), at, at + SECOND, &[victim])
    }

    /// A request.
    pub(crate) fn request(&mut self, intended: i64, latency: i64, kind: Kind) -> &mut Self {
        self.requests += 1;
        let journey = if self.requests.is_multiple_of(4) {
            "title"
        } else {
            "home"
        };
        let (result, harvest, cause, degradation) = match &kind {
            Kind::Full | Kind::SecondAttempt => (RequestResult::Full, 1.0, None, ""),
            Kind::Degraded(header) => {
                let mut headers = http::HeaderMap::new();
                headers.insert(resilience::ledger::HEADER, header.parse().unwrap());
                let entries = resilience::ledger::parse(&headers);
                let harvest = resilience::ledger::harvest(&entries);
                (RequestResult::Degraded, harvest, None, *header)
            }
            Kind::Failed(cause) => (RequestResult::Failed, 0.0, Some(cause.clone()), ""),
        };
        let mut attempts = vec![Attempt {
            replica: 0,
            cause: cause.clone(),
        }];
        if kind == Kind::SecondAttempt {
            attempts.insert(
                0,
                Attempt {
                    replica: 1,
                    cause: Some(Cause::Refused),
                },
            );
        }
        let record = RequestRecord {
            id: self.requests,
            journey: journey.to_owned(),
            step: journey.to_owned(),
            intended,
            sent: intended,
            result,
            attempts,
            cause,
            degradation: degradation.to_owned(),
            harvest,
        };
        self.add(intended + latency, Record::Request(Box::new(record)))
    }

    /// A request of 5 ms each 10 ms in `[from, to)`.
    pub(crate) fn requests(&mut self, from: i64, to: i64, kind: Kind) -> &mut Self {
        for intended in (from..to).step_by(10_000) {
            self.request(intended, 5 * MILLISECOND, kind.clone());
        }
        self
    }

    /// The accounts of a load generator without fault.
    pub(crate) fn honest_generator(&mut self) -> &mut Self {
        let due = self.requests;
        self.add(
            20 * SECOND + 100,
            Record::Generator {
                due,
                late: 0,
                capped: 0,
            },
        )
    }

    /// The entries in the order of time, without an end record.
    pub(crate) fn torn(&self) -> Vec<Entry> {
        let game_day: GameDay = serde_json::from_value(self.game_day.clone()).unwrap();
        let layout = |name: &str| ServiceLayout {
            name: name.to_owned(),
            replicas: 2,
        };
        let start = Record::Start {
            version: JOURNAL_VERSION,
            program: "0.1.0".to_owned(),
            game_day: Box::new(game_day),
            services: ["gateway", "metadata", "recommendations"]
                .map(layout)
                .to_vec(),
            seed: 7,
            no_faults: self.no_faults,
            variant: self.variant.clone(),
            started: "2026-01-02T03:04:05Z".to_owned(),
            cores: 2,
            plan: self.plan.clone(),
        };
        let mut entries = self.entries.clone();
        entries.sort_by_key(|entry| entry.at);
        entries.insert(
            0,
            Entry {
                at: -3 * SECOND,
                record: start,
            },
        );
        entries
    }

    /// The entries in the order of time.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let mut entries = self.torn();
        let at = entries
            .iter()
            .map(|entry| entry.at)
            .max()
            .unwrap_or(0)
            .max(20 * SECOND + 200);
        let lines = entries.len() as u64;
        entries.push(Entry {
            at,
            record: Record::End { lines },
        });
        entries
    }

    /// The whole journal as it lies on disk.
    pub(crate) fn text(&self) -> String {
        let lines = self.entries();
        lines
            .iter()
            .map(|entry| serde_json::to_string(entry).unwrap() + "\n")
            .collect()
    }
}

/// How a request ends.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// A complete answer.
    Full,
    /// A complete answer, after the first attempt was refused.
    SecondAttempt,
    /// A degraded answer with this header.
    Degraded(&'static str),
    /// None, for this reason.
    Failed(Cause),
}

/// What a demo mesh would say while recommendations are away.
pub(crate) const POPULAR: &str = "recommendations;reason=open;stood-in=popular;weight=0.3";

/// A game day that passes: two kills, then all of recommendations away for two seconds.
pub(crate) fn passing() -> Synthetic {
    let mut journal = Synthetic::new();
    journal.requests(0, 8 * SECOND, Kind::Full);
    journal.kill("kills-1", 4 * SECOND, "gateway/1");
    journal.kill("kills-2", 6 * SECOND, "metadata/0");
    journal.request(
        4 * SECOND - MILLISECOND,
        30 * MILLISECOND,
        Kind::SecondAttempt,
    );
    journal.ends(
        ("gone", "outage"),
        8 * SECOND,
        10 * SECOND,
        &["recommendations/0", "recommendations/1"],
    );
    for state in [
        (8 * SECOND + 50_000, "closed", "open"),
        (11 * SECOND, "open", "closed"),
    ] {
        let event = json!({
            "event": "breakerTransition", "client": "recommendations",
            "from": state.1, "to": state.2, "reason": "failure rate",
        });
        journal.add(
            state.0,
            Record::ServiceEvent {
                instance: instance("gateway/0"),
                event,
            },
        );
    }
    journal.requests(8 * SECOND, 11 * SECOND, Kind::Degraded(POPULAR));
    journal.requests(11 * SECOND, 20 * SECOND, Kind::Full);
    journal.honest_generator();
    journal
}
