//! What somebody may have meant who wrote the name of a setting that does not exist.

use metadata::settings;

/// Names more different than this from what was written are no suggestion: one slip in about six letters.
const LETTERS_PER_SLIP: usize = 6;

/// The name of a broker setting that is close to `name`, or that says for a broker what `name` says for a topic.
pub fn for_name(name: &str) -> Option<&'static str> {
    if let Some(synonym) = settings::synonyms_of_topic(name).first() {
        return Some(synonym.name);
    }
    let names = settings::broker_settings().chain(settings::strome_settings()).map(|setting| setting.name);
    nearest(name, names)
}

/// The name among `names` with the fewest slips between it and `written`, if they are few.
pub fn nearest(written: &str, names: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let slips_max = (written.len() / LETTERS_PER_SLIP).max(1);
    names
        .filter(|name| name.len().abs_diff(written.len()) <= slips_max)
        .map(|name| (slips(written, name), name))
        .filter(|(slips, _)| *slips <= slips_max)
        .min()
        .map(|(_, name)| name)
}

/// Letters to insert, drop, change or swap with their neighbour to come from one text to the other.
fn slips(from: &str, to: &str) -> usize {
    let from = from.to_ascii_lowercase().into_bytes();
    let to = to.to_ascii_lowercase().into_bytes();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (row, &a) in from.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, &b) in to.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX / 2);
            let changed = at(&above, column) + usize::from(a != b);
            let mut best = changed.min(at(&above, column + 1) + 1).min(at(&current, column) + 1);
            let swapped =
                row > 0 && column > 0 && from.get(row - 1) == Some(&b) && to.get(column - 1) == Some(&a);
            if swapped {
                best = best.min(at(&before, column - 1) + 1);
            }
            current.push(best);
        }
        before = std::mem::replace(&mut above, current);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_count_inserted_dropped_changed_and_swapped_letters() {
        for (from, to, count) in [
            ("abc", "abc", 0),
            ("abc", "ab", 1),
            ("ab", "axb", 1),
            ("abc", "xbc", 1),
            ("abcd", "acbd", 1),
            ("", "ab", 2),
        ] {
            assert_eq!(slips(from, to), count, "{from} {to}");
        }
    }

    #[test]
    fn a_slip_of_the_pen_is_put_right() {
        assert_eq!(for_name("log.segmnet.bytes"), Some("log.segment.bytes"));
        assert_eq!(for_name("num.partition"), Some("num.partitions"));
        assert_eq!(for_name("strome.shard"), Some("strome.shards"));
    }

    #[test]
    fn a_topics_setting_leads_to_the_brokers() {
        assert_eq!(for_name("retention.ms"), Some("log.retention.ms"));
    }

    #[test]
    fn what_is_far_from_everything_gets_no_suggestion() {
        assert_eq!(for_name("colour.of.the.console"), None);
    }
}
