//! What a simulated file holds: bytes that are durable, and what has been written since the last sync, page by page and
//! version by version, so that a crash can choose.
//!
//! # Invariants
//! - What was synced is what a crash leaves at least, unless it was cut or written again since.
//! - A sector is never torn: a crash leaves one of its versions. Sectors are chosen independently of each other, so writes
//!   are lost, torn and reordered.
//! - Changes of size happen in order: a crash leaves a prefix of them. Behind a cut that happened there is nothing of before,
//!   and behind one that did not happen nothing of after.

use std::ops::Range;
use std::sync::Arc;

use super::random::Random;

/// What memory and the page cache deal in.
pub(crate) const PAGE_BYTES: usize = 4096;
/// What the disk writes as a whole or not at all.
const SECTOR_BYTES: usize = 512;

/// The pages of every file.
pub(crate) const ALL_PAGES: Range<usize> = 0..usize::MAX;

const ZEROS: [u8; PAGE_BYTES] = [0; PAGE_BYTES];

/// The bytes of a page; `None` for zeros.
type Block = Option<Arc<[u8; PAGE_BYTES]>>;

/// A file's bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    pages: Vec<Page>,
    /// Numbers of pages with versions.
    dirty: Vec<usize>,
    size: u64,
    durable_size: u64,
    sizes: Vec<SizeChange>,
}

#[derive(Clone, Debug, Default)]
struct Page {
    durable: Block,
    /// Since then, the oldest first.
    versions: Vec<Version>,
    /// What the page cache shows although the disk holds something else: a sync has failed, and the page counts as clean.
    cached: Option<Block>,
    allocated: bool,
}

#[derive(Clone, Debug)]
struct Version {
    at: u64,
    block: Block,
    /// Where in this page the file was cut, if this is how the version came about.
    cut_from: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
struct SizeChange {
    at: u64,
    size: u64,
}

/// How a crash deals with what is not durable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Luck {
    /// In how many of a hundred cases the newest version of a sector is there; else it is any of them.
    newest_percent: u64,
    /// Whether sectors of a page share their fate.
    whole_pages: bool,
}

impl Luck {
    pub(crate) fn new(random: &mut Random) -> Self {
        Self { newest_percent: random.pick(&[0, 0, 20, 50, 90, 100]), whole_pages: random.one_in(3) }
    }
}

impl Page {
    fn current(&self) -> &Block {
        match (&self.cached, self.versions.last()) {
            (Some(cached), _) => cached,
            (None, Some(newest)) => &newest.block,
            (None, None) => &self.durable,
        }
    }
}

impl Content {
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Pages that take room on the disk.
    pub(crate) fn allocated_pages(&self) -> u64 {
        self.pages.iter().filter(|page| page.allocated).count() as u64
    }

    /// Pages of a range that do not take room yet.
    pub(crate) fn missing_pages(&self, at: u64, bytes: u64) -> u64 {
        let pages = pages_of(at, bytes);
        let is_missing = |number: &usize| self.pages.get(*number).is_none_or(|page| !page.allocated);
        pages.filter(is_missing).count() as u64
    }

    /// Reads what there is of `buffer` at `at`.
    pub(crate) fn read(&self, at: u64, buffer: &mut [u8]) -> usize {
        let wanted = buffer.len().min(usize::try_from(self.size.saturating_sub(at)).unwrap_or(usize::MAX));
        let mut done = 0;
        while done < wanted {
            let position = at + done as u64;
            let within = (position % PAGE_BYTES as u64) as usize;
            let n = (PAGE_BYTES - within).min(wanted - done);
            let target = &mut buffer[done..done + n];
            match self.pages.get(page_of(position)).and_then(|page| page.current().as_deref()) {
                Some(block) => target.copy_from_slice(&block[within..within + n]),
                None => target.fill(0),
            }
            done += n;
        }
        wanted
    }

    /// Writes at `at`. `sequence` is larger than ever before.
    pub(crate) fn write(&mut self, at: u64, bytes: &[u8], sequence: u64) {
        let end = at + bytes.len() as u64;
        self.reach(end);
        self.put(at, bytes, sequence, None);
        if end > self.size {
            self.change_size(end, sequence);
        }
    }

    fn put(&mut self, at: u64, bytes: &[u8], sequence: u64, cut_from: Option<usize>) {
        let mut done = 0;
        while done < bytes.len() {
            let position = at + done as u64;
            let (number, within) = (page_of(position), (position % PAGE_BYTES as u64) as usize);
            let n = (PAGE_BYTES - within).min(bytes.len() - done);
            let piece = &bytes[done..done + n];
            let page = &mut self.pages[number];
            page.allocated = true;
            let block = if n == PAGE_BYTES && piece == ZEROS {
                None
            } else {
                let mut block = page.current().clone().unwrap_or_else(|| Arc::new(ZEROS));
                Arc::make_mut(&mut block)[within..within + n].copy_from_slice(piece);
                Some(block)
            };
            self.push(number, Version { at: sequence, block, cut_from });
            done += n;
        }
    }

    /// Takes room for a range and makes it part of the file; what was there stays.
    pub(crate) fn allocate(&mut self, at: u64, bytes: u64, sequence: u64) {
        let end = at + bytes;
        self.reach(end);
        for number in pages_of(at, bytes) {
            self.pages[number].allocated = true;
        }
        if end > self.size {
            self.change_size(end, sequence);
        }
    }

    /// Cuts or extends the file.
    pub(crate) fn set_size(&mut self, size: u64, sequence: u64) {
        if size == self.size {
            return;
        }
        if size < self.size {
            let within = (size % PAGE_BYTES as u64) as usize;
            if within > 0 && self.pages.get(page_of(size)).is_some_and(|page| page.current().is_some()) {
                self.put(size, &ZEROS[within..], sequence, Some(within));
            }
            for number in page_of(size + PAGE_BYTES as u64 - 1)..self.pages.len() {
                let page = &mut self.pages[number];
                page.allocated = false;
                if !page.versions.is_empty() || page.durable.is_some() || page.cached.is_some() {
                    self.push(number, Version { at: sequence, block: None, cut_from: Some(0) });
                }
            }
        }
        self.change_size(size, sequence);
    }

    /// Everything up to `sequence` in `range` has become durable.
    pub(crate) fn sync(&mut self, range: &Range<usize>, sequence: u64) {
        let pages = &mut self.pages;
        self.dirty.retain(|number| {
            if !range.contains(number) {
                return true;
            }
            let page = &mut pages[*number];
            let synced = page.versions.partition_point(|version| version.at <= sequence);
            if let Some(newest) = page.versions.drain(..synced).next_back() {
                page.durable = newest.block;
            }
            !page.versions.is_empty()
        });
        let synced = self.sizes.partition_point(|change| change.at <= sequence);
        if let Some(newest) = self.sizes.drain(..synced).next_back() {
            self.durable_size = newest.size;
        }
    }

    /// A sync has failed: of what it should have made durable, the disk has got anything, and no later sync will try again.
    pub(crate) fn fail_sync(&mut self, range: &Range<usize>, sequence: u64, random: &mut Random) {
        let luck = Luck::new(random);
        let pages = &mut self.pages;
        self.dirty.retain(|number| {
            if !range.contains(number) {
                return true;
            }
            let page = &mut pages[*number];
            let tried = page.versions.partition_point(|version| version.at <= sequence);
            if page.versions[..tried].iter().any(|version| version.cut_from.is_some()) {
                return true;
            }
            let shown = page.current().clone();
            let blocks = [&page.durable].into_iter().chain(page.versions[..tried].iter().map(|v| &v.block));
            page.durable = mix(&blocks.collect::<Vec<_>>(), luck, random);
            page.versions.drain(..tried);
            if page.versions.is_empty() && random.one_in(2) {
                page.cached = Some(shown);
            }
            !page.versions.is_empty()
        });
    }

    /// The page cache gives up what is clean in it, though a failed sync may have left it so.
    pub(crate) fn drop_cache(&mut self) {
        self.pages.iter_mut().for_each(|page| page.cached = None);
    }

    /// What a power failure leaves.
    pub(crate) fn after_power_failure(&self, luck: Luck, random: &mut Random) -> Self {
        let happened = random.prefix(self.sizes.len());
        let last = happened.checked_sub(1).map(|last| self.sizes[last]);
        let size = last.map_or(self.durable_size, |change| change.size);
        let happened_at = last.map_or(0, |change| change.at);
        let mut pages: Vec<Page> = Vec::with_capacity(self.pages.len());
        for page in self.pages.iter().take(page_of(size + PAGE_BYTES as u64 - 1)) {
            let durable = page.after_power_failure(happened_at, luck, random);
            pages.push(Page { durable, allocated: true, ..Page::default() });
        }
        let within = (size % PAGE_BYTES as u64) as usize;
        if within > 0
            && let Some(last) = pages.get_mut(page_of(size))
            && let Some(block) = &mut last.durable
        {
            Arc::make_mut(block)[within..].fill(0);
        }
        Self { pages, dirty: Vec::new(), size, durable_size: size, sizes: Vec::new() }
    }

    /// How many pages it has.
    pub(crate) fn pages(&self) -> usize {
        self.pages.len()
    }

    /// Takes over durable pages of another content.
    pub(crate) fn take_pages(&mut self, from: &Self, range: Range<usize>) {
        let end = range.end.min(from.pages.len());
        if self.pages.len() < end {
            self.pages.resize_with(end, Page::default);
        }
        for number in range.start.min(end)..end {
            if let (Some(into), Some(page)) = (self.pages.get_mut(number), from.pages.get(number)) {
                into.clone_from(page);
            }
        }
    }

    /// Takes over the durable size of another content.
    pub(crate) fn take_size(&mut self, from: &Self) {
        (self.size, self.durable_size) = (from.durable_size, from.durable_size);
    }

    /// Nothing is behind the end, and everything before it is there.
    pub(crate) fn clear_behind_end(&mut self) {
        self.pages.resize_with(page_of(self.size + PAGE_BYTES as u64 - 1), Page::default);
        let within = (self.size % PAGE_BYTES as u64) as usize;
        if within > 0
            && let Some(block) = self.pages.last_mut().and_then(|page| page.durable.as_mut())
        {
            Arc::make_mut(block)[within..].fill(0);
        }
    }

    fn reach(&mut self, end: u64) {
        let pages = page_of(end + PAGE_BYTES as u64 - 1);
        if self.pages.len() < pages {
            self.pages.resize_with(pages, Page::default);
        }
    }

    fn push(&mut self, number: usize, version: Version) {
        let page = &mut self.pages[number];
        if page.versions.is_empty() {
            self.dirty.push(number);
        }
        page.cached = None;
        page.versions.push(version);
    }

    fn change_size(&mut self, size: u64, at: u64) {
        self.size = size;
        self.sizes.push(SizeChange { at, size });
    }
}

impl Page {
    /// Changes of size up to `happened_at` have happened.
    fn after_power_failure(&self, happened_at: u64, luck: Luck, random: &mut Random) -> Block {
        if self.versions.is_empty() {
            return self.durable.clone();
        }
        let whole_cut = |version: &Version| version.cut_from == Some(0);
        let cut = self.versions.iter().rposition(|version| whole_cut(version) && version.at <= happened_at);
        let next_cut =
            self.versions.iter().position(|version| whole_cut(version) && version.at > happened_at);
        let left = &self.versions[cut.unwrap_or(0)..next_cut.unwrap_or(self.versions.len())];
        let before = cut.is_none().then_some(&self.durable);
        let blocks: Vec<&Block> =
            before.into_iter().chain(left.iter().map(|version| &version.block)).collect();
        let mixed = mix(&blocks, luck, random);
        // Where the page was cut in its middle, nothing of before is behind that.
        let cut = left.iter().enumerate().rev().find_map(|(i, version)| {
            let from = version.cut_from.filter(|from| *from > 0 && version.at <= happened_at)?;
            Some((i, from))
        });
        let Some((cut, from)) = cut else { return mixed };
        let blocks: Vec<&Block> = left[cut..].iter().map(|version| &version.block).collect();
        let behind = mix(&blocks, luck, random);
        let from = from - from % SECTOR_BYTES;
        let mut block = mixed.unwrap_or_else(|| Arc::new(ZEROS));
        Arc::make_mut(&mut block)[from..].copy_from_slice(&behind.as_deref().unwrap_or(&ZEROS)[from..]);
        Some(block)
    }
}

/// A page of which each sector is one of its versions; these are not empty, the newest last.
fn mix(versions: &[&Block], luck: Luck, random: &mut Random) -> Block {
    let mut choose = || match random.percent(luck.newest_percent) {
        true => versions.len() - 1,
        false => random.below(versions.len() as u64) as usize,
    };
    let first = choose();
    let mut choices = [first; PAGE_BYTES / SECTOR_BYTES];
    if !luck.whole_pages {
        choices[1..].fill_with(&mut choose);
    }
    if choices.iter().all(|choice| *choice == first) {
        return versions[first].clone();
    }
    let mut block = Arc::new(ZEROS);
    let sectors = Arc::make_mut(&mut block).chunks_exact_mut(SECTOR_BYTES);
    for (i, (sector, choice)) in sectors.zip(choices).enumerate() {
        if let Some(version) = versions[choice].as_deref() {
            sector.copy_from_slice(&version[i * SECTOR_BYTES..(i + 1) * SECTOR_BYTES]);
        }
    }
    Some(block)
}

fn page_of(position: u64) -> usize {
    usize::try_from(position / PAGE_BYTES as u64).unwrap_or(usize::MAX)
}

/// The pages that hold any of these bytes.
pub(crate) fn pages_of(at: u64, bytes: u64) -> Range<usize> {
    page_of(at)..page_of(at + bytes + PAGE_BYTES as u64 - 1)
}

const _: () = assert!(PAGE_BYTES.is_multiple_of(SECTOR_BYTES));
