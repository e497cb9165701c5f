//! The load against a scripted transport in paused time, and against real sockets.

mod real;
mod scripted;
mod support;
