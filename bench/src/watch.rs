//! Telling how a run goes while it goes.

use crate::outcome::Point;

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Topics are being filled for consumers.
    Filling,
    /// Nothing counts yet.
    WarmUp,
    /// Everything counts.
    Measuring,
    /// No more records; the last answers are awaited.
    Draining,
}

/// Is told how a run goes.
pub trait Watch {
    /// A second of it is over.
    fn second(&mut self, stage: Stage, point: &Point);

    /// Something will be missing in the result, which somebody may want to know before the end.
    fn warning(&mut self, _warning: &str) {}
}

/// Looks away.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn second(&mut self, _: Stage, _: &Point) {}
}
