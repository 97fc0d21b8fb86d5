//! Records and images from outside: bytes and back, and what a log makes of a cluster.

mod apply;
mod random;
mod records;
