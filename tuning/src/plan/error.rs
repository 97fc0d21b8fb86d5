//! Why there is no plan.

/// An input that makes no sense, or a load that no number of such nodes bears.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// A number is out of its bounds, or none.
    #[error("{what} is {value:?}, and has to lie between {min:?} and {max:?}")]
    OutOfBounds {
        /// Which input.
        what: &'static str,
        /// What was given.
        value: f64,
        /// The least.
        min: f64,
        /// The most.
        max: f64,
    },
    /// Two inputs contradict each other.
    #[error("{0}")]
    Contradiction(String),
    /// There is no such cluster.
    #[error(
        "{resource} would take {nodes:.0} brokers, more than {most}: look at the input, or take larger ones"
    )]
    TooMany {
        /// What asks for most.
        resource: &'static str,
        /// How many.
        nodes: f64,
        /// The most that are planned.
        most: u32,
    },
}

/// Lets a number pass that lies within bounds; one that is no number does not.
pub(super) fn within(what: &'static str, value: f64, min: f64, max: f64) -> Result<(), PlanError> {
    if (min..=max).contains(&value) { Ok(()) } else { Err(PlanError::OutOfBounds { what, value, min, max }) }
}
