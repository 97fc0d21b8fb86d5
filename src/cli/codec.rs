//! How a codec is named on the command line.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use record::Compression;

/// Reads the name of a codec; help and completions show them all.
pub fn codec() -> impl TypedValueParser<Value = Compression> {
    let named = |name: String| Compression::ALL.into_iter().find(|codec| codec.name() == name);
    PossibleValuesParser::new(Compression::ALL.map(Compression::name))
        .try_map(move |name| named(name).ok_or("there is no such codec"))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn a_codec_is_called_as_kafka_calls_it() {
        let command = clap::Command::new("strome");
        let read = |text: &str| codec().parse_ref(&command, None, OsStr::new(text));
        assert!(matches!(read("zstd"), Ok(Compression::Zstd)));
        let refused = read("ZIP").map(|_| ()).expect_err("there is no such codec").to_string();
        assert!(refused.contains("none, gzip, snappy, lz4, zstd"), "{refused}");
    }
}
