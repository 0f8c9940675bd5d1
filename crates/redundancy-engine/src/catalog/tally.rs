//! Counts which documents have how many keys of a query, the same way for every store.

use super::{Candidate, CandidateQuery, Candidates, DocumentNumber};
use redundancy_webhook::store::StoreError;
use std::cmp::Reverse;
use std::collections::HashMap;

/// Answers `query` with what `look` knows: the numbers of the documents that have a key, the oldest first, at most
/// [`MAX_ENTRIES_PER_KEY`](super::MAX_ENTRIES_PER_KEY) of them.
pub fn tally(
    query: &CandidateQuery,
    mut look: impl FnMut(u64) -> Result<Vec<u64>, StoreError>,
) -> Result<Candidates, StoreError> {
    let mut counted: HashMap<u64, Candidate> = HashMap::new();
    let mut count = |numbers: Vec<u64>, change: fn(&mut Candidate)| {
        for number in numbers {
            let new =
                || Candidate { number: DocumentNumber(number), is_equal: false, bands: 0, fingerprints: 0 };
            change(counted.entry(number).or_insert_with(new));
        }
    };
    for key in [query.keys.content, query.keys.normalized] {
        count(look(key)?, |candidate| candidate.is_equal = true);
    }
    for key in &query.keys.bands {
        count(look(*key)?, |candidate| candidate.bands += 1);
    }
    let mut passed_over = Vec::new();
    for key in &query.keys.fingerprints {
        let numbers = look(*key)?;
        if numbers.len() > query.max_frequency {
            passed_over.push((*key, numbers.len()));
        } else {
            count(numbers, |candidate| candidate.fingerprints += 1);
        }
    }
    passed_over.sort_unstable_by_key(|(key, frequency)| (*frequency, *key));
    let mut found: Vec<Candidate> = counted.into_values().collect();
    found.sort_unstable_by_key(|candidate| {
        let shared = (candidate.is_equal, candidate.bands, candidate.fingerprints);
        (Reverse(shared), candidate.number)
    });
    found.truncate(query.limit);
    Ok(Candidates { found, passed_over })
}
