use demo_services::store::{Refresh, Revoked, SigningKey, StoredUser, unix_seconds};

use super::{Dialect, Part, until_done};

fn user(id: u32, name: &str) -> StoredUser {
    StoredUser {
        id,
        name: name.to_owned(),
        plan: "basic".to_owned(),
        password_hash: format!("hash of {name}"),
    }
}

fn session(number: u32) -> Refresh {
    Refresh {
        session: format!("session-{number}"),
        user: number,
    }
}

fn key(number: usize) -> SigningKey {
    SigningKey {
        id: format!("key-{number}"),
        secret: vec![u8::try_from(number).unwrap(); 32],
        signs_from: unix_seconds(),
    }
}

pub(crate) async fn users_are_found_by_name_and_number<D: Dialect>() {
    let dialect = D::fresh().await;
    let (one, other) = (dialect.auth().await, dialect.auth().await);
    // The largest number, and a name with signs that mean something in SQL.
    let users = [user(1, "ana-1"), user(u32::MAX, "o'neil \\ \"$1\" ?")];
    one.add_users(&users).await.unwrap();
    for user in &users {
        let by_name = other.user_by_name(&user.name).await.unwrap();
        assert_eq!(by_name.as_ref(), Some(user));
        let by_number = other.user_by_id(user.id).await.unwrap();
        assert_eq!(by_number.as_ref(), Some(user));
    }
    assert_eq!(one.user_by_name("nobody").await.unwrap(), None);
    assert_eq!(one.user_by_id(2).await.unwrap(), None);
    // All of them or none.
    let half = [user(3, "new"), user(1, "ana-1")];
    assert!(one.add_users(&half).await.is_err());
    assert_eq!(one.user_by_id(3).await.unwrap(), None);
}

pub(crate) async fn of_many_that_refresh_with_one_token_one_does<D: Dialect>() {
    let dialect = D::fresh().await;
    let replicas = [dialect.auth().await, dialect.auth().await];
    let until = unix_seconds() + 1_000;
    for round in 0..20 {
        let old = format!("token-{round}").into_bytes();
        replicas[0]
            .begin_session(&old, &session(round), until)
            .await
            .unwrap();
        let attempts: Vec<_> = (0..6)
            .map(|attempt| {
                let replica = replicas[attempt % 2].clone();
                let (old, new) = (old.clone(), vec![attempt as u8, round as u8]);
                tokio::spawn(async move {
                    let rotated = until_done(|| replica.rotate_refresh(&old, &new, until)).await;
                    rotated.map(|refresh| (refresh, new))
                })
            })
            .collect();
        let mut winners = Vec::new();
        for attempt in attempts {
            winners.extend(attempt.await.unwrap());
        }
        let [(refresh, new)] = &winners[..] else {
            panic!("{} had the token", winners.len());
        };
        assert_eq!(*refresh, session(round));
        // The next token is good, the old one dead.
        let next = replicas[1].rotate_refresh(new, &old, until).await.unwrap();
        assert_eq!(next, Some(session(round)));
        assert_eq!(
            replicas[0].rotate_refresh(new, b"x", until).await.unwrap(),
            None
        );
    }
    dialect
        .change(Part::Auth, "UPDATE refresh_tokens SET until = 1")
        .await;
    let ended = replicas[0].rotate_refresh(b"token-1", b"x", until).await;
    assert_eq!(ended.unwrap(), None);
}

pub(crate) async fn a_session_that_is_revoked_is_told_until_its_tokens_end<D: Dialect>() {
    let dialect = D::fresh().await;
    let (one, other) = (dialect.auth().await, dialect.auth().await);
    let until = unix_seconds() + 1_000;
    for number in 1..=3 {
        let token = [number as u8];
        one.begin_session(&token, &session(number), until)
            .await
            .unwrap();
    }
    assert!(one.revoke(&[2], until).await.unwrap());
    assert!(!other.revoke(&[2], until).await.unwrap());
    assert!(!other.revoke(b"nothing", until).await.unwrap());
    assert!(other.revoke(&[1], until + 1).await.unwrap());
    let revoked = |number, until| Revoked {
        session: session(number).session,
        until,
    };
    assert_eq!(
        other.revoked().await.unwrap(),
        [revoked(1, until + 1), revoked(2, until)]
    );
    dialect
        .change(
            Part::Auth,
            "UPDATE revoked SET until = 1 WHERE session = 'session-1'",
        )
        .await;
    assert_eq!(one.revoked().await.unwrap(), [revoked(2, until)]);
    one.forget_ended().await.unwrap();
    let left = dialect
        .count(Part::Auth, "SELECT count(*) FROM revoked")
        .await;
    assert_eq!(left, 1);
    let tokens = dialect
        .count(Part::Auth, "SELECT count(*) FROM refresh_tokens")
        .await;
    assert_eq!(tokens, 1);
}

pub(crate) async fn keys_that_are_added_at_once_replace_each_other<D: Dialect>() {
    let dialect = D::fresh().await;
    let replicas = [dialect.auth().await, dialect.auth().await];
    let tasks: Vec<_> = (0..16)
        .map(|number| {
            let replica = replicas[number % 2].clone();
            tokio::spawn(async move {
                let key = key(number);
                until_done(|| replica.add_signing_key(&key)).await;
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let keys = replicas[0].signing_keys().await.unwrap();
    assert_eq!(keys.len(), 16);
    let newest = "SELECT count(*) FROM signing_keys WHERE replaced_at IS NULL";
    assert_eq!(dialect.count(Part::Auth, newest).await, 1);

    replicas[1].add_signing_key(&key(16)).await.unwrap();
    let keys = replicas[0].signing_keys().await.unwrap();
    assert!(keys[0] == key(16), "the newest comes first");
}

pub(crate) async fn a_replaced_key_stays_for_a_while<D: Dialect>() {
    let dialect = D::fresh().await;
    let store = dialect.auth().await;
    for number in 0..3 {
        store.add_signing_key(&key(number)).await.unwrap();
    }
    dialect
        .change(
            Part::Auth,
            "UPDATE signing_keys SET replaced_at = 1 WHERE id = 'key-0'",
        )
        .await;
    store.add_signing_key(&key(3)).await.unwrap();
    let keys = store.signing_keys().await.unwrap();
    let ids: Vec<_> = keys.iter().map(|key| key.id.as_str()).collect();
    assert_eq!(ids, ["key-3", "key-2", "key-1"]);
}
