//! Disjoint sets (Tarjan, "Efficiency of a good but not linear set union algorithm", 1975), with path halving.

/// Sets of the numbers below a size; each number is alone at first.
#[derive(Debug, Clone)]
pub(super) struct UnionFind {
    parents: Vec<u32>,
}

impl UnionFind {
    pub(super) fn new(size: u32) -> Self {
        Self { parents: (0..size).collect() }
    }

    /// The least number of the set that `member` is in. Amortised close to constant.
    pub(super) fn root(&mut self, member: u32) -> u32 {
        let mut at = member;
        while let Some(parent) = self.parent(at).filter(|&parent| parent != at) {
            let above = self.parent(parent).unwrap_or(parent);
            if let Some(slot) = self.parents.get_mut(at as usize) {
                *slot = above;
            }
            at = above;
        }
        at
    }

    /// Makes one set of two; `false` if it is one already. The least number stays the root, so that sets do not depend on the
    /// order in which they were joined.
    pub(super) fn union(&mut self, one: u32, other: u32) -> bool {
        let (one, other) = (self.root(one), self.root(other));
        let (least, greater) = (one.min(other), one.max(other));
        if let Some(slot) = self.parents.get_mut(greater as usize) {
            *slot = least;
        }
        least != greater
    }

    fn parent(&self, member: u32) -> Option<u32> {
        self.parents.get(member as usize).copied()
    }
}
