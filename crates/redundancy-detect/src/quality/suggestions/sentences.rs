//! Findings about sentences and paragraphs.

use super::finding::Finding;
use super::{Evidence, Located};
use crate::analyze::equal_sentences;
use crate::quality::counts::begins_with_capital;
use crate::quality::primary_subtag;
use crate::quality::syllables::is_figure;
use crate::span::Span;
use crate::structure::Part;
use crate::words::Word;

/// Words of a sentence beyond which readers lose the thread; style guides for plain language ask for 15 to 25.
const LONG_SENTENCE_WORDS: usize = 30;
/// Words of a paragraph beyond which it looks like a wall.
const LONG_PARAGRAPH_WORDS: usize = 200;
/// In scripts without spaces every character is taken for a word; about so many make up a real one.
const CHARACTERS_PER_WORD: usize = 2;
/// Languages of such scripts.
const WITHOUT_SPACES: [&str; 7] = ["bo", "ja", "km", "lo", "my", "th", "zh"];
/// Shorter sentences ("No way.") repeat in any text without being redundant.
const REPEATED_SENTENCE_WORDS: usize = 4;
/// How many sentences in a row that begin alike are too many.
const REPEATED_STARTS: usize = 3;
/// How many complex words a sentence must have, and one in how many words.
const COMPLEX_WORDS: (usize, usize) = (4, 5);
/// How many of them a message names.
const EXAMPLES: usize = 3;

/// Adds what there is to say about sentences and paragraphs.
pub(super) fn find(evidence: &Evidence<'_>, found: &mut Vec<Located>) {
    let language = primary_subtag(evidence.language);
    let characters_per_word =
        if WITHOUT_SPACES.contains(&language.as_str()) { CHARACTERS_PER_WORD } else { 1 };
    let long = |parts: &[Part], limit: usize, finding: fn(usize) -> Finding, found: &mut Vec<Located>| {
        let lengths = parts.iter().map(|part| (part.words.len() / characters_per_word, part.span));
        let too_long = lengths.filter(|(words, _)| *words > limit);
        found.extend(too_long.map(|(words, span)| Located::at(finding(words), span)));
    };
    long(&evidence.structure.sentences, LONG_SENTENCE_WORDS, |words| Finding::LongSentence { words }, found);
    long(
        &evidence.structure.paragraphs,
        LONG_PARAGRAPH_WORDS,
        |words| Finding::LongParagraph { words },
        found,
    );
    let complex_syllables = match language.as_str() {
        "en" => Some(4),
        // Spanish words have half a syllable more than English ones.
        "es" => Some(5),
        _ => None,
    };
    if let Some(syllables) = complex_syllables {
        found.extend(
            evidence.structure.sentences.iter().filter_map(|sentence| complex(evidence, sentence, syllables)),
        );
    }
    repeated(evidence, found);
    same_starts(evidence, found);
}

fn words_of<'e>(evidence: &Evidence<'e>, part: &Part) -> &'e [Word] {
    evidence.text.words().get(part.words.clone()).unwrap_or_default()
}

/// A sentence with many words of at least `syllables` syllables.
fn complex(evidence: &Evidence<'_>, sentence: &Part, syllables: usize) -> Option<Located> {
    let words = words_of(evidence, sentence);
    // Names are what they are.
    let is_name = |word: Word| begins_with_capital(evidence.text.source(), word);
    let is_complex = |word: &&Word| evidence.profile.word(word.id).syllables >= syllables && !is_name(**word);
    let complex = words.iter().filter(is_complex).count();
    if complex < COMPLEX_WORDS.0 || complex * COMPLEX_WORDS.1 < words.len() {
        return None;
    }
    let mut examples: Vec<String> = Vec::new();
    for word in words.iter().filter(is_complex) {
        let normal = evidence.text.vocabulary().word(word.id);
        if examples.len() < EXAMPLES && !examples.iter().any(|known| known == normal) {
            examples.push(normal.to_owned());
        }
    }
    Some(Located::at(Finding::ComplexWords { complex, words: words.len(), examples }, sentence.span))
}

/// Sentences that stand more than once, word for word: points at the second place of each.
fn repeated(evidence: &Evidence<'_>, found: &mut Vec<Located>) {
    for group in equal_sentences(evidence.text, evidence.structure, REPEATED_SENTENCE_WORDS) {
        if let [first, second, ..] = group.as_slice() {
            let finding = Finding::RepeatedSentence { words: first.words.len(), times: group.len() };
            found.push(Located::at(finding, second.span));
        }
    }
}

/// Sentences in a row, within one paragraph, that begin with the same word.
fn same_starts(evidence: &Evidence<'_>, found: &mut Vec<Located>) {
    let first_word = |sentence: &Part| words_of(evidence, sentence).first().map(|word| word.id);
    let mut paragraphs = evidence.structure.paragraphs.iter().peekable();
    let mut paragraph_of = |sentence: &Part| {
        while paragraphs.next_if(|paragraph| paragraph.words.end <= sentence.words.start).is_some() {}
        paragraphs.peek().map(|paragraph| paragraph.words.start)
    };
    let starts: Vec<_> =
        evidence.structure.sentences.iter().map(|s| (paragraph_of(s), first_word(s), s.span)).collect();
    for row in starts.chunk_by(|one, next| (one.0, one.1) == (next.0, next.1)) {
        let (Some(&(_, Some(id), first)), Some(&(_, _, last))) = (row.first(), row.last()) else {
            continue;
        };
        let word = evidence.text.vocabulary().word(id);
        if row.len() >= REPEATED_STARTS && !is_figure(word) {
            let finding = Finding::RepeatedStart { word: word.to_owned(), sentences: row.len() };
            found.push(Located::at(finding, Span::new(first.start, last.end)));
        }
    }
}
