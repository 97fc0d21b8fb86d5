//! Patterns of topic names that members subscribe to.
//!
//! Kafka compiles them with RE2/J, and so promises that matching takes time in proportion to the name; the same holds
//! here. Both know the syntax of RE2 and nothing that would need backtracking. As in Kafka a pattern has to match the whole
//! name.

use std::collections::BTreeSet;

use metadata::Image;
use protocol::Str;
use regex::{Regex, RegexBuilder};

/// A pattern may be as long as this many bytes. It lives in memory with every member that uses it.
const LENGTH_MAX: usize = 16 * 1024;

/// What a compiled pattern may take in memory. Nested repetitions of a few bytes could ask for gigabytes.
const COMPILED_BYTES_MAX: usize = 1024 * 1024;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Regex);

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// In words, if it is not one, or asks for too much memory.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.len() > LENGTH_MAX {
            return Err(format!("it is longer than {LENGTH_MAX} bytes"));
        }
        // On its own first: wrapped, something like `a)|(b` would become valid.
        compile(text)?;
        compile(&format!(r"\A(?:{text})\z")).map(Self)
    }

    /// The names of all topics that it matches.
    pub fn topics(&self, image: &Image) -> BTreeSet<Str> {
        let names = image.topics().map(|topic| topic.name.as_str());
        names.filter(|name| self.0.is_match(name)).map(Str::from).collect()
    }
}

fn compile(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(text).size_limit(COMPILED_BYTES_MAX).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => {
            format!("it takes more than {COMPILED_BYTES_MAX} bytes when compiled")
        }
        error => error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Pattern::new(pattern).is_ok_and(|pattern| pattern.0.is_match(name))
    }

    #[test]
    fn a_pattern_has_to_match_the_whole_name() {
        assert!(matches("foo.*", "foo-bar"));
        assert!(!matches("foo", "foo-bar"));
        assert!(!matches("bar", "foo-bar"));
        assert!(matches("foo|foo-bar", "foo-bar"));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["[", "(", "a)|(b", "*", r"(?=a)b", r"(a)\1"] {
            assert!(Pattern::new(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_pattern_that_would_take_much_memory_is_refused() {
        assert!(Pattern::new("((((a{100}){100}){100}){100}){100}").is_err());
        assert!(Pattern::new(&"a".repeat(LENGTH_MAX + 1)).is_err());
    }

    #[test]
    fn matching_needs_no_backtracking() {
        // With backtracking this would take longer than the universe has lasted.
        assert!(!matches("(a*)*b", &"a".repeat(249)));
    }
}
