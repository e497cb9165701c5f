use super::*;
use crate::agent::cluster::Owner;
use crate::schema::{OwnerKind, Span};
use crate::target::kubernetes::scripted::{self, with};

fn owner() -> OwnerName {
    OwnerName {
        namespace: "shop".to_owned(),
        kind: OwnerKind::Deployment,
        name: "web".to_owned(),
    }
}

fn pod() -> Pod {
    Pod {
        owner: Owner::Known(owner()),
        ..scripted::pod()
    }
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_is_late_halts_everything_if_that_is_wanted() {
    for (halt, halts) in [(false, 0), (true, 1)] {
        let (client, asked) = scripted::cluster(|_, body, _| with(201, body));
        let killer = Killer {
            connection: Connection {
                client,
                context: "scripted".to_owned(),
                namespace: "default".to_owned(),
            },
            namespace: "home".to_owned(),
            agent: BY_HAND.to_owned(),
            is_dry_run: false,
        };
        let recovery = KillRecovery {
            limit: Span::from_secs(60),
            halt,
        };
        let teller = HandTeller::new(&killer.connection, &[]).unwrap();
        let told = teller.is_late(&killer, recovery, &owner(), &pod()).await;
        told.unwrap();
        teller.finish().await;
        let asked = asked.lock();
        let halted = asked
            .iter()
            .filter(|(line, _)| line.contains("/namespaces/home/configmaps"));
        assert_eq!(halted.count(), halts);
        let events = asked.iter().filter(|(line, _)| line.contains("/events"));
        assert!(events.count() > 0, "{asked:?}");
    }
}
