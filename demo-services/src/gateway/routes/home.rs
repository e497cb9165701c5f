//! The home screen: rows made for the user, and what to continue watching.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::gateway::Gateway;
use crate::gateway::ask::{ask_json, get};
use crate::gateway::session::User;
use crate::gateway::stand_ins::{Rows, TitleCard};
use crate::shell::JsonResult;

/// What each dependency is worth on this screen.
const ROWS_WEIGHT: f64 = 0.3;
const TITLES_WEIGHT: f64 = 0.3;
const POSITIONS_WEIGHT: f64 = 0.2;

/// How many titles are shown to continue watching.
const CONTINUE_WATCHING: usize = 10;

/// The home screen.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Home {
    continue_watching: Vec<Continue>,
    rows: Vec<HomeRow>,
}

#[derive(Debug, Serialize)]
struct HomeRow {
    id: String,
    label: String,
    titles: Vec<TitleCard>,
}

#[derive(Debug, Serialize)]
struct Continue {
    title: TitleCard,
    seconds: u64,
}

/// Positions as playback answers them.
#[derive(Debug, Deserialize)]
struct Positions {
    positions: Vec<Position>,
}

#[derive(Debug, Deserialize)]
struct Position {
    title: u32,
    seconds: u64,
}

/// Titles as metadata answers them.
#[derive(Debug, Deserialize)]
struct Titles {
    titles: Vec<TitleCard>,
}

pub(super) async fn home(
    State(gateway): State<Arc<Gateway>>,
    user: User,
) -> JsonResult<Json<Home>> {
    let dependencies = &gateway.dependencies;
    let rows_path = format!("/v1/users/{}/rows", user.id);
    let positions_path = format!("/v1/positions?user={}", user.id);
    let (rows, positions) = tokio::try_join!(
        ask_json::<Rows>(&dependencies.recommendations, get(rows_path, ROWS_WEIGHT)?),
        ask_json::<Positions>(
            &dependencies.playback,
            get(positions_path, POSITIONS_WEIGHT)?
        ),
    )?;

    let mut positions = positions.positions;
    positions.truncate(CONTINUE_WATCHING);
    let mut ids: Vec<u32> = rows
        .rows
        .iter()
        .flat_map(|row| row.titles.clone())
        .collect();
    ids.extend(positions.iter().map(|position| position.title));
    ids.sort_unstable();
    ids.dedup();
    let ids: Vec<String> = ids.iter().map(u32::to_string).collect();
    let titles_path = format!("/v1/titles?ids={}", ids.join(","));
    let titles: Titles = ask_json(&dependencies.metadata, get(titles_path, TITLES_WEIGHT)?).await?;
    let cards: BTreeMap<u32, TitleCard> = titles
        .titles
        .into_iter()
        .map(|card| (card.id, card))
        .collect();

    Ok(Json(Home {
        continue_watching: positions
            .into_iter()
            .filter_map(|position| {
                Some(Continue {
                    title: cards.get(&position.title)?.clone(),
                    seconds: position.seconds,
                })
            })
            .collect(),
        rows: rows
            .rows
            .into_iter()
            .map(|row| HomeRow {
                titles: row
                    .titles
                    .iter()
                    .filter_map(|id| cards.get(id).cloned())
                    .collect(),
                id: row.id,
                label: row.label,
            })
            .collect(),
    }))
}
