//! What the placeholders of a request stand for. Nothing here can be printed with `Debug`: rows and
//! sessions hold passwords and tokens.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value;

use super::datasets::Row;

/// Values by the name under which a step captured them.
pub(crate) type Captured = BTreeMap<String, Value>;

/// All rows of a load.
#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) users: Vec<Row>,
    pub(crate) datasets: IndexMap<String, Vec<Row>>,
}

/// What one journey knows.
#[derive(Clone)]
pub(crate) struct Bindings {
    pub(crate) rows: Arc<Rows>,
    /// The row of the user.
    pub(crate) user: Option<usize>,
    /// What the user's session captured.
    pub(crate) session: Arc<Captured>,
    /// The row of each dataset, in their order.
    pub(crate) dataset_rows: Vec<usize>,
    pub(crate) sequence: u64,
    /// What earlier steps of the journey captured.
    pub(crate) captured: Captured,
}

impl Bindings {
    /// The value of a placeholder. What was captured is known by its own name, what the session
    /// captured also as a field of the user; a null counts as no value.
    pub(crate) fn lookup(&self, name: &str) -> Option<Value> {
        self.find(name).filter(|value| !value.is_null())
    }

    fn find(&self, name: &str) -> Option<Value> {
        if name == "sequence" {
            return Some(Value::from(self.sequence));
        }
        if let Some(value) = self.captured.get(name).or_else(|| self.session.get(name)) {
            return Some(value.clone());
        }
        let (source, field) = name.split_once('.')?;
        if source == "user" {
            let row = self.rows.users.get(self.user?)?;
            return row.get(field).or_else(|| self.session.get(field)).cloned();
        }
        let (index, _, rows) = self.rows.datasets.get_full(source)?;
        rows.get(*self.dataset_rows.get(index)?)?
            .get(field)
            .cloned()
    }
}
