//! Services that are pods, and game days that are to be run in a cluster.

use super::*;

/// A system that can run as processes and in pods, and a game day on it.
const SHOP: &str = include_str!("../../../tests/files/shop-in-pods.yaml");

fn read(text: &str, backend: Backend) -> Vec<Mistake> {
    let mut reader = Reader::new(&[]).of(backend);
    reader.read_text("shop.yaml", text);
    match reader.finish() {
        Ok(_) => Vec::new(),
        Err(mistakes) => mistakes.list().to_vec(),
    }
}

/// The one mistake that an edit of the good file makes: its line, its key, and what is said.
fn mistake(backend: Backend, from: &str, to: &str) -> (usize, String, String) {
    assert_eq!(SHOP.matches(from).count(), 1, "`{from}`");
    let text = SHOP.replace(from, to);
    let mistakes = read(&text, backend);
    let [mistake] = mistakes.as_slice() else {
        panic!("`{to}` got {mistakes:#?}");
    };
    let place = mistake.place.clone().unwrap();
    (place.line, mistake.key.to_string(), mistake.message.clone())
}

fn line_of(part: &str) -> usize {
    let found = SHOP.lines().position(|line| line.contains(part));
    found.unwrap() + 1
}

#[test]
fn one_file_serves_both_places() {
    for backend in [Backend::Any, Backend::Processes, Backend::Kubernetes] {
        assert_eq!(read(SHOP, backend), [], "{backend:?}");
    }
    let documents = load_text("shop.yaml", SHOP, &[]).unwrap();
    let (game_day, system) = documents.game_day(None).unwrap();
    assert_eq!(check_system(system), []);
    assert_eq!(check_game_day(game_day, system), []);
}

#[test]
fn a_selector_must_be_one() {
    let (line, key, says) = mistake(Backend::Any, "pods: app=web", "pods: app in (web");
    assert_eq!(line, line_of("pods: app=web"));
    assert_eq!(key, "spec.services.web.kubernetes.pods");
    assert!(says.contains("kubectl get --selector"), "{says}");
    let (_, _, says) = mistake(Backend::Any, "pods: app=web", "pods: \"\"");
    assert!(says.contains("all pods of the namespace"), "{says}");
}

#[test]
fn no_two_services_have_the_same_pods() {
    let (line, key, says) = mistake(Backend::Any, "pods: app=cart", "pods: app=web");
    assert_eq!(line, line_of("pods: app=cart"));
    assert_eq!(key, "spec.services.cart.kubernetes.pods");
    assert!(
        says.contains("spec.services.web.kubernetes.pods has the same pods"),
        "{says}"
    );
}

#[test]
fn a_base_url_must_be_one() {
    let service = "reach: {service: {name: web, port: 80}}";
    let (line, key, says) = mistake(Backend::Any, service, "reach: {url: https://shop}");
    assert_eq!(line, line_of(service));
    assert_eq!(key, "spec.services.web.kubernetes.reach.url");
    assert!(says.contains("expected `http://`"), "{says}");
    let (_, key, _) = mistake(
        Backend::Any,
        service,
        "reach: {service: {name: web, port: 0}}",
    );
    assert_eq!(key, "spec.services.web.kubernetes.reach.service.port");
}

#[test]
fn the_target_of_a_load_must_be_reached() {
    let reach = "        reach: {service: {name: web, port: 80}}\n";
    let (line, key, says) = mistake(Backend::Kubernetes, reach, "");
    assert_eq!(line, line_of("target: web") - 1);
    assert_eq!(key, "spec.load.target");
    assert!(
        says.contains("`web` does not say how users reach its pods"),
        "{says}"
    );
    // As processes it is reached by its port.
    assert_eq!(read(&SHOP.replace(reach, ""), Backend::Processes), []);
}

#[test]
fn a_pause_of_pods_is_refused() {
    let kill = "kill: {service: cart, amount: one}";
    let pause = "pause: {service: cart, for: 2s}";
    let (line, key, says) = mistake(Backend::Kubernetes, kill, pause);
    assert_eq!(line, line_of(kill));
    assert_eq!(key, "spec.timeline.faults[1].do.pause");
    assert!(says.contains("a cluster cannot pause them"), "{says}");
    assert_eq!(read(&SHOP.replace(kill, pause), Backend::Any), []);
}

#[test]
fn an_outage_must_be_meant_in_pods_too() {
    let (_, key, says) = mistake(Backend::Kubernetes, ", allowOutage: true", "");
    assert_eq!(key, "spec.timeline.faults[2].do.outage");
    assert!(says.contains("allowOutage: true"), "{says}");
}

#[test]
fn each_service_needs_the_binding_of_the_place() {
    let text = SHOP.replace("      kubernetes: {namespace: shop, pods: app=cart}\n", "");
    assert_ne!(text, SHOP);
    assert_eq!(read(&text, Backend::Any), []);
    let mistakes = read(&text, Backend::Kubernetes);
    let [mistake] = mistakes.as_slice() else {
        panic!("{mistakes:#?}");
    };
    assert_eq!(mistake.key.to_string(), "spec.system");
    let says = "its service `cart` has no `kubernetes` binding: say there which pods it is";
    assert_eq!(mistake.message, says);
}

#[test]
fn the_files_of_the_guide_have_no_mistakes() {
    let guide = include_str!("../../../../docs/guides/kubernetes.md");
    let blocks: Vec<&str> = guide
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        // The others are parts of files, or what Kubernetes itself understands.
        .filter(|block| block.starts_with("# ") && block.contains("\napiVersion: chaos."))
        .collect();
    assert_eq!(blocks.len(), 5);
    for block in blocks {
        assert_eq!(read(block, Backend::Kubernetes), [], "{block}");
    }
}
