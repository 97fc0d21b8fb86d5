//! Sets of CPUs as the kernel writes them: `0-3,8`, or as a mask of hexadecimal words.

use std::collections::BTreeSet;
use std::fmt;

/// The highest number of CPUs that a kernel can be built for, so that an absurd file does not fill the memory.
const CPUS_MAX: u32 = 8192;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CpuList(pub BTreeSet<u32>);

impl CpuList {
    /// Reads `0-3,8`; `None` if it is not that. Nothing at all is the empty set.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut cpus = BTreeSet::new();
        for part in text.trim().split(',').filter(|part| !part.is_empty()) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last): (u32, u32) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
            if first > last || last >= CPUS_MAX {
                return None;
            }
            cpus.extend(first..=last);
        }
        Some(Self(cpus))
    }

    /// Reads `ff,00000000`: words of 32 bits, the highest first.
    #[must_use]
    pub fn parse_mask(text: &str) -> Option<Self> {
        let mut cpus = BTreeSet::new();
        for (index, word) in text.trim().rsplit(',').enumerate() {
            let word = u32::from_str_radix(word.trim(), 16).ok()?;
            let base = u32::try_from(index).ok()?.checked_mul(32).filter(|base| *base < CPUS_MAX)?;
            cpus.extend((0..32).filter(|bit| word >> bit & 1 == 1).map(|bit| base + bit));
        }
        Some(Self(cpus))
    }

    /// As such a mask.
    #[must_use]
    pub fn mask(&self) -> String {
        let words = self.0.last().map_or(1, |last| last / 32 + 1);
        let word = |index: u32| {
            (0..32)
                .filter(|bit| self.0.contains(&(index * 32 + bit)))
                .fold(0_u32, |word, bit| word | 1 << bit)
        };
        let words: Vec<_> = (0..words).rev().map(word).collect();
        let text: Vec<_> = words
            .iter()
            .enumerate()
            .map(|(index, word)| if index == 0 { format!("{word:x}") } else { format!("{word:08x}") })
            .collect();
        text.join(",")
    }

    /// How many they are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Those of both.
    #[must_use]
    pub fn shared_with(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).copied().collect())
    }

    /// Those that are not in `other`.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0).copied().collect())
    }
}

impl FromIterator<u32> for CpuList {
    fn from_iter<I: IntoIterator<Item = u32>>(cpus: I) -> Self {
        Self(cpus.into_iter().collect())
    }
}

impl fmt::Display for CpuList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for cpu in &self.0 {
            match runs.last_mut() {
                Some((_, last)) if *last + 1 == *cpu => *last = *cpu,
                _ => runs.push((*cpu, *cpu)),
            }
        }
        for (index, (first, last)) in runs.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            if first == last { write!(f, "{comma}{first}")? } else { write!(f, "{comma}{first}-{last}")? }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_masks_are_read_and_written_as_the_kernel_does() {
        let list = CpuList::parse("0-2,5,33").unwrap();
        assert_eq!(list.to_string(), "0-2,5,33");
        assert_eq!(list.mask(), "2,00000027");
        assert_eq!(CpuList::parse_mask("2,00000027").unwrap(), list);
        assert_eq!(CpuList::parse("").unwrap().mask(), "0");
    }

    #[test]
    fn what_makes_no_sense_is_no_list() {
        for text in ["3-1", "0-4294967295", "a", "1-", "-", "99999999999999999999"] {
            assert_eq!(CpuList::parse(text), None, "{text}");
        }
        assert_eq!(CpuList::parse_mask("xyz"), None);
    }
}
