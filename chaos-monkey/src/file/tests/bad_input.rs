//! Every mistake that a file can have gets one clear message at the right place.

use super::*;

/// One edit of the good file, and what is said about it.
struct Case {
    from: &'static str,
    to: &'static str,
    /// Stands on the line of the mistake, once in the edited file.
    line: &'static str,
    key: &'static str,
    says: &'static str,
}

fn line_of(text: &str, part: &str) -> usize {
    let found: Vec<usize> = text
        .lines()
        .zip(1..)
        .filter(|(line, _)| line.contains(part))
        .map(|(_, number)| number)
        .collect();
    assert_eq!(found.len(), 1, "`{part}` must stand on one line");
    found[0]
}

fn check(cases: &[Case]) {
    for case in cases {
        let text = shop_with(case.from, case.to);
        let mistakes = mistakes_in(&text);
        let [mistake] = mistakes.as_slice() else {
            panic!("`{}` got {mistakes:#?}", case.to);
        };
        let place = mistake.place.as_ref().unwrap();
        assert_eq!(place.line, line_of(&text, case.line), "{mistake}");
        assert_eq!(mistake.key.to_string(), case.key, "{mistake}");
        assert!(mistake.message.contains(case.says), "{mistake}");
    }
}

#[test]
fn keys_and_kinds() {
    check(&[
        Case {
            from: "restartDelay: 1s",
            to: "restartDealy: 1s",
            line: "restartDealy",
            key: "spec.services.web.process.restartDealy",
            says: "did you mean `restartDelay`?",
        },
        Case {
            from: "  hypothesis: Nobody notices.\n",
            to: "",
            line: "title: Instances die",
            key: "spec",
            says: "the key `hypothesis` is missing: What the team believes will happen",
        },
        Case {
            from: "  hypothesis: Nobody",
            to: "  hypotesis: Nobody",
            line: "hypotesis",
            key: "spec.hypotesis",
            says: "did you mean `hypothesis`?",
        },
        Case {
            from: "        restartDelay: 1s\n",
            to: "        replicas: 5\n",
            line: "replicas: 5",
            key: "spec.services.web.process.replicas",
            says: "stands here already, on line 16",
        },
        Case {
            from: "kind: GameDay",
            to: "kind: Gameday",
            line: "kind: Gameday",
            key: "kind",
            says: "did you mean `GameDay`?",
        },
        Case {
            from: "kind: GameDay",
            to: "kind: Deployment",
            line: "kind: Deployment",
            key: "kind",
            says: "expected System or GameDay",
        },
        Case {
            from: "apiVersion: chaos.aplomb.dev/v1alpha1\nkind: System",
            to: "apiVersion: chaos.aplomb.dev/v2\nkind: System",
            line: "aplomb.dev/v2",
            key: "apiVersion",
            says: "expected `chaos.aplomb.dev/v1alpha1`",
        },
        Case {
            from: "name: shop",
            to: "name: The Shop",
            line: "name: The Shop",
            key: "metadata.name",
            says: "lower-case letters, digits and hyphens",
        },
    ]);
}

#[test]
fn a_document_without_kind() {
    let mistakes = mistakes_in(&shop_with("kind: GameDay\n", ""));
    assert_eq!(mistakes.len(), 1, "{mistakes:#?}");
    assert_eq!(mistakes[0].place.as_ref().unwrap().line, 31);
    assert!(mistakes[0].message.starts_with("the key `kind` is missing"));
}

#[test]
fn durations() {
    check(&[
        Case {
            from: "at: 18s",
            to: "at: -18s",
            line: "at: -18s",
            key: "spec.timeline.faults[1].at",
            says: "never negative",
        },
        Case {
            from: "duration: 40s",
            to: "duration: 400h",
            line: "duration: 400h",
            key: "spec.timeline.duration",
            says: "at most `24h`",
        },
        Case {
            from: "duration: 40s",
            to: "duration: 40",
            line: "duration: 40",
            key: "spec.timeline.duration",
            says: "a number and a unit",
        },
        Case {
            from: "duration: 40s",
            to: "duration: soon",
            line: "duration: soon",
            key: "spec.timeline.duration",
            says: "a number and a unit",
        },
        Case {
            from: "interval: 50ms",
            to: "interval: 0s",
            line: "interval: 0s",
            key: "spec.services.web.process.health.interval",
            says: "more than nothing",
        },
        Case {
            from: "patience: 2s",
            to: "patience: 500ms",
            line: "patience: 500ms",
            key: "spec.load.device.attemptTimeout",
            says: "longer than the patience of 500ms",
        },
        Case {
            from: "every: 2s, for: 10s",
            to: "every: 2s, for: 0s",
            line: "for: 0s",
            key: "spec.timeline.faults[0].do.monkey.for",
            says: "more than nothing",
        },
        Case {
            from: "every: 2s",
            to: "every: 1us",
            line: "every: 1us",
            key: "spec.timeline.faults[0].do.monkey.every",
            says: "more than 10000 times",
        },
        Case {
            from: "duration: 40s",
            to: "duration:",
            line: "duration:",
            key: "spec.timeline.duration",
            says: "there is no value",
        },
    ]);
}

#[test]
fn numbers_and_choices() {
    check(&[
        Case {
            from: "constant: 50",
            to: "constant: 0",
            line: "constant: 0",
            key: "spec.load.rate.constant",
            says: "from 0.001 to 100000",
        },
        Case {
            from: "percent: 50",
            to: "percent: 140",
            line: "percent: 140",
            key: "spec.timeline.faults[1].do.kill.amount.percent",
            says: "a whole number from 1 to 100",
        },
        Case {
            from: "replicas: 3",
            to: "replicas: 2.5",
            line: "replicas: 2.5",
            key: "spec.services.cart.process.replicas",
            says: "a whole number",
        },
        Case {
            from: "amount: one",
            to: "amount: oen",
            line: "amount: oen",
            key: "spec.timeline.faults[0].do.monkey.amount",
            says: "did you mean `one`?",
        },
        Case {
            from: "kill: {service: cart, amount: {percent: 50}}",
            to: "kil: {service: cart, amount: {percent: 50}}",
            line: "kil: {",
            key: "spec.timeline.faults[1].do.kil",
            says: "did you mean `kill`?",
        },
        Case {
            from: "rate: {constant: 50}",
            to: "rate: {constant: 50, steps: []}",
            line: "steps: []",
            key: "spec.load.rate",
            says: "exactly one key",
        },
        Case {
            from: "rate: {constant: 50}",
            to: "rate: constant",
            line: "rate: constant",
            key: "spec.load.rate",
            says: "`constant` needs a value",
        },
        Case {
            from: "metric: latencyP99",
            to: "metric: latencyP9",
            line: "metric: latencyP9",
            key: "spec.steadyState[1].metric",
            says: "did you mean `latencyP9",
        },
        Case {
            from: "allowOutage: true",
            to: "allowOutage: yes",
            line: "allowOutage: yes",
            key: "spec.timeline.faults[3].do.outage.allowOutage",
            says: "true or false",
        },
        Case {
            from: "TOKEN: ${secret.admin}",
            to: "TOKEN: 8080",
            line: "TOKEN: 8080",
            key: "spec.services.web.process.env.TOKEN",
            says: "put it in quotes",
        },
        Case {
            from: "atLeast: 0.99",
            to: "atLeast: 99",
            line: "atLeast: 99",
            key: "spec.steadyState[0].tolerance.during.atLeast",
            says: "a share from 0 to 1",
        },
        Case {
            from: "atMost: 250",
            to: "atMost: 0",
            line: "atMost: 0",
            key: "spec.steadyState[1].tolerance.during.atMost",
            says: "milliseconds, more than 0",
        },
        Case {
            from: "furtherAttempts: 1",
            to: "furtherAttempts: 3",
            line: "furtherAttempts: 3",
            key: "spec.load.device.furtherAttempts",
            says: "from 0 to 2",
        },
        Case {
            from: "status: [201]",
            to: "status: [99]",
            line: "status: [99]",
            key: "spec.load.journeys.buy.steps[0].expect.status[0]",
            says: "from 100 to 599",
        },
    ]);
}

#[test]
fn services_and_ports() {
    check(&[
        Case {
            from: "kill: {service: cart",
            to: "kill: {service: crat",
            line: "kill: {service: crat",
            key: "spec.timeline.faults[1].do.kill.service",
            says: "there is no service `crat`: did you mean `cart`?",
        },
        Case {
            from: "only: [web, cart]",
            to: "only: [web, payments]",
            line: "payments",
            key: "spec.timeline.faults[0].do.monkey.services.only[1]",
            says: "expected one of web, cart",
        },
        Case {
            from: "target: web",
            to: "target: gateway",
            line: "target: gateway",
            key: "spec.load.target",
            says: "there is no service `gateway`",
        },
        Case {
            from: "    haltFile: /tmp/halt",
            to: "    excludedServices: [wbe]",
            line: "excludedServices",
            key: "spec.guards.excludedServices[0]",
            says: "did you mean `web`?",
        },
        Case {
            from: "ports: {http: 7100}",
            to: "ports: {http: 7001}",
            line: "http: 7001",
            key: "spec.services.cart.process.ports.http",
            says: "port 7001 of cart/0 is that of web/1 (http) already",
        },
        Case {
            from: "ports: {http: 7100}",
            to: "ports: {http: 65534}",
            line: "http: 65534",
            key: "spec.services.cart.process.ports.http",
            says: "replica 2 is beyond 65535",
        },
        Case {
            from: "ports: {http: 7100}",
            to: "ports: {http: 70000}",
            line: "http: 70000",
            key: "spec.services.cart.process.ports.http",
            says: "from 1 to 65535",
        },
        Case {
            from: "admin: auto",
            to: "admin: atuo",
            line: "admin: atuo",
            key: "spec.services.web.process.ports.admin",
            says: "expected `auto`",
        },
        Case {
            from: "check: {tcp: {port: http}}",
            to: "check: {tcp: {port: htpt}}",
            line: "htpt",
            key: "spec.services.cart.process.health.check.tcp.port",
            says: "there is no port `htpt`: did you mean `http`?",
        },
        Case {
            from: "events: {port: admin",
            to: "events: {port: metrics",
            line: "port: metrics",
            key: "spec.services.web.process.events.port",
            says: "there is no port `metrics`",
        },
        Case {
            from: "target: web",
            to: "target: worker",
            line: "target: worker",
            key: "spec.load.target",
            says: "there is no service `worker`",
        },
        Case {
            from: "    cart:\n",
            to: "    idle: {}\n    cart:\n",
            line: "idle: {}",
            key: "spec.services.idle",
            says: "no binding",
        },
        Case {
            from: "    cart:\n",
            to: "    Idle:\n      process: {command: [x], health: {check: {tcp: {port: a}}}, ports: {a: auto}}\n    cart:\n",
            line: "Idle:",
            key: "spec.services.Idle",
            says: "lower-case letters",
        },
        Case {
            from: "system: shop",
            to: "system: shpo",
            line: "system: shpo",
            key: "spec.system",
            says: "there is no system `shpo` in these files: did you mean `shop`?",
        },
    ]);
}

#[test]
fn a_target_needs_a_port_for_users() {
    let text = shop_with(
        "ports: {http: 7000, admin: auto}",
        "ports: {web: 7000, admin: auto}",
    )
    .replace("${port.http}\", \"--carts", "${port.web}\", \"--carts")
    .replace("{port: http, path: /readyz}", "{port: web, path: /readyz}");
    let mistakes = mistakes_in(&text);
    assert_eq!(mistakes.len(), 1, "{mistakes:#?}");
    assert_eq!(mistakes[0].key.to_string(), "spec.load.target");
    assert!(mistakes[0].message.contains("no port called `http`"));
}

#[test]
fn words_in_braces() {
    check(&[
        Case {
            from: "[\"./cart\", \"--port\", \"${port.http}\"",
            to: "[\"./cart\", \"--port\", \"${port.htp}\"",
            line: "${port.htp}",
            key: "spec.services.cart.process.command[2]",
            says: "did you mean `port.http`?",
        },
        Case {
            from: "${endpoints.cart}",
            to: "${endpoints.carts}",
            line: "endpoints.carts",
            key: "spec.services.web.process.command[4]",
            says: "did you mean `endpoints.cart`?",
        },
        Case {
            from: "TOKEN: ${secret.admin}",
            to: "TOKEN: ${secret.amdin}",
            line: "amdin",
            key: "spec.services.web.process.env.TOKEN",
            says: "did you mean `secret.admin`?",
        },
        Case {
            from: "\"./prepare\", \"${run}\"",
            to: "\"./prepare\", \"${service}\"",
            line: "./prepare",
            key: "spec.prepare.command[1]",
            says: "`${service}` has no value here",
        },
        Case {
            from: "/items/${item.id}",
            to: "/items/${itm.id}",
            line: "itm.id",
            key: "spec.load.journeys.look.steps[0].request.path",
            says: "did you mean `item.id`?",
        },
        Case {
            from: "/items/${item.id}",
            to: "/items/${item.id",
            line: "/items/${item.id\"",
            key: "spec.load.journeys.look.steps[0].request.path",
            says: "no closing brace",
        },
        Case {
            from: "{name: \"${user.name}\"}",
            to: "{name: \"${token}\"}",
            line: "path: /login",
            key: "spec.load.users.setup[0].request.json.name",
            says: "`${token}` has no value here",
        },
        Case {
            from: "{item: \"${item.id}\"",
            to: "{item: \"${order}\"",
            line: "path: /cart",
            key: "spec.load.journeys.buy.steps[0].request.json.item",
            says: "`${order}` has no value here",
        },
        Case {
            from: "as: orders",
            to: "as: order",
            line: "as: order",
            key: "spec.load.journeys.buy.steps[0].acknowledge.as",
            says: "did you mean `orders`?",
        },
    ]);
}

#[test]
fn what_is_read_back() {
    check(&[
        Case {
            from: "/orders/${order}",
            to: "/orders/${basket}",
            line: "basket",
            key: "spec.readBack.orders.request.path",
            says: "`${basket}` has no value here",
        },
        Case {
            from: "json: /token",
            to: "json: token",
            line: "json: token",
            key: "spec.load.users.setup[0].capture.token.json",
            says: "a JSON pointer",
        },
        Case {
            from: "header: x-order",
            to: "header: x order",
            line: "header: x order",
            key: "spec.load.journeys.buy.steps[0].capture.order.header",
            says: "the name of a header",
        },
        Case {
            from: "      file: ${run}/users.jsonl",
            to: "      file: ${data}/users.jsonl",
            line: "${data}",
            key: "spec.load.users.file",
            says: "expected `run`",
        },
        Case {
            from: "            acknowledge: {as: orders, key: \"${user.name}/${order}\", value: \"${sequence}\"}\n",
            to: "",
            line: "path: \"/orders/",
            key: "spec.readBack.orders",
            says: "nothing would be read back",
        },
    ]);
}

#[test]
fn journeys_and_statements() {
    check(&[
        Case {
            from: "journey: look",
            to: "journey: lok",
            line: "journey: lok",
            key: "spec.steadyState[1].journey",
            says: "there is no journey `lok`: did you mean `look`?",
        },
        Case {
            from: "window: 1s",
            to: "window: 6s",
            line: "window: 6s",
            key: "spec.steadyState[0].window",
            says: "does not fit into the phase `before`, which lasts 5s at most",
        },
        Case {
            from: "      metric: yield\n      window: 2s",
            to: "      metric: yield\n      window: 41s",
            line: "window: 41s",
            key: "spec.abort[0].window",
            says: "longer than the load",
        },
        Case {
            from: "id: soon",
            to: "id: served  # again",
            line: "# again",
            key: "spec.steadyState[1].id",
            says: "another statement called `served`",
        },
        Case {
            from: "tolerance: {during: {atMost: 250}}",
            to: "tolerance: {}",
            line: "tolerance: {}",
            key: "spec.steadyState[1].tolerance",
            says: "nothing is stated",
        },
    ]);
    let text = shop_with("weight: 3", "weight: 0").replace("weight: 1", "weight: 0");
    let mistakes = mistakes_in(&text);
    assert_eq!(mistakes.len(), 1, "{mistakes:#?}");
    assert_eq!(mistakes[0].key.to_string(), "spec.load.journeys");
    assert!(mistakes[0].message.contains("all weights are 0"));
}

#[test]
fn names_that_stand_twice() {
    check(&[Case {
        from: "id: half-the-carts",
        to: "id: single-kills  # again",
        line: "# again",
        key: "spec.timeline.faults[1].id",
        says: "another fault called `single-kills`, at spec.timeline.faults[0].id",
    }]);
    let twice = format!("{SHOP}---\n{SHOP}");
    let keys: Vec<String> = mistakes_in(&twice)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(keys.len(), 2, "{keys:?}");
    assert!(
        keys[0].contains("`shop` is there already (shop.yaml:5)"),
        "{keys:?}"
    );
    assert!(keys[1].contains("`kills` is there already"), "{keys:?}");
}

#[test]
fn times_that_do_not_fit() {
    check(&[
        Case {
            from: "at: 18s",
            to: "at: 41s",
            line: "at: 41s",
            key: "spec.timeline.faults[1].at",
            says: "begins when the load is over, which lasts 40s",
        },
        Case {
            from: "at: 25s",
            to: "at: 38s",
            line: "at: 38s",
            key: "spec.timeline.faults[3].at",
            says: "would be over at 43s, after the load",
        },
        Case {
            from: "hold: 1s",
            to: "hold: 11s",
            line: "at: 25s",
            key: "spec.timeline.faults[3].at",
            says: "leaves less than 11s",
        },
    ]);
    let mistakes = mistakes_in(&shop_with("at: 5s", "at: 0s"));
    let messages: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    assert!(
        messages.iter().any(|one| one.contains("begin later")),
        "{messages:?}"
    );
}

#[test]
fn faults_that_guards_would_never_allow() {
    check(&[
        Case {
            from: ", allowOutage: true",
            to: "",
            line: "outage: {service: cart",
            key: "spec.timeline.faults[3].do.outage",
            says: "say `allowOutage: true` if it is meant",
        },
        Case {
            from: "kill: {service: cart, amount: {percent: 50}}",
            to: "kill: {service: cart, amount: all}",
            line: "amount: all",
            key: "spec.timeline.faults[1].do.kill.service",
            says: "leaves 0 of 3 instances of `cart`, and spec.guards.minimumHealthy is 1",
        },
        Case {
            from: "maximumDown: 2",
            to: "maximumDown: 1",
            line: "percent: 50",
            key: "spec.timeline.faults[1].do.kill.service",
            says: "takes 2 instances at once, and spec.guards.maximumDown is 1",
        },
        Case {
            from: "pause: {service: web, for: 3s}",
            to: "pause: {service: web, for: 3s, amount: all}",
            line: "amount: all",
            key: "spec.timeline.faults[2].do.pause.service",
            says: "leaves 0 of 2 instances of `web`",
        },
        Case {
            from: "services: {only: [web, cart]}, amount: one",
            to: "services: all, amount: all",
            line: "services: all",
            key: "spec.timeline.faults[0].do.monkey",
            says: "never allow this on any service",
        },
    ]);
    let excluded = mistakes_in(&shop_with("haltFile: /tmp/halt", "excludedServices: [web]"));
    let keys: Vec<String> = excluded.iter().map(|one| one.key.to_string()).collect();
    assert_eq!(
        keys,
        [
            "spec.timeline.faults[0].do.monkey.services.only[0]",
            "spec.timeline.faults[2].do.pause.service",
        ]
    );
}

#[test]
fn yaml_that_is_none_is_told_with_its_place_and_the_rest_is_still_checked() {
    let text = format!("{}\nspec: [\n", shop_with("replicas: 3", "replicas: three"));
    let mistakes = mistakes_in(&text);
    let places: Vec<(usize, bool)> = mistakes
        .iter()
        .map(|one| {
            let line = one.place.as_ref().unwrap().line;
            (line, one.message.starts_with("this is not YAML"))
        })
        .collect();
    let replicas = line_of(&text, "replicas: three");
    assert_eq!(places.first(), Some(&(replicas, false)), "{mistakes:#?}");
    assert_eq!(places.len(), 2, "{mistakes:#?}");
    assert!(places[1].1 && places[1].0 > replicas, "{mistakes:#?}");
}

/// Mistakes of every sort in one file: all come out, each once, and nothing that merely follows
/// from one of them.
#[test]
fn all_mistakes_come_out_at_once() {
    let mut text = SHOP.to_owned();
    for (from, to) in [
        ("replicas: 2\n", "replcias: 2\n"),
        ("ports: {http: 7100}", "ports: {http: 7000}"),
        ("rate: {constant: 50}", "rate: {constant: 0}"),
        ("target: web", "target: wbe"),
        ("metric: latencyP99", "metric: speed"),
        ("at: 18s", "at: -18s"),
        ("kill: {service: cart", "kill: {service: crat"),
        ("percent: 50", "percent: 140"),
        (", allowOutage: true", ""),
        ("json: /token", "jsn: /token"),
        ("${secret.admin}\"}", "${secret.root}\"}"),
    ] {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text = text.replace(from, to);
    }
    let keys: Vec<String> = mistakes_in(&text)
        .iter()
        .map(|mistake| mistake.key.to_string())
        .collect();
    assert_eq!(
        keys,
        [
            "spec.services.web.process.replcias",
            "spec.services.web.process.events.bearer",
            "spec.services.cart.process.ports.http",
            "spec.load.target",
            "spec.load.rate.constant",
            "spec.load.users.setup[0].capture.token.jsn",
            "spec.steadyState[1].metric",
            "spec.timeline.faults[1].at",
            "spec.timeline.faults[1].do.kill.service",
            "spec.timeline.faults[1].do.kill.amount.percent",
            "spec.timeline.faults[3].do.outage",
        ]
    );
}
