//! Checks, changes and the guide against folders that look like the `/proc` and `/sys` of some host.

mod checks;
#[allow(dead_code, reason = "whole hosts come next")]
mod fixture;
