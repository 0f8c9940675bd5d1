//! Findings with positions in the unit that the user asked for. Inside the program positions count bytes.

use redundancy_engine::detect::{Analysis, OffsetMap, Quality, Similarity};

/// Translates all positions of `analysis`.
pub(super) fn of_analysis(analysis: &mut Analysis, offsets: &OffsetMap<'_>) {
    let passages = analysis.repeated_passages.iter_mut().flat_map(|passage| &mut passage.occurrences);
    let sentences = analysis.duplicate_sentences.iter_mut().flat_map(|sentence| &mut sentence.occurrences);
    for span in passages.chain(sentences) {
        *span = offsets.span(*span);
    }
}

/// Translates all positions of `similarity`, in the first text by `first` and in the second by `second`.
pub(super) fn of_similarity(similarity: &mut Similarity, first: &OffsetMap<'_>, second: &OffsetMap<'_>) {
    for found in &mut similarity.matches {
        found.text1 = first.span(found.text1);
        found.text2 = second.span(found.text2);
    }
}

/// Translates all positions of `quality`.
pub(super) fn of_quality(quality: &mut Quality, offsets: &OffsetMap<'_>) {
    for span in quality.suggestions.iter_mut().filter_map(|suggestion| suggestion.span.as_mut()) {
        *span = offsets.span(*span);
    }
}
