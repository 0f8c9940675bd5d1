//! A list that counts what it has no room for.

/// Items, as many as there is room for.
#[derive(Debug)]
pub(super) struct Capped<T> {
    items: Vec<T>,
    most: usize,
    count: u64,
}

impl<T> Capped<T> {
    /// Room for items of `bytes` bytes in all.
    pub(super) fn new(bytes: u64) -> Self {
        let most = usize::try_from(bytes / size_of::<T>().max(1) as u64).unwrap_or(usize::MAX);
        Self { items: Vec::new(), most, count: 0 }
    }

    /// Adds an item, or only counts it.
    pub(super) fn push(&mut self, item: T) {
        self.count += 1;
        if self.items.len() < self.most {
            self.items.push(item);
        }
    }

    /// Those that had room.
    pub(super) fn items(&self) -> &[T] {
        &self.items
    }

    /// The same, for sorting.
    pub(super) fn items_mut(&mut self) -> &mut [T] {
        &mut self.items
    }

    /// How many had no room: then those that had are not all there are.
    pub(super) fn left_out(&self) -> u64 {
        self.count - self.items.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::Capped;

    #[test]
    fn what_has_no_room_is_counted() {
        let mut capped = Capped::new(17);
        (0..5_u64).for_each(|item| capped.push(item));
        assert_eq!((capped.items(), capped.left_out()), (&[0, 1][..], 3));
    }
}
