//! Nothing: this package only names the crate that carries the sources of librdkafka.
