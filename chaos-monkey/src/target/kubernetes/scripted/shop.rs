//! A cluster of one Deployment, kept as the API keeps it: its pods end at once, and come back.

use serde_json::{Value, json};

use super::{Reply, ledger, refusal, status, with};
use crate::schema::{AgentSpec, Hours, OptIn, PerOwner, Rhythm, Span, Weekday};

/// The collections that are watched.
const PODS: &str = "pods";
const GAME_DAYS: &str = "gamedays";

/// What the cluster holds.
pub(in crate::target::kubernetes) struct Shop {
    version: u64,
    /// Name, whether it is ready, and the version of each pod.
    pub(in crate::target::kubernetes) pods: Vec<(String, bool, u64)>,
    /// Each change with its version, and of which collection it is.
    changes: Vec<(u64, &'static str, Value)>,
    ledger: Option<Value>,
    pub(in crate::target::kubernetes) kills: Vec<Value>,
    pub(in crate::target::kubernetes) is_halted: bool,
    pub(in crate::target::kubernetes) evicted: Vec<String>,
    /// Where its service is reached.
    pub(in crate::target::kubernetes) reach: (String, u16),
    pub(in crate::target::kubernetes) systems: Vec<Value>,
    pub(in crate::target::kubernetes) game_days: Vec<Value>,
    pub(in crate::target::kubernetes) events: Vec<Value>,
    /// Whether pods that are not ready stay so.
    pub(in crate::target::kubernetes) are_slow: bool,
    /// A game day that somebody else begins when one is said to run.
    pub(in crate::target::kubernetes) begins_too: Option<Value>,
    /// Whether a lease goes to somebody else.
    pub(in crate::target::kubernetes) is_lease_lost: bool,
}

/// Settings by which any pod may be killed at any time.
pub(in crate::target::kubernetes) fn any_pod_at_any_time() -> AgentSpec {
    let mut spec = any_pod_at_any_hour();
    spec.schedule.rhythm = Rhythm::PerOwner(PerOwner {
        mean_time: 5,
        minimum_time: 0,
    });
    spec
}

/// Settings by which any pod may be killed on any day at any hour, in the usual rhythm.
pub(in crate::target::kubernetes) fn any_pod_at_any_hour() -> AgentSpec {
    let mut spec = AgentSpec {
        opt_in: OptIn::None,
        ..AgentSpec::default()
    };
    spec.schedule.weekdays = Weekday::ALL.to_vec();
    spec.schedule.hours = Hours {
        from: "00:00".to_owned(),
        to: "24:00".to_owned(),
    };
    spec.guards.cool_down = Span::from_secs(0);
    spec
}

/// A shop of two pods that are ready.
pub(in crate::target::kubernetes) fn shop() -> Shop {
    Shop {
        version: 2,
        pods: vec![("web-0".to_owned(), true, 1), ("web-1".to_owned(), true, 2)],
        changes: Vec::new(),
        ledger: None,
        kills: Vec::new(),
        is_halted: false,
        evicted: Vec::new(),
        reach: ("10.96.0.7".to_owned(), 80),
        systems: Vec::new(),
        game_days: Vec::new(),
        events: Vec::new(),
        are_slow: false,
        begins_too: None,
        is_lease_lost: false,
    }
}

impl Shop {
    pub(in crate::target::kubernetes) fn reply(&mut self, line: &str, body: &Value) -> Reply {
        let (verb, address) = line.split_once(' ').unwrap_or_default();
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let last = path.rsplit('/').next().unwrap_or_default();
        if path.contains("/leases") {
            return self.lease(verb, body);
        }
        if path.contains("/gamedays") || path.contains("/systems") {
            return self.resource(verb, path, query, body);
        }
        match (verb, last) {
            ("POST", "events") => {
                self.events.push(body.clone());
                with(201, body)
            }
            ("POST", "eviction") => self.evict(path),
            ("GET", "shop") => with(200, &json!({"metadata": {"name": "shop"}})),
            ("GET", "web") if path.contains("/services/") => with(
                200,
                &json!({
                    "metadata": {"name": "web"},
                    "spec": {"clusterIP": self.reach.0, "ports": [{"port": self.reach.1}]},
                }),
            ),
            ("GET", "web") => with(200, &self.deployment()),
            ("GET", "set") => with(200, &set()),
            ("GET", "poddisruptionbudgets") => with(200, &list("PodDisruptionBudgetList", &[])),
            ("GET", "replicasets") => with(200, &list("ReplicaSetList", &[set()])),
            ("GET", "pods") if query.contains("watch=true") => self.watched_pods(query),
            ("GET", "pods") => {
                let pods: Vec<Value> = self.pods.iter().map(pod).collect();
                let mut all = list("PodList", &pods);
                all["metadata"]["resourceVersion"] = self.version.to_string().into();
                with(200, &all)
            }
            ("GET", name) if path.contains("/pods/") => {
                match self.pods.iter().find(|(it, ..)| it == name) {
                    Some(found) => with(200, &pod(found)),
                    None => refusal(404, "NotFound", "no such pod"),
                }
            }
            ("GET", "chaos-halt") if self.is_halted => with(
                200,
                &json!({"metadata": {"name": "chaos-halt"}, "data": {"reason": "sale"}}),
            ),
            ("GET" | "PUT", "chaos-ledger") | ("POST", "killledgers") => {
                ledger(&mut self.ledger, &mut self.version, verb, body)
            }
            ("POST", "kills") => {
                self.kills.push(body.clone());
                with(201, body)
            }
            ("PATCH", "status") => {
                let is_meant = |kill: &&mut Value| {
                    let name = kill["metadata"]["name"].as_str().unwrap_or_default();
                    path.ends_with(&format!("/{name}/status"))
                };
                match self.kills.iter_mut().find(is_meant) {
                    Some(kill) => {
                        for (key, value) in body["status"].as_object().into_iter().flatten() {
                            kill["status"][key] = value.clone();
                        }
                        with(200, kill)
                    }
                    None => refusal(404, "NotFound", "no such kill"),
                }
            }
            _ => refusal(404, "NotFound", line),
        }
    }

    /// The pod ends at once, and its ReplicaSet makes another one.
    fn evict(&mut self, path: &str) -> Reply {
        let name = path.trim_end_matches("/eviction").rsplit('/').next();
        let name = name.unwrap_or_default().to_owned();
        let Some(place) = self.pods.iter().position(|(it, ..)| *it == name) else {
            return refusal(404, "NotFound", "no such pod");
        };
        let gone = pod(&self.pods.remove(place));
        self.evicted.push(name);
        self.tell(PODS, "DELETED", gone);
        let new = (format!("web-{}", self.version + 1), false, self.version + 1);
        self.pods.push(new.clone());
        self.tell(PODS, "ADDED", pod(&new));
        with(201, &status("Success", 201, "", ""))
    }

    fn tell(&mut self, of: &'static str, kind: &str, mut object: Value) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        let change = json!({"type": kind, "object": object});
        self.changes.push((self.version, of, change));
    }

    /// What has changed since a version.
    fn watched(&self, of: &'static str, query: &str) -> Reply {
        let since = since(query);
        let told = self.changes.iter();
        let told = told.filter(|(version, what, _)| *version > since && *what == of);
        let lines: Vec<String> = told.map(|(.., change)| format!("{change}\n")).collect();
        Reply::With(200, lines.concat())
    }

    /// The same of pods. Those that were told of become ready.
    fn watched_pods(&mut self, query: &str) -> Reply {
        let since = since(query);
        for place in 0..self.pods.len() {
            let (name, is_ready, version) = self.pods[place].clone();
            if !is_ready && version <= since && !self.are_slow {
                self.pods[place] = (name.clone(), true, self.version + 1);
                self.tell(PODS, "MODIFIED", pod(&(name, true, 0)));
            }
        }
        self.watched(PODS, query)
    }

    /// Somebody applies a game day.
    pub(in crate::target::kubernetes) fn apply(&mut self, mut day: Value) {
        let name = day["metadata"]["name"].as_str().unwrap_or_default();
        let uid = format!("uid-{name}");
        let created = format!("2026-01-01T00:00:{:02}Z", self.game_days.len());
        day["metadata"]["namespace"] = "shop".into();
        day["metadata"]["uid"] = uid.into();
        day["metadata"]["generation"] = 1.into();
        if day["metadata"]["creationTimestamp"].is_null() {
            day["metadata"]["creationTimestamp"] = created.into();
        }
        day["metadata"]["resourceVersion"] = (self.version + 1).to_string().into();
        self.game_days.push(day.clone());
        self.tell(GAME_DAYS, "ADDED", day);
    }

    /// Somebody takes a game day away.
    pub(in crate::target::kubernetes) fn take_away(&mut self, name: &str) {
        let place = self
            .game_days
            .iter()
            .position(|it| it["metadata"]["name"] == name);
        if let Some(place) = place {
            let gone = self.game_days.remove(place);
            self.tell(GAME_DAYS, "DELETED", gone);
        }
    }

    /// What is said of a game day.
    pub(in crate::target::kubernetes) fn status(&self, name: &str) -> Value {
        let mut days = self.game_days.iter();
        let day = days.find(|it| it["metadata"]["name"] == name);
        day.map_or(Value::Null, |day| day["status"].clone())
    }

    fn resource(&mut self, verb: &str, path: &str, query: &str, body: &Value) -> Reply {
        let parts: Vec<&str> = path.split('/').collect();
        let after = |word: &str| {
            let place = parts.iter().position(|it| *it == word)?;
            parts.get(place + 1).copied()
        };
        let named = |it: &&Value, name: &str| it["metadata"]["name"] == name;
        if let Some(name) = after("systems") {
            return match self.systems.iter().find(|it| named(it, name)) {
                Some(system) => with(200, system),
                None => refusal(404, "NotFound", "no such system"),
            };
        }
        let Some(name) = after("gamedays") else {
            if query.contains("watch=true") {
                return self.watched(GAME_DAYS, query);
            }
            let mut all = list("GameDayList", &self.game_days);
            all["metadata"]["resourceVersion"] = self.version.to_string().into();
            return with(200, &all);
        };
        let version = (self.version + 1).to_string();
        let mut days = self.game_days.iter_mut();
        let Some(day) = days.find(|it| it["metadata"]["name"] == name) else {
            return refusal(404, "NotFound", "no such game day");
        };
        if verb == "GET" {
            return with(200, day);
        }
        if body["metadata"]["resourceVersion"] != day["metadata"]["resourceVersion"] {
            return refusal(409, "Conflict", "the object has been modified");
        }
        for (key, value) in body["status"].as_object().into_iter().flatten() {
            day["status"][key] = value.clone();
        }
        day["metadata"]["resourceVersion"] = version.into();
        let day = day.clone();
        self.tell(GAME_DAYS, "MODIFIED", day.clone());
        if day["status"]["phase"] == "Running"
            && let Some(other) = self.begins_too.take()
        {
            self.apply(other);
        }
        with(200, &day)
    }

    fn lease(&self, verb: &str, body: &Value) -> Reply {
        match verb {
            _ if self.is_lease_lost => refusal(409, "Conflict", "somebody else has it"),
            "GET" => refusal(404, "NotFound", "no lease"),
            _ => with(201, body),
        }
    }

    fn deployment(&self) -> Value {
        let ready = self
            .pods
            .iter()
            .filter(|(_, is_ready, _)| *is_ready)
            .count();
        json!({
            "metadata": {
                "name": "web", "namespace": "shop", "uid": "deployment", "generation": 2,
            },
            "spec": {
                "replicas": 2, "selector": {"matchLabels": {"app": "web"}},
                "template": {"metadata": {}, "spec": {"containers": []}},
            },
            "status": {
                "observedGeneration": 2, "replicas": 2, "updatedReplicas": 2,
                "availableReplicas": ready, "readyReplicas": ready,
            },
        })
    }

    pub(in crate::target::kubernetes) fn entries(&self) -> Vec<Value> {
        let ledger = self.ledger.clone().unwrap_or_default();
        let kills = ledger["spec"]["kills"].as_array();
        kills.cloned().unwrap_or_default()
    }
}

fn list(kind: &str, items: &[Value]) -> Value {
    json!({"kind": kind, "apiVersion": "v1", "metadata": {}, "items": items})
}

fn set() -> Value {
    json!({
        "metadata": {
            "name": "set", "namespace": "shop", "uid": "set",
            "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "deployment",
                "controller": true,
            }],
        },
    })
}

fn pod((name, is_ready, version): &(String, bool, u64)) -> Value {
    let ready = if *is_ready { "True" } else { "False" };
    json!({
        "kind": "Pod", "apiVersion": "v1",
        "metadata": {
            "name": name, "namespace": "shop", "uid": format!("uid-{name}"),
            "resourceVersion": version.to_string(),
            "labels": {"app": "web"}, "creationTimestamp": "2026-01-01T00:00:00Z",
            "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "set", "uid": "set",
                "controller": true,
            }],
        },
        "status": {
            "phase": "Running",
            "conditions": [{
                "type": "Ready", "status": ready, "lastTransitionTime": "2026-01-01T00:00:02Z",
            }],
        },
    })
}

/// The version from which on changes are asked for.
fn since(query: &str) -> u64 {
    let since = query
        .split('&')
        .find_map(|it| it.strip_prefix("resourceVersion="));
    since.and_then(|it| it.parse().ok()).unwrap_or_default()
}
