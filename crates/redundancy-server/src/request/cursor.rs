//! Cursors: where a list goes on. The only place that makes and reads them.
//!
//! A cursor is the key of the last item and a sum over that key and the list it was given for: its path and every parameter but how
//! many are wanted. So one of another list, of another choice from the same list, or one that is not whole is told from a sound one
//! instead of going on at some other place. The sum guards against mistakes; a cursor gives no access to anything, so nobody is kept
//! from making one up.

use crate::request::rules::Refusal;

/// Parameters by which two parts of one list may differ.
const PER_PART: [&str; 2] = ["limit", "cursor"];
/// Ends a name or a value in the sum: no UTF-8 has this byte.
const END: u8 = 0xff;

/// What the items of a list go by.
pub(crate) trait Key: Sized {
    /// The key as text.
    fn to_text(&self) -> String;

    /// The key in such a text.
    fn of_text(text: &str) -> Option<Self>;
}

/// A list: which one, and what was chosen from it. By a sum, so that it is the same on every machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct List(Sum);

/// FNV-1a in 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sum(u64);

impl List {
    /// The list at `path` that these parameters choose from, in whatever order they stand.
    pub(super) fn new(path: &str, parameters: &[(String, String)]) -> Self {
        let mut chosen: Vec<_> =
            parameters.iter().filter(|(name, _)| !PER_PART.contains(&name.as_str())).collect();
        chosen.sort_unstable();
        let sum = Sum::EMPTY.with(path);
        Self(chosen.into_iter().fold(sum, |sum, (name, value)| sum.with(name).with(value)))
    }

    /// The cursor that goes on behind the item with this key.
    pub(crate) fn cursor_behind<K: Key>(self, key: &K) -> String {
        self.signed(&key.to_text())
    }

    /// The key in a cursor of this list.
    pub(crate) fn key_in<K: Key>(self, cursor: &str) -> Result<K, Refusal> {
        let text = cursor.rsplit_once('.').map(|(text, _)| text).filter(|text| self.signed(text) == cursor);
        text.and_then(K::of_text).ok_or_else(|| {
            Refusal::new(
                "must be the whole next_cursor of an answer to the same request, of which only limit may change: repeat that request, \
                 or begin again without a cursor",
            )
        })
    }

    fn signed(self, key: &str) -> String {
        format!("{key}.{:016x}", self.0.with(key).0)
    }
}

impl Sum {
    const EMPTY: Self = Self(0xcbf2_9ce4_8422_2325);

    fn with(self, text: &str) -> Self {
        let bytes = text.bytes().chain([END]);
        Self(bytes.fold(self.0, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Key for u8 {
        fn to_text(&self) -> String {
            self.to_string()
        }

        fn of_text(text: &str) -> Option<Self> {
            text.parse().ok()
        }
    }

    fn list(path: &str, parameters: &[(&str, &str)]) -> List {
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        List::new(path, &parameters.iter().map(owned).collect::<Vec<_>>())
    }

    #[test]
    fn a_cursor_leads_back_to_its_key_in_its_own_list_only() {
        let mine = list("/a", &[("x", "1"), ("y", "2"), ("limit", "5")]);
        let cursor = mine.cursor_behind(&200_u8);
        for same in [
            mine,
            list("/a", &[("y", "2"), ("limit", "7"), ("x", "1"), ("cursor", &cursor)]),
            list("/a", &[("y", "2"), ("x", "1")]),
        ] {
            assert_eq!(same.key_in::<u8>(&cursor), Ok(200));
        }
        for other in [
            list("/b", &[("x", "1"), ("y", "2")]),
            list("/a", &[]),
            list("/a", &[("x", "1")]),
            list("/a", &[("x", "2"), ("y", "1")]),
            list("/a", &[("x", "1y"), ("", "2")]),
            list("/a", &[("x", "1"), ("y", "2"), ("z", "")]),
        ] {
            assert!(other.key_in::<u8>(&cursor).is_err(), "{other:?}");
        }
    }

    #[test]
    fn a_cursor_that_was_changed_or_cut_is_none() {
        let list = list("/a", &[]);
        let cursor = list.cursor_behind(&123_u8);
        for end in 0..cursor.len() {
            assert!(list.key_in::<u8>(&cursor[..end]).is_err(), "{end}");
            assert!(list.key_in::<u8>(&cursor[end + 1..]).is_err(), "{end}");
        }
        for changed in [cursor.replacen('1', "2", 1), cursor.to_uppercase() + " ", format!("0{cursor}")] {
            assert!(list.key_in::<u8>(&changed).is_err(), "{changed}");
        }
        // A sound sum over what is no key.
        assert!(list.key_in::<u8>(&list.signed("no")).is_err());
    }
}
