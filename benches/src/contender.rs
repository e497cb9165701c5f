//! What is compared.

use std::rc::Rc;

/// Makes so many calls.
pub type Worker = Box<dyn FnMut(u64)>;

/// Makes the worker of one thread; all workers of an instance share its state.
pub type Instance = Box<dyn Fn() -> Worker + Sync>;

/// What is measured, with what it promises.
pub struct Contender {
    /// The table it stands in.
    pub table: Table,
    /// The crate, and what of it.
    pub name: String,
    /// What it promises in return for its cost.
    pub promises: String,
    /// How many threads call it at once.
    pub threads: usize,
    /// Makes a fresh one, in the state that is measured.
    pub instance: Rc<dyn Fn() -> Instance>,
}

impl Contender {
    /// One contender for each number of threads.
    pub fn on_threads(
        table: Table,
        threads: &[usize],
        name: impl Into<String>,
        promises: &str,
        instance: impl Fn() -> Instance + 'static,
    ) -> Vec<Self> {
        let name = name.into();
        let instance: Rc<dyn Fn() -> Instance> = Rc::new(instance);
        let of = |threads: &usize| Self {
            table,
            name: name.clone(),
            promises: promises.to_owned(),
            threads: *threads,
            instance: Rc::clone(&instance),
        };
        threads.iter().map(of).collect()
    }
}

/// The tables of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    Floor,
    Closed,
    Open,
    HalfOpen,
    Parts,
    Client,
    Server,
}

impl Table {
    pub const ALL: [Self; 7] = [
        Self::Floor,
        Self::Closed,
        Self::Open,
        Self::HalfOpen,
        Self::Parts,
        Self::Client,
        Self::Server,
    ];

    pub const fn title(self) -> &'static str {
        match self {
            Self::Floor => "The floor",
            Self::Closed => "Breaker, closed",
            Self::Open => "Breaker, open: a rejection",
            Self::HalfOpen => "Breaker, half-open: an admitted probe",
            Self::Parts => "Single parts over HTTP types, happy path",
            Self::Client => "Client stacks over HTTP types, in-process transport, happy path",
            Self::Server => "Server stacks over HTTP types, happy path",
        }
    }

    /// Whether figures stand beside those of a bare call.
    pub const fn has_bare(self) -> bool {
        !matches!(self, Self::Floor)
    }
}

/// The first row of every table but the floor: the inner call and nothing around it.
pub const BARE: &str = "bare call";
