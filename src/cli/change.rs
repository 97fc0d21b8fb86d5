//! What commands that change several things say about each.

use super::failure::{Failure, complain};
use super::say;

/// What came of a change to one thing.
pub enum Change {
    /// It was made; in words.
    Made(String),
    /// There was nothing to do, and that is fine; in words.
    Needless(String),
    /// It was refused; in words.
    Refused(String),
}

/// Says what came of each change. An error if any was refused.
pub fn report(changes: Vec<Change>) -> Result<(), Failure> {
    let mut refused = false;
    for change in changes {
        match change {
            Change::Made(text) | Change::Needless(text) => say(&text)?,
            Change::Refused(text) => {
                refused = true;
                complain(&text);
            }
        }
    }
    if refused { Err(Failure::Reported) } else { Ok(()) }
}
