//! A text's paragraphs and sentences, with the words in each. Borders are found by rules, without a model: the same text
//! always gives the same parts.

mod abbreviations;
mod list_marks;
mod paragraphs;
mod sentences;

use crate::span::Span;
use crate::text::Text;
use crate::words::Word;
use std::ops::Range;

/// Prose has a sentence about this often; room is made for so many.
const BYTES_PER_SENTENCE: usize = 80;

/// A sentence or a paragraph: where it stands and which words are in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Where it stands, in bytes, without white space around it.
    pub span: Span,
    /// Its words, as indices into [`Text::words`]; never empty.
    pub words: Range<usize>,
}

/// The paragraphs and sentences of one text, in order. Parts without a word (a line of dashes, say) are left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Structure {
    /// Blocks of lines; see the `paragraphs` module for what divides them.
    pub paragraphs: Vec<Part>,
    /// Sentences; none reaches over the border of a paragraph.
    pub sentences: Vec<Part>,
}

impl Structure {
    /// Finds the parts of `text`. Linear time.
    pub(crate) fn of(text: &Text<'_>) -> Self {
        let source = text.source();
        let paragraphs = paragraphs::split(source);
        let mut sentences = Vec::with_capacity(source.len() / BYTES_PER_SENTENCE);
        for &paragraph in &paragraphs {
            sentences::split(source, paragraph, &mut |span| sentences.push(span));
        }
        Self {
            paragraphs: with_words(&paragraphs, text.words()),
            sentences: with_words(&sentences, text.words()),
        }
    }
}

/// Adds to each span the words that begin in it. Spans and words are both in order, so one pass does.
fn with_words(spans: &[Span], words: &[Word]) -> Vec<Part> {
    let mut next = 0;
    let mut before = |limit: usize| {
        next += words.get(next..).unwrap_or_default().iter().take_while(|w| w.span().start < limit).count();
        next
    };
    let mut parts = Vec::with_capacity(spans.len());
    let with_words = spans.iter().map(|&span| Part { span, words: before(span.start)..before(span.end) });
    parts.extend(with_words.filter(|part| !part.words.is_empty()));
    parts
}
