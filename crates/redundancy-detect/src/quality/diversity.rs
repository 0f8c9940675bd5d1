//! How varied the vocabulary of a text is. Words count as they are after normalisation; forms of one lemma are different words.

use crate::analyze::share;
use crate::text::Text;
use crate::vocabulary::WordId;

/// Lexical diversity by two measures. Both are 0 for a text without words.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LexicalDiversity {
    /// Type-token ratio: distinct words / words, 0 to 1. It falls with the length of any text, so it compares texts of equal
    /// length only.
    pub ttr: f64,
    /// Measure of textual lexical diversity (`McCarthy` & Jarvis 2010, "MTLD, vocd-D, and HD-D", Behavior Research Methods
    /// 42): the mean length in words of runs whose type-token ratio stays above 0.72, read forwards and backwards, the rest
    /// at the end counted in part. It does not depend on length from about 100 words on. News stories and novels
    /// lie around 100, technical prose around 65. A text that repeats no word never ends a run; its length in words is given,
    /// the least that can be said.
    pub mtld: f64,
}

impl LexicalDiversity {
    /// The diversity of `text`. Linear time.
    pub(super) fn of(text: &Text<'_>) -> Self {
        let words: Vec<WordId> = text.words().iter().map(|word| word.id).collect();
        let distinct = text.vocabulary().len();
        let forwards = mtld_of_one_reading(words.iter().copied(), words.len(), distinct);
        let backwards = mtld_of_one_reading(words.iter().rev().copied(), words.len(), distinct);
        Self { ttr: share(distinct, words.len()), mtld: forwards.midpoint(backwards) }
    }
}

/// Words per factor. A factor ends as soon as the type-token ratio has come down to 0.72, which is 18/25: compared in whole
/// numbers, so that no rounding moves a border.
fn mtld_of_one_reading(words: impl Iterator<Item = WordId>, length: usize, distinct: usize) -> f64 {
    const RATIO: (usize, usize) = (18, 25);
    // `last_seen[w]` = the factor in which word w stood last, counted from 1.
    let mut last_seen = vec![0; distinct];
    let mut full_factors = 0_usize;
    let (mut types, mut tokens) = (0_usize, 0_usize);
    for word in words {
        tokens += 1;
        if let Some(seen) = last_seen.get_mut(word.index()).filter(|seen| **seen != full_factors + 1) {
            *seen = full_factors + 1;
            types += 1;
        }
        if types * RATIO.1 <= tokens * RATIO.0 {
            full_factors += 1;
            (types, tokens) = (0, 0);
        }
    }
    let rest = if tokens == 0 { 0.0 } else { 1.0 - share(types, tokens) };
    let factors = full_factors as f64 + rest / (1.0 - share(RATIO.0, RATIO.1));
    if factors > 0.0 { length as f64 / factors } else { length as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diversity(source: &str) -> LexicalDiversity {
        LexicalDiversity::of(&Text::new(source).unwrap())
    }

    #[test]
    fn a_factor_ends_where_the_paper_ends_it() {
        // The paper's own example: the ratio comes down to .667 at the sixth word, and what is left, "for the people", has a
        // ratio of 1 and adds nothing. Backwards it comes down to .6 at the fifth word.
        let found = diversity("of the people by the people for the people");
        assert!((found.mtld - 9.0).abs() < 1e-9, "{found:?}");
        assert!((found.ttr - 5.0 / 9.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_left_counts_in_part() {
        // a b c a: .75, so (1 - .75) / (1 - .72) = .892857 of a factor in either direction; 4 words / .892857 = 4.48.
        assert!((diversity("a b c a").mtld - 4.48).abs() < 1e-9);
    }

    #[test]
    fn a_ratio_of_exactly_the_limit_ends_a_factor() {
        // 18 distinct words and seven repeats: 18/25 = 0.72 at the last word.
        let distinct: Vec<String> = (0..18).map(|i| format!("w{i}")).collect();
        let text = format!("{} {}", distinct.join(" "), "w17 w17 w17 w17 w17 w17 w17");
        let words: Vec<WordId> = Text::new(&text).unwrap().words().iter().map(|w| w.id).collect();
        assert!((mtld_of_one_reading(words.iter().copied(), 25, 18) - 25.0).abs() < 1e-9);
    }

    #[test]
    fn without_repeats_the_length_is_given() {
        assert!((diversity("every word here is new").mtld - 5.0).abs() < 1e-9);
    }

    #[test]
    fn one_word_over_and_over_has_runs_of_two() {
        assert!((diversity(&"no ".repeat(1000)).mtld - 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_text_without_words_has_none() {
        assert_eq!(diversity("…"), LexicalDiversity::default());
    }
}
