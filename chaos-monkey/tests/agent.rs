//! The commands around an agent, on a snapshot of a cluster.

use std::path::Path;
use std::process::{Command, Output};

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/files")
        .join(name);
    path.display().to_string()
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chaos-monkey"))
        .args(arguments)
        .output()
        .expect("the command can be started")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

fn plan(arguments: &[&str]) -> Output {
    let (agent, snapshot) = (file("agent.yaml"), file("cluster.json"));
    let first = [
        "plan",
        &agent,
        "--snapshot",
        &snapshot,
        "--from",
        "2026-03-23",
    ];
    run(&[&first, arguments].concat())
}

fn explain(pod: &str) -> Output {
    let (agent, snapshot) = (file("agent.yaml"), file("cluster.json"));
    let noon = ["--at", "2026-03-23T12:00:00Z"];
    run(&[
        &["explain", pod, &agent, "--snapshot", &snapshot][..],
        &noon,
    ]
    .concat())
}

#[test]
fn a_plan_holds_only_what_may_be_killed_and_is_the_same_each_time() {
    let table = plan(&["--days", "40", "--seed", "7"]);
    assert_eq!(stderr(&table), "");
    let text = stdout(&table);
    assert!(text.contains("shop/Deployment/web"), "{text}");
    for spared in ["basket", "migrate", "dns", "web-5d8f-c"] {
        assert!(!text.contains(spared), "{spared} in {text}");
    }
    assert_eq!(text, stdout(&plan(&["--days", "40", "--seed", "7"])));
    assert_ne!(text, stdout(&plan(&["--days", "40", "--seed", "8"])));
}

#[test]
fn a_plan_by_a_seed_that_no_agent_goes_by_says_so_loudly() {
    let drawn = plan(&["--days", "40"]);
    let said = stderr(&drawn);
    assert!(said.contains("warning: the seed 1 stands in"), "{said}");
    assert_eq!(
        stdout(&drawn),
        stdout(&plan(&["--days", "40", "--seed", "1"]))
    );
}

#[test]
fn a_plan_for_programs_says_the_same_in_json_and_yaml() {
    let arguments = ["--days", "40", "--seed", "7", "--output"];
    let json = stdout(&plan(&[&arguments[..], &["json"]].concat()));
    let yaml = stdout(&plan(&[&arguments[..], &["yaml"]].concat()));
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let kills = json["kills"].as_array().expect("the kills");
    assert!(!kills.is_empty());
    assert_eq!(yaml.matches("owner:").count(), kills.len(), "{yaml}");
    for kill in kills {
        let at = kill["at"].as_str().expect("a time");
        assert!(at.ends_with("+01:00") || at.ends_with("+02:00"), "{at}");
        assert!(yaml.contains(at), "{yaml}");
        assert_eq!(kill["owner"]["name"], "web");
    }
}

#[test]
fn a_pod_is_explained_by_every_filter() {
    let text = stdout(&explain("shop/web-5d8f-a"));
    assert!(text.contains("can be a victim"), "{text}");
    assert!(!text.contains('✗'), "{text}");
    assert!(text.contains("within the hours"), "{text}");
    for (pod, reason) in [
        ("basket-0", "✗ opt-in"),
        ("migrate-x", "✗ owner"),
        ("dns-a", "✗ namespace"),
        ("web-5d8f-c", "✗ state"),
    ] {
        let text = stdout(&explain(pod));
        assert!(
            text.contains("is never a victim") && text.contains(reason),
            "{pod}: {text}"
        );
    }
}

#[test]
fn what_is_not_there_is_named() {
    let output = explain("shop/nobody");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stderr(&output), "error: there is no pod `shop/nobody`\n");
    let output = Command::new(env!("CARGO_BIN_EXE_chaos-monkey"))
        .args(["plan", &file("agent.yaml")])
        .env("KUBECONFIG", "/nowhere")
        .output()
        .expect("the command can be started");
    assert_eq!(output.status.code(), Some(2));
    let text = stderr(&output);
    assert!(
        text.contains("no way to a cluster") && text.contains("/nowhere"),
        "{text}"
    );
    let output = run(&[
        "plan",
        &file("agent.yaml"),
        "--snapshot",
        &file("agent.yaml"),
    ]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("kubectl get"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn values_that_cannot_be_are_named_with_their_places() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = std::fs::read_to_string(file("agent.yaml")).expect("the good file");
    for (from, to, key, right) in [
        (
            "monday, tuesday",
            "monday, tuseday",
            "spec.schedule.weekdays[1]",
            "tuesday",
        ),
        (
            "Europe/Berlin",
            "Europe/Berlino",
            "spec.schedule.timeZone",
            "Europe/Berlin",
        ),
        ("\"16:30\"", "\"25:00\"", "spec.schedule.hours.to", "24:00"),
        (
            "upToPercent: 34",
            "upToPercent: 140",
            "spec.amount.upToPercent",
            "100",
        ),
        (
            "app,tier!=database",
            "app in (web",
            "spec.pods.labels",
            "kubectl get --selector",
        ),
        (
            "meanTime: 5",
            "meanTime: 0",
            "spec.schedule.rhythm.perOwner.meanTime",
            "1",
        ),
        (
            "minimumAge",
            "minimalAge",
            "spec.pods.minimalAge",
            "minimumAge",
        ),
    ] {
        assert_eq!(good.matches(from).count(), 1, "{from}");
        let path = folder.path().join("bad.yaml").display().to_string();
        std::fs::write(&path, good.replace(from, to)).expect("a folder to write to");
        let output = run(&["validate", &path]);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        for part in ["bad.yaml:", key, right, "1 mistake"] {
            assert!(text.contains(part), "{to}: {part} in {text}");
        }
    }
}

#[test]
fn what_is_converted_is_valid() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = folder.path().join("agent.yaml").display().to_string();
    let line = [
        "--interval=10m",
        "--namespaces=!kube-system",
        "--excluded-weekdays=Sat,Sun",
        "--excluded-times-of-day=22:00-08:00,11:00-13:00",
    ];
    let chaoskube = run(&[&["convert", "chaoskube"][..], &line].concat());
    assert_eq!(stderr(&chaoskube), "");
    std::fs::write(&settings, stdout(&chaoskube)).expect("written");
    let valid = run(&["validate", &settings]);
    assert!(valid.status.success(), "{}", stderr(&valid));
    let misspelt = run(&["convert", "chaoskube", "--excluded-weekdays=Sat,Snu"]);
    assert_eq!(misspelt.status.code(), Some(2));
    assert!(stderr(&misspelt).starts_with("error: --excluded-weekdays: `Snu`: expected"));
    assert_eq!(stdout(&misspelt), "");

    let list = folder.path().join("list.json").display().to_string();
    let labels = r#"{"kube-monkey/enabled": "enabled", "kube-monkey/mtbf": "3"}"#;
    let web = format!(
        r#"{{"kind": "Deployment", "metadata": {{"name": "web", "namespace": "shop", "labels": {labels}}}}}"#
    );
    std::fs::write(&list, format!(r#"{{"items": [{web}]}}"#)).expect("written");
    let kube_monkey = run(&["convert", "kube-monkey", &list, "--start-hour=9"]);
    std::fs::write(&settings, stdout(&kube_monkey)).expect("written");
    let valid = run(&["validate", &settings]);
    assert!(valid.status.success(), "{}", stderr(&valid));
    let commands = run(&["convert", "kube-monkey", &list, "--output", "commands"]);
    assert_eq!(
        stdout(&commands),
        "kubectl annotate --namespace shop deployment web chaos.aplomb.dev/enabled=true\n"
    );
}

/// What an agent says that has a kubeconfig with one context, `production`, and nobody to ask.
fn agent_in_production(arguments: &[&str]) -> Output {
    in_production(&[&["agent", &file("agent.yaml")], arguments].concat())
}

/// What a command says there.
fn in_production(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let kubeconfig = folder.path().join("kubeconfig");
    // Nobody listens there: whoever is not asked would have to go on to it.
    let text = r#"{
        "apiVersion": "v1", "kind": "Config", "current-context": "production",
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "production", "context": {"cluster": "c", "user": "u"}}]
    }"#;
    std::fs::write(&kubeconfig, text).expect("it can be written");
    Command::new(env!("CARGO_BIN_EXE_chaos-monkey"))
        .args(arguments)
        .env("KUBECONFIG", &kubeconfig)
        .stdin(std::process::Stdio::null())
        .output()
        .expect("the command can be started")
}

#[test]
fn an_agent_that_is_to_kill_names_the_context_and_wants_a_yes() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = folder.path().join("agent.yaml");
    let text = std::fs::read_to_string(file("agent.yaml")).expect("settings");
    std::fs::write(&settings, text + "  dryRun: false\n").expect("it can be written");
    let settings = settings.to_string_lossy();
    // By a flag of its own, by another one, and by its settings.
    for arguments in [
        &["agent", &file("agent.yaml"), "--no-dry-run"][..],
        &["agent", &file("agent.yaml"), "--set=dryRun=false"],
        &["agent", &settings],
    ] {
        let output = in_production(arguments);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        let said = stderr(&output);
        assert!(said.contains("in the context `production`"), "{said}");
        assert!(said.contains("give --yes"), "{said}");
    }
    let listen = "--listen=127.0.0.1:0";
    let dry = stderr(&agent_in_production(&[listen]));
    assert!(!dry.contains("give --yes"), "a dry run asks nobody: {dry}");
    let yes = stderr(&agent_in_production(&[listen, "--no-dry-run", "--yes"]));
    assert!(!yes.contains("give --yes"), "{yes}");
}

#[test]
fn a_context_that_the_kubeconfig_does_not_have_is_named_beside_those_that_it_has() {
    let output = agent_in_production(&["--context", "staging"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let said = stderr(&output);
    assert!(said.contains("has no context `staging`"), "{said}");
    assert!(said.contains("production"), "{said}");
}
