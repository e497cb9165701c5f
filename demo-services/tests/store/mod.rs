//! What a store promises, whichever dialect it speaks. Each dialect runs all of it.

pub(crate) mod auth;
pub(crate) mod outbox;
pub(crate) mod playback;

use std::sync::Arc;

use async_trait::async_trait;
use demo_services::store::{AuthStore, OutboxStore, PlaybackStore};

/// A dialect with a fresh place for all three stores.
#[async_trait]
pub(crate) trait Dialect: Sized + Send + Sync + 'static {
    /// A place that nobody else uses.
    async fn fresh() -> Self;

    /// What auth keeps, opened as one more replica does.
    async fn auth(&self) -> Arc<dyn AuthStore>;

    /// What playback keeps, opened as one more replica does.
    async fn playback(&self) -> Arc<dyn PlaybackStore>;

    /// The outbox, opened as one more replica does.
    async fn outbox(&self) -> Arc<dyn OutboxStore>;

    /// Changes something behind the back of a store, such as what time it is for a row.
    async fn change(&self, part: Part, statement: &'static str);

    /// What a statement counts.
    async fn count(&self, part: Part, statement: &'static str) -> i64;
}

/// Whose tables a statement is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    Auth,
    Playback,
    Outbox,
}

/// Makes tests of all that the suite has.
macro_rules! suite {
    ($dialect:ty) => {
        store::tests! { $dialect, auth:
            users_are_found_by_name_and_number
            of_many_that_refresh_with_one_token_one_does
            a_session_that_is_revoked_is_told_until_its_tokens_end
            keys_that_are_added_at_once_replace_each_other
            a_replaced_key_stays_for_a_while
        }
        store::tests! { $dialect, playback:
            every_answer_is_the_one_of_the_naive_model
            replicas_that_write_at_once_end_at_the_highest_sequence
            attempts_at_once_are_one_write
            a_key_is_one_write_and_only_one
            streams_are_leases_per_device
            starts_at_once_do_not_pass_the_limit
            a_start_repeated_on_another_device_is_another_start
            what_has_ended_is_forgotten_and_nothing_else
            the_position_saved_last_comes_first
        }
        store::tests! { $dialect, outbox:
            an_entry_is_kept_once_claimed_once_and_settled
            a_key_belongs_to_its_user_and_to_one_position
            a_lease_that_ended_lets_another_gateway_deliver
            gateways_that_claim_at_once_deliver_each_entry_once
        }
    };
}

macro_rules! tests {
    ($dialect:ty, $part:ident: $($name:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                store::$part::$name::<$dialect>().await;
            }
        )*
    };
}

pub(crate) use {suite, tests};

/// Repeats what failed since a lock was held for too long, as a caller does.
pub(crate) async fn until_done<T, E, A>(attempt: impl Fn() -> A) -> T
where
    A: Future<Output = Result<T, E>>,
{
    loop {
        if let Ok(done) = attempt().await {
            return done;
        }
        tokio::task::yield_now().await;
    }
}
