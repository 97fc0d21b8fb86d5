//! Lanes between cores.
