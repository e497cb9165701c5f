mod bad_input;
mod in_code;
mod pods;

use super::*;

/// A system and a game day without mistakes.
const SHOP: &str = include_str!("../../../tests/files/shop.yaml");

/// The good file with one text replaced, which must stand in it once.
fn shop_with(from: &str, to: &str) -> String {
    assert_eq!(
        SHOP.matches(from).count(),
        1,
        "`{from}` must stand there once"
    );
    SHOP.replace(from, to)
}

fn mistakes_in(text: &str) -> Vec<Mistake> {
    match load_text("shop.yaml", text, &[]) {
        Ok(_) => Vec::new(),
        Err(mistakes) => mistakes.list().to_vec(),
    }
}

#[test]
fn a_file_without_mistakes_is_read() {
    let documents = load_text("shop.yaml", SHOP, &[]).unwrap();
    let (game_day, system) = documents.game_day(None).unwrap();
    assert_eq!(game_day.metadata.name, "kills");
    assert_eq!(system.metadata.name, "shop");
    assert_eq!(check_system(system), []);
    assert_eq!(check_game_day(game_day, system), []);
}

#[test]
fn services_keep_the_order_of_the_file() {
    let documents = load_text("shop.yaml", SHOP, &[]).unwrap();
    let services: Vec<&String> = documents.systems[0].spec.services.keys().collect();
    assert_eq!(services, ["web", "cart"]);
}

#[test]
fn what_is_read_comes_back_when_it_is_written() {
    let documents = load_text("shop.yaml", SHOP, &[]).unwrap();
    let (game_day, system) = documents.game_day(None).unwrap();
    let written = format!(
        "{}\n---\n{}\n",
        serde_json::to_string_pretty(system).unwrap(),
        serde_json::to_string_pretty(game_day).unwrap()
    );
    let again = load_text("again.yaml", &written, &[]).unwrap();
    assert_eq!(again, documents);
}

#[test]
fn a_game_day_may_name_a_system_of_another_file_or_a_known_one() {
    let (system, game_day) = SHOP.split_once("---\n").unwrap();
    let known = load_text("system.yaml", system, &[]).unwrap().systems;
    assert!(load_text("kills.yaml", game_day, &known).is_ok());

    let folder = tempfile::tempdir().unwrap();
    let paths = [
        folder.path().join("kills.yaml"),
        folder.path().join("system.yaml"),
    ];
    std::fs::write(&paths[0], game_day).unwrap();
    std::fs::write(&paths[1], system).unwrap();
    assert!(load(&paths).unwrap().game_day(Some("kills")).is_ok());
}

#[test]
fn the_wrong_name_of_a_game_day_is_told() {
    let documents = load_text("shop.yaml", SHOP, &[]).unwrap();
    let mistake = documents.game_day(Some("kils")).unwrap_err();
    assert_eq!(
        mistake.to_string(),
        "there is no game day `kils` in these files: there is kills"
    );
    let none = Documents::default().game_day(None).unwrap_err();
    assert!(none.message.contains("kind: GameDay"), "{none}");
}

#[test]
fn a_mistake_is_one_line_and_its_long_form_points_at_the_place() {
    let mistakes = mistakes_in(&shop_with("restartDelay: 1s", "restartDelay: -1s"));
    let [mistake] = mistakes.as_slice() else {
        panic!("{mistakes:?}");
    };
    assert_eq!(mistake.value.as_deref(), Some("-1s"));
    let line = "shop.yaml:21:23: spec.services.web.process.restartDelay: `-1s` is not right here: \
                a duration is never negative, expected a number and a unit, as in `250ms`, `8s` \
                or `1m 30s`";
    assert_eq!(mistake.to_string(), line);
    assert_eq!(
        format!("{mistake:#}"),
        format!("{line}\n  21 |         restartDelay: -1s\n     |                       ^")
    );
}

#[test]
fn mistakes_come_in_the_order_of_files_and_lines() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["b.yaml", "a.yaml"].map(|name| folder.path().join(name));
    std::fs::write(&paths[0], "kind: System\n").unwrap();
    std::fs::write(&paths[1], "kind: Sytem\n").unwrap();
    let mistakes = load(&paths).unwrap_err();
    let files: Vec<String> = mistakes
        .list()
        .iter()
        .map(|mistake| mistake.place.as_ref().unwrap().file.clone())
        .collect();
    let [first, last] = paths.map(|path| path.display().to_string());
    assert_eq!(files, [first.clone(), first.clone(), first, last]);
}

#[test]
fn files_that_cannot_be_read_are_told_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.yaml");
    let garbage = folder.path().join("garbage.yaml");
    let huge = folder.path().join("huge.yaml");
    let empty = folder.path().join("empty.yaml");
    std::fs::write(&garbage, [0xff, 0xfe, 0x00]).unwrap();
    std::fs::write(&huge, vec![b'#'; 5 * 1024 * 1024]).unwrap();
    std::fs::write(&empty, "# nothing but a comment\n").unwrap();
    let mistakes = load(&[missing, garbage, huge, empty]).unwrap_err();
    let messages: Vec<String> = mistakes.list().iter().map(ToString::to_string).collect();
    assert_eq!(messages.len(), 4, "{messages:?}");
    for (message, part) in messages.iter().zip([
        "missing.yaml: cannot be read: ",
        "garbage.yaml: is not UTF-8",
        "huge.yaml: is larger than 4 MiB",
        "empty.yaml: is empty",
    ]) {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn control_characters_of_a_file_do_not_reach_a_terminal() {
    let mistakes = mistakes_in(&shop_with(
        "metric: latencyP99",
        "metric: \"late\\e[31mncy\"",
    ));
    let text = format!("{:#}", Mistakes(mistakes));
    assert!(text.contains("latencyP99"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}

proptest::proptest! {
    /// Whatever is cut out of a file, or put in its place: an answer, and never a panic.
    #[test]
    fn no_text_is_too_odd(
        from in 0..SHOP.len(),
        length in 0_usize..400,
        put in "[-{}\\[\\]:,&*!|>'\"%@` \n\ta-z0-9$]{0,12}",
    ) {
        let from = (from..SHOP.len()).find(|at| SHOP.is_char_boundary(*at)).unwrap_or(0);
        let rest = SHOP[from..].chars().skip(length).collect::<String>();
        let _ = load_text("odd.yaml", &format!("{}{put}{rest}", &SHOP[..from]), &[]);
    }
}
