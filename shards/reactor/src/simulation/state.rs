//! A simulated file system: names, files, what goes wrong and when.
//!
//! # Not here
//! What a file holds (`content.rs`); operations of a ring (`transfers.rs`).

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::types::{ByteCount, TimestampMs};

use super::content::{ALL_PAGES, Content, Luck, PAGE_BYTES};
use super::directory::{Directory, NameChange};
use super::random::Random;
use super::transfers::Transfers;
use super::{Crash, Failure, Kind};
use crate::file::OpenOptions;

/// Names a file or directory for ever.
pub(crate) type NodeId = usize;

/// Names what `open` has made. Errors of syncs are told to each of them once, as Linux does.
pub(crate) type DescriptionId = usize;

const ROOT: NodeId = 0;

/// A state that file system, files and reactors share.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<State>>);

impl Shared {
    pub(crate) fn new(state: State) -> Self {
        Self(Arc::new(Mutex::new(state)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("simulated")
    }
}

/// Everything that a simulation knows.
pub(crate) struct State {
    pub(crate) random: Random,
    pub(crate) has_direct: bool,
    pub(crate) now: TimestampMs,
    pub(crate) operations: u64,
    /// How many operations are left before everything stops.
    pub(crate) stop_after: Option<u64>,
    pub(crate) is_stopped: bool,
    pub(crate) failures: Vec<Failure>,
    pub(crate) capacity_pages: Option<u64>,
    pub(crate) transfers: Transfers,
    nodes: Vec<Node>,
    /// How many failed syncs of its file each has heard of.
    descriptions: Vec<u64>,
    sequence: u64,
    locks: BTreeSet<PathBuf>,
}

#[derive(Clone, Debug)]
pub(super) enum Node {
    File { content: Content, modified: TimestampMs, failed_syncs: u64 },
    Directory(Directory),
}

impl Default for Node {
    /// Nothing that anybody could find.
    fn default() -> Self {
        Self::Directory(Directory::default())
    }
}

impl State {
    pub(crate) fn new(random: Random, has_direct: bool) -> Self {
        Self {
            random,
            has_direct,
            now: TimestampMs::ZERO,
            operations: 0,
            stop_after: None,
            is_stopped: false,
            failures: Vec::new(),
            capacity_pages: None,
            transfers: Transfers::default(),
            descriptions: Vec::new(),
            nodes: vec![Node::Directory(Directory::default())],
            sequence: 0,
            locks: BTreeSet::new(),
        }
    }

    /// What is there after a crash. This state takes no more operations.
    pub(crate) fn after(&mut self, crash: Crash) -> Self {
        self.is_stopped = true;
        self.finish_some_writes();
        let mut random = Random::new(self.random.any());
        let luck = Luck::new(&mut random);
        let nodes = self.nodes.iter().map(|node| match (crash, node) {
            (Crash::Process, node) => {
                let mut node = node.clone();
                if let Node::File { content, .. } = &mut node {
                    content.drop_cache();
                }
                node
            }
            (Crash::Power, Node::Directory(names)) => Node::Directory(names.after_power_failure(&mut random)),
            (Crash::Power, Node::File { content, modified, .. }) => {
                let content = content.after_power_failure(luck, &mut random);
                Node::File { content, modified: *modified, failed_syncs: 0 }
            }
        });
        let nodes: Vec<Node> = nodes.collect();
        let mut after = Self::new(random, self.has_direct);
        (after.now, after.operations, after.sequence) = (self.now, self.operations, self.sequence);
        after.capacity_pages = self.capacity_pages;
        after.nodes = nodes;
        after
    }

    /// Another state with the same files, which counts for itself.
    pub(crate) fn copy(&mut self) -> Self {
        let mut copy = Self::new(Random::new(self.random.any()), self.has_direct);
        (copy.now, copy.sequence) = (self.now, self.sequence);
        copy.nodes.clone_from(&self.nodes);
        copy
    }

    /// Everything that has, or had, a name.
    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Takes over these files, and where `before` stood.
    pub(super) fn continue_as(&mut self, before: &Self, nodes: Vec<Node>) {
        (self.now, self.sequence) = (before.now, before.sequence);
        self.nodes = nodes;
    }

    /// Counts an operation, and says whether it goes wrong.
    pub(crate) fn begin(&mut self, kind: Kind) -> io::Result<()> {
        if self.is_stopped {
            return Err(stopped());
        }
        self.operations += 1;
        match &mut self.stop_after {
            Some(0) => {
                self.is_stopped = true;
                return Err(stopped());
            }
            Some(left) => *left -= 1,
            None => {}
        }
        for failure in self.failures.iter_mut().filter(|failure| failure.kind == kind) {
            if failure.after > 0 {
                failure.after -= 1;
            } else if failure.times > 0 {
                failure.times -= 1;
                return Err(io::Error::from_raw_os_error(failure.errno));
            }
        }
        Ok(())
    }

    pub(crate) fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// The number of the last change.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    fn directory(&mut self, id: NodeId) -> io::Result<&mut Directory> {
        match self.nodes.get_mut(id) {
            Some(Node::Directory(directory)) => Ok(directory),
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    pub(crate) fn content(&mut self, id: NodeId) -> io::Result<&mut Content> {
        match self.nodes.get_mut(id) {
            Some(Node::File { content, .. }) => Ok(content),
            _ => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    fn find(&self, path: &Path) -> io::Result<NodeId> {
        let mut at = ROOT;
        for part in path.components() {
            if let Component::Normal(name) = part {
                let Some(Node::Directory(directory)) = self.nodes.get(at) else {
                    return Err(io::ErrorKind::NotADirectory.into());
                };
                at = directory.get(text(name)?).ok_or(io::ErrorKind::NotFound)?;
            }
        }
        Ok(at)
    }

    fn find_parent<'a>(&self, path: &'a Path) -> io::Result<(NodeId, &'a str)> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        Ok((self.find(parent)?, text(name)?))
    }

    fn add(&mut self, path: &Path, node: Node) -> io::Result<NodeId> {
        let (parent, name) = self.find_parent(path)?;
        let id = self.nodes.len();
        self.directory(parent)?.change(NameChange::Put(name.to_owned(), id));
        self.nodes.push(node);
        Ok(id)
    }

    pub(crate) fn open(&mut self, path: &Path, options: OpenOptions) -> io::Result<NodeId> {
        self.begin(Kind::Name)?;
        let id = match self.find(path) {
            Ok(_) if options.create_new => return Err(io::ErrorKind::AlreadyExists.into()),
            Ok(id) => id,
            Err(error)
                if error.kind() == io::ErrorKind::NotFound && (options.create || options.create_new) =>
            {
                let modified = self.now;
                self.add(path, Node::File { content: Content::default(), modified, failed_syncs: 0 })?
            }
            Err(error) => return Err(error),
        };
        if options.truncate {
            self.set_size(id, 0)?;
        }
        Ok(id)
    }

    pub(crate) fn create_dir(&mut self, path: &Path) -> io::Result<()> {
        self.begin(Kind::Name)?;
        if self.find(path).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.add(path, Node::Directory(Directory::default())).map(|_| ())
    }

    pub(crate) fn create_dir_all(&mut self, path: &Path) -> io::Result<()> {
        if self.find(path).is_ok() {
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            self.create_dir_all(parent)?;
        }
        self.create_dir(path)
    }

    pub(crate) fn remove_file(&mut self, path: &Path) -> io::Result<()> {
        self.begin(Kind::Name)?;
        let id = self.find(path)?;
        self.content(id)?;
        let (parent, name) = self.find_parent(path)?;
        self.directory(parent)?.change(NameChange::Remove(name.to_owned()));
        Ok(())
    }

    pub(crate) fn remove_dir(&mut self, path: &Path) -> io::Result<()> {
        self.begin(Kind::Name)?;
        let id = self.find(path)?;
        if !self.directory(id)?.is_empty() {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        let (parent, name) = self.find_parent(path)?;
        self.directory(parent)?.change(NameChange::Remove(name.to_owned()));
        Ok(())
    }

    pub(crate) fn remove_dir_all(&mut self, path: &Path) -> io::Result<()> {
        for name in self.list(path)? {
            let inner = path.join(name);
            if self.is_dir(&inner) { self.remove_dir_all(&inner)? } else { self.remove_file(&inner)? }
        }
        self.remove_dir(path)
    }

    pub(crate) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.begin(Kind::Name)?;
        self.find(from)?;
        let ((parent, from), (other, to_name)) = (self.find_parent(from)?, self.find_parent(to)?);
        if parent != other {
            // Nobody needs it, and a crash between two directories is a science of its own.
            return Err(io::ErrorKind::CrossesDevices.into());
        }
        if self.is_dir(to) && !self.list(to)?.is_empty() {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        self.directory(parent)?.change(NameChange::Rename(from.to_owned(), to_name.to_owned()));
        Ok(())
    }

    pub(crate) fn exists(&self, path: &Path) -> bool {
        !self.is_stopped && self.find(path).is_ok()
    }

    pub(crate) fn is_dir(&self, path: &Path) -> bool {
        let found = self.find(path).ok().and_then(|id| self.nodes.get(id));
        !self.is_stopped && matches!(found, Some(Node::Directory(_)))
    }

    pub(crate) fn list(&mut self, path: &Path) -> io::Result<Vec<String>> {
        self.begin(Kind::Read)?;
        let id = self.find(path)?;
        Ok(self.directory(id)?.names().map(|(name, _)| name.clone()).collect())
    }

    pub(crate) fn sync_dir(&mut self, path: &Path) -> io::Result<()> {
        self.begin(Kind::Sync)?;
        let id = self.find(path)?;
        self.directory(id)?.sync();
        Ok(())
    }

    pub(crate) fn sync_everything(&mut self) -> io::Result<()> {
        self.begin(Kind::Sync)?;
        let sequence = self.sequence;
        for node in &mut self.nodes {
            match node {
                Node::File { content, .. } => content.sync(&ALL_PAGES, sequence),
                Node::Directory(names) => names.sync(),
            }
        }
        Ok(())
    }

    pub(crate) fn modified(&self, path: &Path) -> io::Result<TimestampMs> {
        match self.nodes.get(self.find(path)?) {
            Some(Node::File { modified, .. }) if !self.is_stopped => Ok(*modified),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// False if somebody has it locked.
    pub(crate) fn take_lock(&mut self, path: &Path) -> io::Result<bool> {
        self.open(path, OpenOptions::CREATE)?;
        Ok(self.locks.insert(path.to_owned()))
    }

    pub(crate) fn drop_lock(&mut self, path: &Path) {
        self.locks.remove(path);
    }

    pub(crate) fn read(&mut self, id: NodeId, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.begin(Kind::Read)?;
        Ok(self.content(id)?.read(at, buffer))
    }

    /// Writes, or a part of it if something goes wrong.
    pub(crate) fn write(&mut self, id: NodeId, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut result = self.begin(Kind::Write);
        if self.is_stopped {
            return result;
        }
        let mut bytes = bytes;
        let (missing, free) = (self.content(id)?.missing_pages(at, bytes.len() as u64), self.free_pages());
        if result.is_ok() && missing > free {
            result = Err(io::ErrorKind::StorageFull.into());
        }
        if result.is_err() {
            let pages = (bytes.len() / PAGE_BYTES).min(usize::try_from(free).unwrap_or(usize::MAX));
            bytes = &bytes[..self.random.prefix(pages) * PAGE_BYTES];
        }
        self.note_change(id);
        let sequence = self.next_sequence();
        self.content(id)?.write(at, bytes, sequence);
        result
    }

    pub(crate) fn allocate(&mut self, id: NodeId, at: u64, bytes: u64) -> io::Result<()> {
        self.begin(Kind::Allocate)?;
        if self.content(id)?.missing_pages(at, bytes) > self.free_pages() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let sequence = self.next_sequence();
        self.content(id)?.allocate(at, bytes, sequence);
        Ok(())
    }

    pub(crate) fn set_len(&mut self, id: NodeId, size: u64) -> io::Result<()> {
        self.begin(Kind::Write)?;
        self.set_size(id, size)
    }

    fn set_size(&mut self, id: NodeId, size: u64) -> io::Result<()> {
        self.note_change(id);
        let sequence = self.next_sequence();
        self.content(id)?.set_size(size, sequence);
        Ok(())
    }

    /// A file was opened.
    pub(crate) fn describe(&mut self, id: NodeId) -> DescriptionId {
        self.descriptions.push(self.failed_syncs(id));
        self.descriptions.len() - 1
    }

    fn failed_syncs(&self, id: NodeId) -> u64 {
        match self.nodes.get(id) {
            Some(Node::File { failed_syncs, .. }) => *failed_syncs,
            _ => 0,
        }
    }

    /// Everything up to `sequence` in a file becomes durable, or nobody knows.
    pub(crate) fn sync(&mut self, id: NodeId, by: DescriptionId, sequence: u64) -> io::Result<()> {
        self.sync_pages(id, by, ALL_PAGES, sequence)
    }

    /// The same for some of its pages.
    pub(crate) fn sync_pages(
        &mut self,
        id: NodeId,
        by: DescriptionId,
        pages: Range<usize>,
        sequence: u64,
    ) -> io::Result<()> {
        let result = self.begin(Kind::Sync);
        if self.is_stopped {
            return result;
        }
        match &result {
            Ok(()) => self.content(id)?.sync(&pages, sequence),
            Err(_) => {
                let mut random = Random::new(self.random.any());
                self.content(id)?.fail_sync(&pages, sequence, &mut random);
                if let Some(Node::File { failed_syncs, .. }) = self.nodes.get_mut(id) {
                    *failed_syncs += 1;
                }
            }
        }
        let failed = self.failed_syncs(id);
        match self.descriptions.get_mut(by) {
            Some(heard_of) if *heard_of < failed => {
                *heard_of = failed;
                result.and(Err(io::Error::from_raw_os_error(libc::EIO)))
            }
            _ => result,
        }
    }

    /// What is not taken by files with a name.
    pub(crate) fn free_bytes(&self) -> ByteCount {
        ByteCount(self.free_pages().saturating_mul(PAGE_BYTES as u64))
    }

    /// Pages that are not taken by files with a name.
    fn free_pages(&self) -> u64 {
        let Some(capacity) = self.capacity_pages else { return u64::MAX };
        let directories = self.nodes.iter().filter_map(|node| match node {
            Node::Directory(directory) => Some(directory),
            Node::File { .. } => None,
        });
        let named: BTreeSet<NodeId> = directories.flat_map(|names| names.names().map(|(_, id)| id)).collect();
        let pages = |id: &NodeId| match self.nodes.get(*id) {
            Some(Node::File { content, .. }) => content.allocated_pages(),
            _ => 0,
        };
        capacity.saturating_sub(named.iter().map(pages).sum())
    }

    fn note_change(&mut self, id: NodeId) {
        let now = self.now;
        if let Some(Node::File { modified, .. }) = self.nodes.get_mut(id) {
            *modified = now;
        }
    }
}

fn text(name: &OsStr) -> io::Result<&str> {
    name.to_str().ok_or(io::ErrorKind::InvalidInput.into())
}

/// What everything answers once the simulation has stopped.
pub(crate) fn stopped() -> io::Error {
    io::Error::other("the simulated machine has stopped")
}
