//! A small streaming service to practise on: every call goes through the `resilience`
//! middleware, and `chaos-monkey` breaks it while users are served.

pub mod auth;
pub mod catalogue;
pub mod check;
pub mod cli;
pub mod game_day;
pub mod gateway;
pub mod mesh;
pub mod metadata;
pub mod playback;
pub mod recommendations;
pub mod setup;
pub mod shell;
pub mod store;
pub mod up;
