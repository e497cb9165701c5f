//! Which services a monkey may draw from.

use crate::journal::ServiceLayout;
use crate::schema::ServiceChoice;

/// The services of a snapshot that a choice names, sorted by name so that the order in which
/// targets were listed has no say. Services without instances are left out.
pub fn candidates<'snapshot>(
    snapshot: &'snapshot [ServiceLayout],
    choice: &ServiceChoice,
) -> Vec<&'snapshot ServiceLayout> {
    let mut services: Vec<&ServiceLayout> = snapshot
        .iter()
        .filter(|service| chosen(service, choice))
        .filter(|service| service.replicas > 0)
        .collect();
    services.sort_by(|left, right| left.name.cmp(&right.name));
    services
}

fn chosen(service: &ServiceLayout, choice: &ServiceChoice) -> bool {
    match choice {
        ServiceChoice::All => true,
        ServiceChoice::Only(names) => names.contains(&service.name),
    }
}

#[cfg(test)]
mod tests {
    use super::candidates;
    use crate::journal::ServiceLayout;
    use crate::schema::ServiceChoice;

    fn snapshot() -> Vec<ServiceLayout> {
        [("web", 2), ("cache", 1), ("idle", 0)]
            .map(|(name, replicas)| ServiceLayout {
                name: name.to_owned(),
                replicas,
            })
            .to_vec()
    }

    fn names(choice: &ServiceChoice) -> Vec<String> {
        candidates(&snapshot(), choice)
            .into_iter()
            .map(|service| service.name.clone())
            .collect()
    }

    #[test]
    fn all_is_every_service_with_instances_by_name() {
        assert_eq!(names(&ServiceChoice::All), ["cache", "web"]);
    }

    #[test]
    fn only_keeps_what_is_named() {
        let choice = ServiceChoice::Only(vec!["web".to_owned(), "idle".to_owned()]);
        assert_eq!(names(&choice), ["web"]);
    }
}
