//! What a request carries from hop to hop: deadline, priority, trace and ledger.
