//! Parts that all kinds of sections are made of.

use std::borrow::Cow;
use std::fmt::Write as _;

use redundancy_engine::detect::Span;

use super::escape::escaped;

/// Longest snippet of a text in a list, in characters.
const SNIPPET_CHARS: usize = 140;
/// Longest name of a document in a list, in characters.
const NAME_CHARS: usize = 160;

/// A figure with its name, and a bar if it is a share from 0 to 1.
pub(super) struct Card<'a> {
    pub(super) name: &'a str,
    pub(super) figure: String,
    pub(super) share: Option<f64>,
    pub(super) note: &'a str,
    /// How it should make the reader feel.
    pub(super) mood: Mood,
}

/// How a figure is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Good,
    Fair,
    Poor,
    Neutral,
}

impl Mood {
    const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Fair => "fair",
            Self::Poor => "poor",
            Self::Neutral => "neutral",
        }
    }
}

/// Cards beside each other.
pub(super) fn cards(cards: &[Card<'_>]) -> String {
    let mut html = String::from("<dl class=\"cards\">\n");
    for card in cards {
        let _ = write!(
            html,
            "<div class=\"{}\"><dt>{}</dt><dd><strong>{}</strong>",
            card.mood.class(),
            escaped(card.name),
            escaped(&card.figure)
        );
        if let Some(share) = card.share {
            let percent = share.clamp(0.0, 1.0) * 100.0;
            let _ = write!(html, "<span class=\"bar\"><span style=\"width:{percent:.1}%\"></span></span>");
        }
        let _ = writeln!(html, "<small>{}</small></dd></div>", escaped(card.note));
    }
    html.push_str("</dl>\n");
    html
}

/// Facts in one line.
pub(super) fn facts(facts: &[String]) -> String {
    let facts: Vec<String> = facts.iter().map(|fact| format!("<span>{}</span>", escaped(fact))).collect();
    format!("<p class=\"facts\">{}</p>\n", facts.join(" "))
}

/// The beginning of `text` in one line, escaped.
pub(super) fn snippet(text: &str) -> String {
    let mut words = String::new();
    for word in text.split_whitespace() {
        let room = SNIPPET_CHARS.saturating_sub(words.chars().count() + 1);
        if words.is_empty() {
            words.extend(word.chars().take(room));
        } else if word.chars().count() <= room {
            words.push(' ');
            words.push_str(word);
        } else {
            words.push_str(" …");
            break;
        }
    }
    escaped(&words).into_owned()
}

/// A name of outside, not too long to stand in a list. Not escaped.
pub(super) fn shortened(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(NAME_CHARS) {
        None => Cow::Borrowed(name),
        Some((end, _)) => Cow::Owned(format!("{}…", name.get(..end).unwrap_or_default())),
    }
}

/// Tells whether a place lies inside one of many.
pub(super) struct Cover {
    /// Disjoint, in order.
    spans: Vec<Span>,
}

impl Cover {
    /// What `spans` cover together.
    pub(super) fn of(mut spans: Vec<Span>) -> Self {
        spans.sort_unstable();
        let mut merged: Vec<Span> = Vec::with_capacity(spans.len());
        for span in spans {
            match merged.last_mut() {
                Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
                _ => merged.push(span),
            }
        }
        Self { spans: merged }
    }

    /// Whether all of `span` is covered.
    pub(super) fn contains(&self, span: Span) -> bool {
        let behind = self.spans.partition_point(|covered| covered.start <= span.start);
        let covering = behind.checked_sub(1).and_then(|last| self.spans.get(last));
        covering.is_some_and(|covered| span.end <= covered.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_covered_by_several_that_touch() {
        let cover = Cover::of(vec![Span::new(5, 9), Span::new(0, 3), Span::new(3, 4)]);
        for (start, end, covered) in
            [(0, 4, true), (1, 2, true), (3, 5, false), (5, 9, true), (8, 10, false), (20, 21, false)]
        {
            assert_eq!(cover.contains(Span::new(start, end)), covered, "{start}..{end}");
        }
    }

    #[test]
    fn a_snippet_is_one_line_and_not_too_long() {
        assert_eq!(snippet(" a\n\n<b> "), "a &lt;b&gt;");
        assert!(snippet(&"word ".repeat(100)).chars().count() <= SNIPPET_CHARS + 2);
        assert!(snippet(&"w".repeat(1000)).chars().count() <= SNIPPET_CHARS + 1);
    }
}
