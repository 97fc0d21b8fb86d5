//! What a client is told when the control thread could not do what it was asked for.

use controller::{Refusal, Reply};
use types::ErrorCode;

use crate::work::Done;

/// The whole request failed, with the same code for everything in it.
#[derive(Clone, Copy, Debug)]
pub struct Failure(pub ErrorCode);

impl Default for Failure {
    fn default() -> Self {
        Self(ErrorCode::UnknownServerError)
    }
}

impl Failure {
    /// As it is told for each part of the request.
    pub fn refusal(self) -> Refusal {
        Refusal::new(self.0, "the change could not be written to the metadata log; see the broker's log")
    }
}

/// The controller's reply, or why there is none.
pub fn refused_by_control(done: Done) -> Result<Reply, Failure> {
    match done {
        Done::Controlled(Ok(reply)) => Ok(*reply),
        Done::Controlled(Err(code)) => Err(Failure(code)),
        other => {
            debug_assert!(false, "not a controller's reply: {other:?}");
            Err(Failure::default())
        }
    }
}
