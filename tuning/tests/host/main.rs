//! Checks, changes and the guide against folders that look like the `/proc` and `/sys` of some host.

mod absurd;
mod changes;
mod checks;
mod expected;
mod fixture;
mod guide;
mod hosts;
mod lasting;
mod spoilt;
