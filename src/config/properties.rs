//! Java's properties format, as `server.properties` is written in.
//! Text in, entries with their lines out. No I/O.

use std::fmt;
use std::iter::Peekable;
use std::str::Chars;

/// The number of a line in a file, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line(pub usize);

/// One `key=value` of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it begins.
    pub line: Line,
    pub key: String,
    pub value: String,
}

/// A `\u` without four hexadecimal digits behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedEscape {
    /// Where the entry begins.
    pub line: Line,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The text of a file: UTF-8, or if it is not that, Latin-1 as Java reads it.
pub fn decode(bytes: Vec<u8>) -> String {
    match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => error.into_bytes().into_iter().map(char::from).collect(),
    }
}

/// All entries of `text`, in order, duplicates included. The rules are those of `java.util.Properties.load`.
pub fn parse(text: &str) -> Result<Vec<Entry>, MalformedEscape> {
    logical_lines(text).into_iter().map(|(line, text)| entry(line, &text)).collect()
}

/// Lines with their continuations joined; blank lines and comments are gone, and so are blanks at a line's beginning.
fn logical_lines(text: &str) -> Vec<(Line, String)> {
    let mut lines = Vec::new();
    let mut open: Option<(Line, String)> = None;
    for (index, natural) in natural_lines(text).enumerate() {
        let natural = natural.trim_start_matches(is_blank);
        let (begun, mut joined) = match open.take() {
            Some(open) => open,
            None if natural.is_empty() || natural.starts_with(['#', '!']) => continue,
            None => (Line(index + 1), String::new()),
        };
        match natural.strip_suffix('\\') {
            Some(rest) if is_continued(natural) => {
                joined.push_str(rest);
                open = Some((begun, joined));
            }
            _ => {
                joined.push_str(natural);
                lines.push((begun, joined));
            }
        }
    }
    lines.extend(open);
    lines
}

/// A file's lines, however they end: `\n`, `\r\n` or `\r`.
fn natural_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

/// Whether a line goes on in the next: an even number of backslashes at its end stands for half as many real ones.
fn is_continued(natural: &str) -> bool {
    natural.chars().rev().take_while(|&c| c == '\\').count() % 2 == 1
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\x0c')
}

fn entry(line: Line, text: &str) -> Result<Entry, MalformedEscape> {
    let mut chars = text.chars().peekable();
    let malformed = MalformedEscape { line };
    let key = unescaped(&mut chars, |c| is_blank(c) || matches!(c, '=' | ':')).ok_or(malformed)?;
    skip_blanks(&mut chars);
    if chars.next_if(|&c| matches!(c, '=' | ':')).is_some() {
        skip_blanks(&mut chars);
    }
    let value = unescaped(&mut chars, |_| false).ok_or(malformed)?;
    Ok(Entry { line, key, value })
}

fn skip_blanks(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if(|&c| is_blank(c)).is_some() {}
}

/// The characters up to the first unescaped one that `ends`; `None` for a malformed escape.
fn unescaped(chars: &mut Peekable<Chars<'_>>, ends: impl Fn(char) -> bool) -> Option<String> {
    let mut units = Vec::new();
    let mut buffer = [0; 2];
    while let Some(c) = chars.next_if(|&c| !ends(c)) {
        if c != '\\' {
            units.extend_from_slice(c.encode_utf16(&mut buffer));
            continue;
        }
        match chars.next() {
            None => break,
            Some('u') => units.push(code_unit(chars)?),
            Some('t') => units.push(u16::from(b'\t')),
            Some('n') => units.push(u16::from(b'\n')),
            Some('r') => units.push(u16::from(b'\r')),
            Some('f') => units.push(0x0c),
            Some(other) => units.extend_from_slice(other.encode_utf16(&mut buffer)),
        }
    }
    // Escapes are UTF-16, so two of them may be one character.
    Some(String::from_utf16_lossy(&units))
}

fn code_unit(chars: &mut Peekable<Chars<'_>>) -> Option<u16> {
    let mut unit = 0;
    for _ in 0..4 {
        let digit = chars.next()?.to_digit(16)?;
        unit = unit << 4 | u16::try_from(digit).ok()?;
    }
    Some(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap().into_iter().map(|entry| (entry.key, entry.value)).collect()
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn a_key_ends_at_equals_sign_colon_or_blank() {
        let text = "a=1\nb:2\nc 3\nd = 4\ne\t:\t5\nf  =6\ng==7\nh";
        let expected =
            [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4"), ("e", "5"), ("f", "6"), ("g", "=7"), ("h", "")];
        assert_eq!(pairs(text), expected.map(|(key, value)| pair(key, value)));
    }

    #[test]
    fn comments_and_blank_lines_are_skipped_but_their_lines_count() {
        let entries = parse("# one\r\n  ! two\n\n   a=1\rb=2").unwrap();
        assert_eq!(entries.iter().map(|entry| entry.line).collect::<Vec<_>>(), [Line(4), Line(5)]);
    }

    #[test]
    fn a_backslash_at_the_end_continues_the_line_and_an_escaped_one_does_not() {
        let text = "a=1,\\\n   2,\\\n#3\nb=x\\\\\nc=4\\";
        assert_eq!(pairs(text), [pair("a", "1,2,#3"), pair("b", "x\\"), pair("c", "4")]);
        assert_eq!(parse(text).unwrap()[1].line, Line(4));
    }

    #[test]
    fn escapes_stand_for_characters_in_keys_and_values() {
        assert_eq!(pairs(r"a\ b\=c=\u00e4\t\ud83d\ude00\x\:"), [pair("a b=c", "ä\t😀x:")]);
    }

    #[test]
    fn a_malformed_escape_is_reported_with_its_line() {
        assert_eq!(parse("a=1\n\nb=\\u12g4"), Err(MalformedEscape { line: Line(3) }));
    }

    #[test]
    fn blanks_at_the_end_belong_to_the_value() {
        assert_eq!(pairs("a = 1 \t"), [pair("a", "1 \t")]);
    }

    #[test]
    fn what_is_not_utf_8_is_read_as_latin_1() {
        assert_eq!(decode(vec![b'a', 0xe4]), "aä");
        assert_eq!(decode("aä".into()), "aä");
    }
}
