//! Resources that were built in code are held against the same rules.

use super::*;
use crate::schema::{Amount, FaultKind, Kill, Rate, Span};

fn shop() -> (GameDay, System) {
    let documents = load_text("shop.yaml", SHOP, &[]).unwrap();
    let (game_day, system) = documents.game_day(None).unwrap();
    (game_day.clone(), system.clone())
}

fn keys(mistakes: &[Mistake]) -> Vec<String> {
    assert!(mistakes.iter().all(|mistake| mistake.place.is_none()));
    mistakes.iter().map(|one| one.key.to_string()).collect()
}

#[test]
fn ranges_of_the_schema_hold_for_values_too() {
    let (mut game_day, system) = shop();
    game_day.spec.load.rate = Rate::Constant(0.0);
    game_day.spec.timeline.faults[1].fault = FaultKind::Kill(Kill {
        service: "cart".to_owned(),
        amount: Amount::Percent(140),
    });
    game_day.spec.timeline.duration = Span::from_secs(100_000);
    let mistakes = check_game_day(&game_day, &system);
    assert_eq!(
        keys(&mistakes),
        [
            "spec.load.rate.constant",
            "spec.timeline.duration",
            "spec.timeline.faults[1].do.kill.amount.percent",
        ]
    );
}

#[test]
fn what_no_schema_can_say_holds_for_values_too() {
    let (mut game_day, mut system) = shop();
    game_day.spec.load.target = "wbe".to_owned();
    let mistakes = check_game_day(&game_day, &system);
    assert_eq!(keys(&mistakes), ["spec.load.target"]);
    assert_eq!(
        mistakes[0].to_string(),
        "spec.load.target: there is no service `wbe`: did you mean `web`?"
    );

    system.spec.services["web"].process = None;
    assert_eq!(keys(&check_system(&system))[0], "spec.services.web");
}
