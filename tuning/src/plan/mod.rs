//! How many brokers a load needs, of which size, and what would be the first to run out.
//!
//! A [`Load`] and a [`Node`] go in, a [`Plan`] comes out, with every step of its arithmetic, so that a person can check it
//! line by line. Pure: no I/O, no clock.
//!
//! # Invariants
//! - Inputs lie within bounds ([`Load::check`], [`Node::check`]); within these nothing overflows, and every figure of a plan is
//!   finite and not negative.
//! - A step's value is what its formula, evaluated with the shown figures, comes to, but for their rounding.

mod cost;
mod demand;
mod error;
mod load;
mod node;
mod sizing;
mod step;

pub use cost::{CONSTANTS, Constant};
pub use error::PlanError;
pub use load::{Load, Retention};
pub use node::{Disk, Node};
pub use sizing::{Limit, Maximum, Plan, Resource, maximum, plan};
pub use step::{Step, Unit};
