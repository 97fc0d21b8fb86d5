//! A copy of a disk that is in use, as `cp` makes one of the image behind a file system: piece by piece, while the machine
//! goes on, so that each piece is of another moment.
//!
//! # Invariants
//! - What a piece holds is what a power failure could have left of it at the moment at which it is copied.
//! - The pieces of a file are copied in the order in which they lie in it; files, directories and sizes in any order.
//! - What was made meanwhile and has a name in the copy is copied at the end.

use std::collections::VecDeque;
use std::ops::Range;

use super::Simulation;
use super::content::{Content, Luck};
use super::random::Random;
use super::state::{Node, NodeId, Shared, State};

/// A file is copied in so many pieces at most.
const PIECES_MAX: u64 = 4;

/// A copy that is being made.
#[derive(Debug)]
pub struct Copying {
    from: Shared,
    random: Random,
    /// One queue for each file or directory.
    left: Vec<VecDeque<Piece>>,
    nodes: Vec<Option<Node>>,
}

#[derive(Clone, Debug)]
struct Piece {
    node: NodeId,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Names,
    Size,
    Pages(Range<usize>),
}

impl Copying {
    pub(super) fn new(from: Shared) -> Self {
        let (nodes, mut random) = {
            let mut state = from.lock();
            (state.nodes().to_vec(), Random::new(state.random.any()))
        };
        let left = nodes.iter().enumerate().map(|(id, node)| pieces(id, node, &mut random)).collect();
        Self { from, random, left, nodes: vec![None; nodes.len()] }
    }

    /// Copies the next piece. Whether there are more.
    pub fn step(&mut self) -> bool {
        let next = self.random.below(self.left.len().max(1) as u64) as usize;
        if let Some(pieces) = self.left.get_mut(next) {
            if let Some(piece) = pieces.pop_front() {
                self.copy(&piece);
            }
            if self.left.get(next).is_some_and(VecDeque::is_empty) {
                self.left.swap_remove(next);
            }
        }
        !self.left.is_empty()
    }

    /// The machine with the copy, when the rest is copied, too.
    #[must_use]
    pub fn finish(mut self) -> Simulation {
        while self.step() {}
        self.copy_newer();
        let mut state = State::new(Random::new(self.random.any()), self.from.lock().has_direct);
        state.continue_as(&self.from.lock(), self.nodes.into_iter().map(Option::unwrap_or_default).collect());
        Simulation { shared: Shared::new(state) }
    }

    fn copy(&mut self, piece: &Piece) {
        let node = self.from.lock().nodes().get(piece.node).cloned();
        let Some(node) = node else { return };
        let luck = Luck::new(&mut self.random);
        let into = self.nodes.get_mut(piece.node);
        match (&piece.what, node) {
            (What::Names, Node::Directory(names)) => {
                let names = Node::Directory(names.after_power_failure(&mut self.random));
                if let Some(into) = into {
                    *into = Some(names);
                }
            }
            (what, Node::File { content, modified, .. }) => {
                let now = content.after_power_failure(luck, &mut self.random);
                let empty = || Node::File { content: Content::default(), modified, failed_syncs: 0 };
                if let Some(Node::File { content, .. }) = into.map(|into| into.get_or_insert_with(empty)) {
                    match what {
                        What::Pages(range) => content.take_pages(&now, range.clone()),
                        _ => content.take_size(&now),
                    }
                }
            }
            _ => {}
        }
    }

    /// What has come since the copy began, as far as it has a name in the copy.
    fn copy_newer(&mut self) {
        let mut at = 0;
        while at < self.nodes.len() {
            let named: Vec<NodeId> = match self.nodes.get(at) {
                Some(Some(Node::Directory(names))) => names.names().map(|(_, id)| id).collect(),
                _ => Vec::new(),
            };
            for id in named {
                if self.nodes.len() <= id {
                    self.nodes.resize(id + 1, None);
                }
                if self.nodes.get(id).is_some_and(Option::is_none) {
                    let node = self.from.lock().nodes().get(id).cloned();
                    let pieces = node.map(|node| pieces(id, &node, &mut self.random)).unwrap_or_default();
                    pieces.iter().for_each(|piece| self.copy(piece));
                }
            }
            at += 1;
        }
        for node in self.nodes.iter_mut().flatten() {
            if let Node::File { content, .. } = node {
                content.clear_behind_end();
            }
        }
    }
}

fn pieces(node: NodeId, of: &Node, random: &mut Random) -> VecDeque<Piece> {
    let piece = |what| Piece { node, what };
    let Node::File { content, .. } = of else { return VecDeque::from([piece(What::Names)]) };
    let pages = content.pages();
    let mut ends: Vec<usize> =
        (0..random.below(PIECES_MAX)).map(|_| random.below(pages as u64 + 1) as usize).collect();
    ends.sort_unstable();
    let starts: Vec<usize> = [0].into_iter().chain(ends.iter().copied()).collect();
    ends.push(usize::MAX);
    let mut all: VecDeque<Piece> =
        starts.into_iter().zip(ends).map(|(start, end)| piece(What::Pages(start..end))).collect();
    all.insert(random.below(all.len() as u64 + 1) as usize, piece(What::Size));
    all
}
