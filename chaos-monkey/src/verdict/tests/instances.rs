use super::*;

#[test]
fn the_life_of_an_instance_is_told() {
    let (run, _) = judged(&passing());
    let gateway = &run.instances[1];
    assert_eq!(gateway.instance, instance("gateway/1"));
    assert_eq!(
        (gateway.kills, gateway.restarts, gateway.unplanned_ends),
        (1, 1, 0)
    );
    assert_eq!(gateway.ready_after_micros, [300_000, 300_000]);
    assert_eq!(gateway.peak_memory_bytes, Some(30 << 20));
    let states: Vec<_> = gateway
        .states
        .iter()
        .map(|span| (span.from, span.state))
        .collect();
    assert_eq!(
        states,
        [
            (-2 * SECOND, InstanceState::Starting),
            (-1_700_000, InstanceState::Up),
            (4_001_000, InstanceState::Down),
            (5 * SECOND, InstanceState::Starting),
            (5_300_000, InstanceState::Up),
        ]
    );
}

#[test]
fn degradations_are_counted_by_what_was_replaced() {
    let (run, _) = judged(&passing());
    assert_eq!(
        run.degradations,
        [DegradationCount {
            dependency: "recommendations".to_owned(),
            reason: "open".to_owned(),
            stood_in: "popular".to_owned(),
            requests: 300,
            mean_weight: 0.3,
        }]
    );
    assert_eq!(run.unexplained_degraded, 0);
    assert_eq!(run.breakers.len(), 2);
    assert_eq!(run.breakers[0].to, "open");
}

#[test]
fn the_live_picture_shows_what_is_broken_now() {
    let mut fold = Fold::new();
    for entry in passing()
        .entries()
        .iter()
        .filter(|entry| entry.at < 9 * SECOND)
    {
        fold.push(entry);
    }
    let live = fold.live(9 * SECOND);
    assert_eq!(live.broken.len(), 1);
    assert_eq!(live.broken[0].fault, "gone");
    assert_eq!(live.kills, 4);
    assert_eq!(
        live.breakers,
        [(
            instance("gateway/0"),
            "recommendations".to_owned(),
            "open".to_owned()
        )]
    );
    assert!((live.rate - 100.0).abs() < 1.0);
    let down = live
        .instances
        .iter()
        .filter(|instance| instance.state == InstanceState::Down);
    assert_eq!(down.count(), 2);
}

#[test]
fn a_fault_is_over_although_its_victim_was_hit_again() {
    let mut journal = Synthetic::new();
    journal.kill("kills-1", 4 * SECOND, "gateway/1");
    journal.kill("kills-2", 8 * SECOND, "gateway/1");
    let mut fold = Fold::new();
    for entry in journal
        .entries()
        .iter()
        .filter(|entry| entry.at < 9 * SECOND)
    {
        fold.push(entry);
    }
    let broken = fold.live(9 * SECOND).broken;
    let broken: Vec<_> = broken.iter().map(|broken| broken.fault.as_str()).collect();
    assert_eq!(broken, ["kills-2"]);
}
