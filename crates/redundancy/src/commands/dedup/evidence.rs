//! What a report shows of the largest clusters: their members, and the texts of two documents of each, read once more.

use std::collections::BTreeMap;

use redundancy_engine::corpus::{Block, Buffer, Cluster, Corpus as _, Deduplicated, Duplicate};
use redundancy_engine::detect::OffsetUnit;
use redundancy_engine::detect::similarity::{DEFAULT_MIN_MATCH_WORDS, SimilarityOptions, similarity};

use super::Failure;
use super::results::Names;
use crate::corpus::FileCorpus;
use crate::html::{Evidence, Excerpt, ShownCluster};

/// How many clusters are shown.
const MAX_CLUSTERS: usize = 20;
/// How many members of a cluster are named.
const MAX_MEMBERS: usize = 30;
/// How much of a text is shown, in characters.
const SHOWN_CHARS: usize = 4_000;
/// How much of it stands before the first difference, in characters.
const BEFORE_CHARS: usize = 300;
/// How much of a text is held to find the first difference in. With fifty texts of it the memory stays small.
const HELD_BYTES: usize = 1 << 20;

/// The beginning of a document, or all of it.
struct Held {
    text: String,
    /// How many characters the document has.
    characters: usize,
}

/// The largest clusters with their evidence, the largest first, of equally large ones the first.
pub(super) fn of(
    corpus: &FileCorpus,
    found: &Deduplicated,
    names: &Names<'_>,
) -> Result<Vec<ShownCluster>, Failure> {
    let mut largest: Vec<(usize, &Cluster)> = (1..).zip(&found.clusters).collect();
    largest.sort_by_key(|(_, cluster)| std::cmp::Reverse(cluster.records.len()));
    largest.truncate(MAX_CLUSTERS);
    let least = least_similar(found, &largest);
    let texts = texts(corpus, least.values().flat_map(|duplicate| [duplicate.kept, duplicate.record]))?;
    Ok(largest
        .into_iter()
        .map(|(number, cluster)| ShownCluster {
            number,
            size: cluster.records.len(),
            kept: names.of_record(cluster.kept).into_owned(),
            others: (cluster.records.iter().filter(|record| **record != cluster.kept).take(MAX_MEMBERS - 1))
                .map(|record| names.of_record(*record).into_owned())
                .collect(),
            min_similarity: cluster.min_similarity,
            evidence: least
                .get(&cluster.kept)
                .and_then(|duplicate| evidence(duplicate, texts.get(&duplicate.kept)?, &texts, names)),
        })
        .collect())
}

/// The least similar duplicate in each of these clusters, by the record that is kept.
fn least_similar<'f>(
    found: &'f Deduplicated,
    clusters: &[(usize, &Cluster)],
) -> BTreeMap<u32, &'f Duplicate> {
    let mut least: BTreeMap<u32, Option<&Duplicate>> =
        clusters.iter().map(|(_, cluster)| (cluster.kept, None)).collect();
    // Equal similarities say nothing of which pair shows more; one that is not the same byte for byte does.
    let order = |duplicate: &Duplicate| {
        let is_exact = duplicate.kind == redundancy_engine::corpus::DuplicateKind::Exact;
        (duplicate.similarity, u8::from(is_exact))
    };
    for duplicate in &found.duplicates {
        if let Some(best) = least.get_mut(&duplicate.kept)
            && best.is_none_or(|best| order(duplicate) < order(best))
        {
            *best = Some(duplicate);
        }
    }
    least.into_iter().filter_map(|(kept, duplicate)| Some((kept, duplicate?))).collect()
}

/// The texts of the `wanted` records.
fn texts(corpus: &FileCorpus, wanted: impl Iterator<Item = u32>) -> Result<BTreeMap<u32, Held>, Failure> {
    let wanted: std::collections::BTreeSet<u32> = wanted.collect();
    let mut wanted = wanted.into_iter().peekable();
    let mut texts = BTreeMap::new();
    let mut reader = corpus.open()?;
    let (mut block, mut buffer) = (Block::default(), Buffer::default());
    let mut start = 0_u32;
    while wanted.peek().is_some() && corpus.next_block(&mut reader, &mut block)? {
        corpus.split(&mut block);
        let end = start.saturating_add(u32::try_from(block.records.len()).unwrap_or(u32::MAX));
        while let Some(record) = wanted.next_if(|record| *record < end) {
            if let Ok(document) = corpus.document(&block, (record - start) as usize, &mut buffer) {
                let text = &document.text;
                let held = text.get(..text.floor_char_boundary(HELD_BYTES)).unwrap_or_default();
                texts.insert(record, Held { text: held.to_owned(), characters: text.chars().count() });
            }
        }
        start = end;
    }
    Ok(texts)
}

fn evidence(
    duplicate: &Duplicate,
    kept: &Held,
    texts: &BTreeMap<u32, Held>,
    names: &Names<'_>,
) -> Option<Evidence> {
    let dropped = texts.get(&duplicate.record)?;
    let start = start_of_excerpt(&kept.text, &dropped.text);
    let excerpt = |record, held: &Held| Excerpt {
        name: names.of_record(record).into_owned(),
        text: held.text.chars().skip(start).take(SHOWN_CHARS).collect(),
        from: start,
        characters: held.characters,
    };
    let (kept, dropped) = (excerpt(duplicate.kept, kept), excerpt(duplicate.record, dropped));
    let options =
        SimilarityOptions { min_passage_words: DEFAULT_MIN_MATCH_WORDS, offset_unit: OffsetUnit::Bytes };
    // Excerpts are never too long to compare.
    let matches = similarity(&kept.text, &dropped.text, &options).ok()?.matches;
    Some(Evidence {
        kept,
        duplicate: dropped,
        kind: duplicate.kind,
        similarity: duplicate.similarity,
        matches,
    })
}

/// Where to begin to show both texts: at a word shortly before the first difference. In characters.
fn start_of_excerpt(one: &str, other: &str) -> usize {
    let Some(difference) = one.chars().zip(other.chars()).position(|(one, other)| one != other) else {
        let shorter = one.chars().count().min(other.chars().count());
        // One goes on where the other ends, unless they are the same.
        return if one.len() == other.len() { 0 } else { start_before(one, shorter) };
    };
    start_before(one, difference)
}

fn start_before(text: &str, difference: usize) -> usize {
    let earliest = difference.saturating_sub(BEFORE_CHARS);
    if earliest == 0 {
        return 0;
    }
    let mut before = text.chars().skip(earliest).take(difference - earliest);
    before.position(char::is_whitespace).map_or(earliest, |space| earliest + space + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_begins_at_a_word_before_the_first_difference() {
        let same = "ñandú word ".repeat(100);
        let start = start_of_excerpt(&format!("{same}one"), &format!("{same}two"));
        let shown: String = same.chars().skip(start).collect();
        assert!(shown.starts_with("ñandú ") || shown.starts_with("word "), "{shown}");
        assert!((1..=BEFORE_CHARS).contains(&shown.chars().count()));
    }

    #[test]
    fn texts_without_a_difference_are_shown_from_the_beginning_and_longer_ones_from_before_what_is_added() {
        assert_eq!(start_of_excerpt("a b", "a b"), 0);
        assert_eq!(start_of_excerpt("", "a"), 0);
        let long = "word ".repeat(1_000);
        assert_eq!(start_of_excerpt(&long, &format!("{long}more")), 5_000 - BEFORE_CHARS + 5);
    }
}
