//! Counts which documents have how many keys of a query, the same way for every store.

use super::{Candidate, CandidateQuery, Candidates, DocumentNumber, MAX_ENTRIES_PER_KEY};
use redundancy_webhook::store::StoreError;
use std::cmp::Reverse;
use std::collections::HashMap;

/// Answers `query` about a collection of so many `documents` with what `look` knows: the numbers of the documents that have a
/// key, the oldest first, at most [`MAX_ENTRIES_PER_KEY`] of them.
///
/// A fingerprint is left out when more documents have it than [`CommonFilter::limit`] allows, or as many as are looked at; the
/// rarest of those are used all the same when there are not enough others. When as many documents are equal as the query wants, the
/// oldest of them are the answer, and no other key is looked for: the cost does not grow with how often a text was put.
///
/// [`CommonFilter::limit`]: redundancy_detect::fingerprint::CommonFilter::limit
pub fn tally(
    query: &CandidateQuery,
    documents: u64,
    mut look: impl FnMut(u64) -> Result<Vec<u64>, StoreError>,
) -> Result<Candidates, StoreError> {
    let mut counted = Counted::default();
    counted.add(look(query.keys.content)?, |candidate| {
        (candidate.is_exact, candidate.is_equal) = (true, true);
    });
    counted.add(look(query.keys.normalized)?, |candidate| candidate.is_equal = true);
    if counted.0.len() >= query.limit {
        return Ok(Candidates { found: counted.best(query.limit), common: 0 });
    }
    for key in &query.keys.bands {
        counted.add(look(*key)?, |candidate| candidate.bands += 1);
    }
    let limit = query.common.limit(documents).min(MAX_ENTRIES_PER_KEY as u64 - 1);
    let (mut used, mut common) = (0, Vec::new());
    for (place, key) in query.keys.fingerprints.iter().enumerate() {
        let numbers = look(*key)?;
        if numbers.len() as u64 > limit {
            common.push((numbers.len(), place, *key));
        } else if !numbers.is_empty() {
            used += 1;
            counted.add(numbers, |candidate| candidate.fingerprints += 1);
        }
    }
    common.sort_unstable();
    let rescued = query.common.keep.saturating_sub(used).min(common.len());
    for (_, _, key) in common.drain(..rescued) {
        counted.add(look(key)?, |candidate| candidate.fingerprints += 1);
    }
    Ok(Candidates { found: counted.best(query.limit), common: common.len() })
}

/// The documents that have any key.
#[derive(Default)]
struct Counted(HashMap<DocumentNumber, Candidate>);

impl Counted {
    fn add(&mut self, numbers: Vec<u64>, change: impl Fn(&mut Candidate)) {
        for number in numbers.into_iter().map(DocumentNumber) {
            let new = Candidate { number, is_exact: false, is_equal: false, bands: 0, fingerprints: 0 };
            change(self.0.entry(number).or_insert(new));
        }
    }

    fn best(self, limit: usize) -> Vec<Candidate> {
        let mut found: Vec<Candidate> = self.0.into_values().collect();
        found.sort_unstable_by_key(|candidate| {
            let Candidate { is_exact, is_equal, bands, fingerprints, .. } = *candidate;
            let shared = (is_exact, is_equal, bands, fingerprints);
            (Reverse(shared), candidate.number)
        });
        found.truncate(limit);
        found
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]

    use super::*;
    use crate::catalog::Keys;
    use redundancy_detect::fingerprint::CommonFilter;

    #[test]
    fn what_stands_there_often_enough_already_is_answered_without_other_keys() {
        let keys = Keys { content: 1, normalized: 2, bands: vec![3, 4], fingerprints: vec![5] };
        let collection = "c".parse().unwrap();
        let mut query = CandidateQuery { collection, keys, common: CommonFilter::default(), limit: 4 };
        let asked = |query: &CandidateQuery| {
            let mut asked = Vec::new();
            let found = tally(query, 9, |key| {
                asked.push(key);
                Ok(match key {
                    1 => vec![9, 7],
                    2 => vec![2, 5, 9],
                    _ => vec![1],
                })
            });
            let numbers: Vec<u64> = found.unwrap().found.iter().map(|found| found.number.0).collect();
            (numbers, asked)
        };
        assert_eq!(asked(&query), (vec![7, 9, 2, 5], vec![1, 2]));
        query.limit = 6;
        assert_eq!(asked(&query), (vec![7, 9, 2, 5, 1], vec![1, 2, 3, 4, 5]));
    }
}
