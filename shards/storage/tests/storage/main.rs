//! A store on a real reactor and a real file system.

mod calls;
mod crash;
mod driver;
mod fixtures;
mod full_disk;
mod kafka_tools;
mod model;
mod power;
