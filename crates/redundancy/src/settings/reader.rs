//! Reads one setting after another, keeping what was read and what was wrong, so that all faults are told at once.

use std::collections::BTreeMap;

use super::Purpose;
use super::fault::Fault;
use super::keys::Key;
use super::mask::masked;
use super::origin::{Given, Origin};
use super::sources::Layered;

/// A setting as it is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Which setting.
    pub key: &'static Key,
    /// Its value as it may be shown; `None` where there is none.
    pub shown: Option<String>,
    /// Where the value comes from.
    pub origin: Origin,
}

/// What a parser gives: the value, or what would do instead.
pub(super) type Parsed<T> = Result<T, String>;

/// Hands out the values that were given. What will not do is noted as a fault, and its value is `None`.
pub(super) struct Reader {
    given: BTreeMap<&'static str, Given>,
    retyped: Vec<(&'static str, Given)>,
    purpose: Purpose,
    entries: Vec<Entry>,
    faults: Vec<Fault>,
}

impl Reader {
    pub(super) fn new(layered: Layered, purpose: Purpose) -> Self {
        let Layered { given, retyped, faults, .. } = layered;
        Self { given, retyped, purpose, entries: Vec::new(), faults }
    }

    /// The value of a setting whose default stands in the table.
    pub(super) fn value<T>(&mut self, key: &'static Key, parse: impl Fn(&str) -> Parsed<T>) -> Option<T> {
        self.value_or(key, key.default.unwrap_or_default(), parse)
    }

    /// The value of a setting whose default depends on where the program runs.
    pub(super) fn value_or<T>(
        &mut self,
        key: &'static Key,
        default: &str,
        parse: impl Fn(&str) -> Parsed<T>,
    ) -> Option<T> {
        let given = self
            .given
            .get(key.name)
            .cloned()
            .unwrap_or_else(|| Given { text: default.to_owned(), origin: Origin::Default });
        self.note(key, Some(&given));
        self.parse(key, &given, parse)
    }

    /// The value of a setting that may be missing: `None` if it is, and if a fault was noted.
    pub(super) fn optional<T>(&mut self, key: &'static Key, parse: impl Fn(&str) -> Parsed<T>) -> Option<T> {
        let given = self.given.get(key.name).cloned();
        self.note(key, given.as_ref());
        self.parse(key, &given?, parse)
    }

    /// A fault in how settings go together, told at the value of `key`.
    pub(super) fn refuse(&mut self, key: &'static Key, remedy: &str) {
        let fault = match self.given.get(key.name) {
            Some(given) => Fault::value(key, given, remedy),
            None => Fault::other(format!("{}: {remedy}", key.name)),
        };
        self.faults.push(fault);
    }

    /// Whether somebody gave a value for `key`.
    pub(super) fn is_given(&self, key: &Key) -> bool {
        self.given.contains_key(key.name)
    }

    /// What the settings are read for.
    pub(super) const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Everything that was read, and everything that was wrong.
    pub(super) fn finish(self) -> (Vec<Entry>, Vec<Fault>) {
        (self.entries, self.faults)
    }

    fn parse<T>(&mut self, key: &'static Key, given: &Given, parse: impl Fn(&str) -> Parsed<T>) -> Option<T> {
        for (_, typed) in self.retyped.iter().filter(|(name, _)| *name == key.name) {
            if let Err(remedy) = parse(&typed.text) {
                self.faults.push(Fault::value(key, typed, &remedy));
            }
        }
        parse(&given.text).map_err(|remedy| self.faults.push(Fault::value(key, given, &remedy))).ok()
    }

    fn note(&mut self, key: &'static Key, given: Option<&Given>) {
        self.entries.push(Entry {
            key,
            shown: given.map(|given| masked(key, &given.text)),
            origin: given.map_or(Origin::Default, |given| given.origin.clone()),
        });
    }
}
