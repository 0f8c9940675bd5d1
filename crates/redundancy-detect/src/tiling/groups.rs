//! Groups of positions whose suffixes share a prefix: they only merge, and each keeps its open positions of either text in a
//! heap. Union-find over ranks, and leftist heaps (Crane 1972) whose nodes are the positions themselves.

/// Which of the two texts a position is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    First,
    Second,
}

/// No node.
const NONE: u32 = u32::MAX;

/// All groups of one tiling.
#[derive(Debug)]
pub(super) struct Groups {
    /// The rank of each position's suffix.
    ranks: Vec<u32>,
    /// Union-find: towards the root of each rank's group.
    parents: Vec<u32>,
    sizes: Vec<u32>,
    /// For each root, the earliest position in the group's heap of the first and of the second text.
    tops: Vec<[u32; 2]>,
    nodes: Vec<Node>,
}

/// A position as a node of a heap.
#[derive(Debug, Clone, Copy)]
struct Node {
    left: u32,
    right: u32,
    /// Steps to the nearest missing child; at most the logarithm of the number of nodes.
    to_gap: u8,
    /// Whether a run of the current length may begin here. Closed nodes stay in their heap until they come up.
    is_open: bool,
    is_in_heap: bool,
}

impl Groups {
    /// Each suffix alone, every position closed.
    pub(super) fn new(ranks: Vec<u32>) -> Self {
        let count = ranks.len();
        let closed = Node { left: NONE, right: NONE, to_gap: 1, is_open: false, is_in_heap: false };
        Self {
            ranks,
            parents: (0..).take(count).collect(),
            sizes: vec![1; count],
            tops: vec![[NONE; 2]; count],
            nodes: vec![closed; count],
        }
    }

    /// Merges the groups of `rank` and of the rank before it; gives the root of the result.
    pub(super) fn merge_with_previous(&mut self, rank: usize) -> usize {
        let (one, other) = (self.root(rank), self.root(rank.saturating_sub(1)));
        if one == other {
            return one;
        }
        let (small, large) = if self.sizes[one] < self.sizes[other] { (one, other) } else { (other, one) };
        self.parents[small] = self.parents[large];
        self.sizes[large] += self.sizes[small];
        for side in 0..2 {
            self.tops[large][side] = self.meld(self.tops[large][side], self.tops[small][side]);
        }
        large
    }

    /// Opens `position`; gives the root of its group.
    pub(super) fn open(&mut self, position: usize, side: Side) -> usize {
        let root = self.root(self.ranks[position] as usize);
        let node = &mut self.nodes[position];
        node.is_open = true;
        if !node.is_in_heap {
            *node = Node { left: NONE, right: NONE, to_gap: 1, is_open: true, is_in_heap: true };
            let top = self.tops[root][side as usize];
            let single = u32::try_from(position).unwrap_or(NONE);
            self.tops[root][side as usize] = self.meld(top, single);
        }
        root
    }

    /// Closes `position`.
    pub(super) fn close(&mut self, position: usize) {
        self.nodes[position].is_open = false;
    }

    /// The earliest open position of each text in the group with `rank` in it, when there is one of both.
    pub(super) fn open_pair(&mut self, rank: usize) -> Option<(usize, usize)> {
        let root = self.root(rank);
        Some((self.earliest(root, Side::First)?, self.earliest(root, Side::Second)?))
    }

    /// The earliest open position of one text in a group; closed ones that come up on the way leave the heap.
    fn earliest(&mut self, root: usize, side: Side) -> Option<usize> {
        loop {
            let top = self.tops[root][side as usize];
            if top == NONE {
                return None;
            }
            let node = self.nodes[top as usize];
            if node.is_open {
                return Some(top as usize);
            }
            self.nodes[top as usize].is_in_heap = false;
            self.tops[root][side as usize] = self.meld(node.left, node.right);
        }
    }

    /// The root of the group of `rank`, halving the path on the way.
    fn root(&mut self, rank: usize) -> usize {
        let mut at = rank;
        while self.parents[at] as usize != at {
            let parent = self.parents[at] as usize;
            self.parents[at] = self.parents[parent];
            at = parent;
        }
        at
    }

    /// Melds two heaps; gives the top. The depth of the recursion is logarithmic: it follows right children only, and the
    /// left side of a leftist heap is never the one with the shorter way to a gap.
    fn meld(&mut self, one: u32, other: u32) -> u32 {
        if one == NONE {
            return other;
        }
        if other == NONE {
            return one;
        }
        let (top, below) = if one < other { (one, other) } else { (other, one) };
        let right = self.meld(self.nodes[top as usize].right, below);
        let left = self.nodes[top as usize].left;
        let (left, right) =
            if self.to_gap(left) < self.to_gap(right) { (right, left) } else { (left, right) };
        let to_gap = self.to_gap(right) + 1;
        let node = &mut self.nodes[top as usize];
        (node.left, node.right, node.to_gap) = (left, right, to_gap);
        top
    }

    fn to_gap(&self, node: u32) -> u8 {
        if node == NONE { 0 } else { self.nodes[node as usize].to_gap }
    }
}
