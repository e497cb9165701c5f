//! Aplomb's middleware beside its peers: every contender calls the same trivial inner service.
//!
//! Three programs: `allocations` counts allocations per call and `sites` says where the client
//! stack makes them, both under allocators that would cost time in `time`, which measures in
//! interleaved rounds and writes the report. `cargo xtask bench` runs all three.

pub mod breakers;
pub mod contender;
pub mod drive;
pub mod floor;
pub mod goals;
pub mod machine;
pub mod measure;
pub mod parts;
pub mod report;
pub mod rivals;
pub mod rows;
pub mod sites;
pub mod stacks;
pub mod trivial;

use contender::Contender;

/// Every contender, in the order of the tables.
pub fn contenders() -> Vec<Contender> {
    let mut all = floor::contenders();
    all.extend(breakers::contenders());
    all.extend(parts::contenders());
    all.extend(stacks::contenders());
    all
}
