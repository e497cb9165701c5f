use clap::Parser;

use super::*;

#[derive(Parser)]
#[command(no_binary_name = true)]
struct Line {
    #[command(flatten)]
    flags: ChaoskubeFlags,
}

fn converted(line: &[&str]) -> Result<Converted, Inconvertible> {
    convert(&Line::try_parse_from(line).unwrap().flags)
}

fn spec(line: &[&str]) -> AgentSpec {
    let converted = converted(line);
    converted
        .unwrap_or_else(|error| panic!("{line:?}: {error}"))
        .spec
}

fn refused(line: &[&str]) -> String {
    converted(line).unwrap_err().to_string()
}

#[test]
fn without_flags_it_is_every_ten_minutes_around_the_clock() {
    let spec = spec(&[]);
    assert!(spec.dry_run);
    assert_eq!(spec.opt_in, OptIn::None);
    assert_eq!(spec.method, KillMethod::Evict);
    assert_eq!(spec.schedule.weekdays, Weekday::ALL);
    assert_eq!(
        (
            spec.schedule.hours.from.as_str(),
            spec.schedule.hours.to.as_str()
        ),
        ("00:00", "24:00")
    );
    let Rhythm::Every(every) = spec.schedule.rhythm else {
        panic!("{:?}", spec.schedule.rhythm);
    };
    assert_eq!((every.interval, every.owners), (Span::from_secs(600), 1));
}

/// The flags of its own example.
#[test]
fn every_flag_has_its_counterpart() {
    let spec = spec(&[
        "--interval=10m",
        "--max-kill=3",
        "--labels=environment=test",
        "--annotations=chaos.alpha.kubernetes.io/enabled=true",
        "--kinds=!DaemonSet",
        "--namespaces=!kube-system,staging",
        "--namespace-labels=!integration",
        "--included-pod-names=foo|bar",
        "--excluded-pod-names=prod",
        "--excluded-weekdays=Sat,sun",
        "--excluded-times-of-day=22:00-08:00",
        "--excluded-days-of-year=Apr1,Dec24",
        "--timezone=Europe/Berlin",
        "--minimum-age=1h",
        "--grace-period=30s",
        "--no-dry-run",
    ]);
    assert!(!spec.dry_run);
    assert_eq!(spec.pods.labels.as_deref(), Some("environment=test"));
    assert_eq!(
        spec.pods.annotations.as_deref(),
        Some("chaos.alpha.kubernetes.io/enabled=true")
    );
    assert_eq!(spec.pods.names.as_deref(), Some("foo|bar"));
    assert_eq!(spec.pods.except_names.as_deref(), Some("prod"));
    assert_eq!(spec.pods.minimum_age, Span::from_secs(3_600));
    assert_eq!(spec.namespaces.only, ["staging"]);
    assert_eq!(spec.namespaces.except, ["kube-system"]);
    assert_eq!(spec.namespaces.labels.as_deref(), Some("!integration"));
    assert!(!spec.owners.kinds.contains(&OwnerKind::DaemonSet));
    assert_eq!(spec.owners.kinds.len(), 4);
    assert_eq!(spec.method, KillMethod::Delete(Span::from_secs(30)));
    assert_eq!(spec.schedule.weekdays, Weekday::ALL[..5]);
    assert_eq!(spec.schedule.hours.from, "08:00");
    assert_eq!(spec.schedule.leave_out, ["04-01", "12-24"]);
    assert_eq!(spec.schedule.time_zone, "Europe/Berlin");
    let Rhythm::Every(every) = spec.schedule.rhythm else {
        panic!("{:?}", spec.schedule.rhythm);
    };
    assert_eq!(every.owners, 3);
}

#[test]
fn pods_of_deployments_have_a_replica_set_as_their_owner() {
    let kinds = spec(&["--kinds=ReplicaSet"]).owners.kinds;
    assert_eq!(kinds, [OwnerKind::Deployment, OwnerKind::ReplicaSet]);
    let kinds = spec(&["--kinds=!ReplicaSet"]).owners.kinds;
    assert!(!kinds.contains(&OwnerKind::Deployment));
}

#[test]
fn of_several_parts_of_the_day_the_longest_is_taken_and_all_are_told() {
    let converted = converted(&["--excluded-times-of-day=22:00-08:00,11:00-13:00"]).unwrap();
    let hours = &converted.spec.schedule.hours;
    assert_eq!((hours.from.as_str(), hours.to.as_str()), ("13:00", "22:00"));
    let notes = converted.notes.join("\n");
    assert!(
        notes.contains("leaves 08:00-11:00 and 13:00-22:00"),
        "{notes}"
    );
}

#[test]
fn a_secret_is_not_shown() {
    let line = ["--slack-webhook=https://hooks.example/SECRET"];
    let file = converted(&line).unwrap().file("a");
    assert!(!file.contains("SECRET"), "{file}");
    assert!(file.contains(URL_FILE), "{file}");
}

#[test]
fn what_is_not_understood_is_refused_all_at_once() {
    for (flag, reason) in [
        ("--excluded-weekdays=Sat,Snu", "`Snu`: expected one of Mon"),
        ("--excluded-weekdays=mon,tue,wed,thu,fri,sat,sun", "no day"),
        (
            "--excluded-times-of-day=25:00-26:00",
            "`25:00-26:00`: expected a time",
        ),
        (
            "--excluded-times-of-day=00:00-12:00,12:00-00:00",
            "no minute",
        ),
        (
            "--excluded-days-of-year=Apr1,Dez24",
            "`Dez24`: expected a day",
        ),
        (
            "--excluded-days-of-year=Feb30",
            "--excluded-days-of-year (spec.schedule.leaveOut[0]): `02-30`",
        ),
        ("--timezone=Local", "IANA"),
        (
            "--timezone=Europe/Berlim",
            "--timezone (spec.schedule.timeZone): `Europe/Berlim`",
        ),
        (
            "--max-kill=0",
            "--max-kill (spec.schedule.rhythm.every.owners): `0`",
        ),
        (
            "--interval=often",
            "--interval: `often`: expected a duration",
        ),
        (
            "--interval=0s",
            "--interval (spec.schedule.rhythm.every.interval): `0s`",
        ),
        ("--grace-period=soon", "--grace-period: `soon`"),
        ("--labels=app=we b", "spec.pods.labels"),
        ("--namespaces=app=web", "`app=web`: expected names"),
        ("--kinds=Job", "leaves none"),
        ("--included-pod-names=(", "spec.pods.names"),
    ] {
        let error = refused(&[flag]);
        assert!(error.contains(reason), "{flag}: {error}");
    }
    let error = refused(&["--excluded-weekdays=Snu", "--timezone=Local"]);
    assert_eq!(error.lines().count(), 2, "{error}");
}

#[test]
fn a_scope_never_widens_what_was_chosen() {
    let only = |line: &[&str]| spec(line).namespaces.only;
    assert_eq!(only(&["--client-namespace-scope=a"]), ["a"]);
    let both = ["--client-namespace-scope=a", "--namespaces=a,b"];
    assert_eq!(only(&both), ["a"]);
    for other in ["--namespaces=a,b", "--namespaces=!c"] {
        let error = refused(&["--client-namespace-scope=c", other]);
        assert!(error.contains("namespace"), "{error}");
        assert!(error.contains("`c`"), "{error}");
    }
}

#[test]
fn what_has_no_counterpart_is_said() {
    let notes = |line: &[&str]| converted(line).unwrap().notes.join("\n");
    let told = notes(&["--max-runtime=1h", "--ignore-single-replicas"]);
    for part in [
        "--max-runtime has no counterpart",
        "guards.minimumReplicas: 2",
    ] {
        assert!(told.contains(part), "{told}");
    }
    assert!(!notes(&["--max-runtime=-1s"]).contains("--max-runtime"));
}
