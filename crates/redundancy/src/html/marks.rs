//! A text with places in it highlighted. Places may overlap in any way; HTML elements may not, so the text is cut at every
//! border of a place, and each piece shows the shortest place that covers it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use redundancy_engine::detect::Span;

use super::colour::hue;
use super::escape::escaped;

/// Longer blocks are cut, so that the browser can leave out what is not on the screen.
const MAX_BLOCK_BYTES: usize = 8 * 1024;
/// Longest look back for a good place to cut a block.
const CUT_WINDOW_BYTES: usize = 1024;

/// A place in a text.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    /// Where it is, in bytes.
    pub(super) span: Span,
    /// Which finding it belongs to; decides the colour.
    pub(super) colour: usize,
    /// Its own id, without anything that needs escaping.
    pub(super) id: String,
    /// The id of the place to go to from here.
    pub(super) next: String,
    /// The text of its badge.
    pub(super) label: String,
    /// What the badge says when the mouse is over it.
    pub(super) title: String,
}

/// `text` as blocks of HTML with `marks` in it. Time n·log n in the marks, linear in the text.
pub(super) fn marked(text: &str, marks: &[Mark]) -> String {
    let mut marker = Marker::new(text, marks);
    let mut page = String::with_capacity(text.len() + text.len() / 4 + marks.len() * 200);
    for block in blocks(text) {
        page.push_str("<p dir=\"auto\">");
        marker.write(block, &mut page);
        page.push_str("</p>\n");
    }
    page
}

struct Marker<'a> {
    text: &'a str,
    marks: &'a [Mark],
    /// Numbers of the marks by their beginnings, the longest first, and by their ends; what is behind the text is done.
    starts: std::iter::Peekable<std::vec::IntoIter<usize>>,
    ends: std::iter::Peekable<std::vec::IntoIter<usize>>,
    /// The marks that cover the current position, the shortest first.
    covering: BTreeSet<(usize, usize)>,
}

impl<'a> Marker<'a> {
    fn new(text: &'a str, marks: &'a [Mark]) -> Self {
        let fits = |&number: &usize| marks.get(number).is_some_and(|mark| !mark.span.slice(text).is_empty());
        let mut starts: Vec<usize> = (0..marks.len()).filter(fits).collect();
        let mut ends = starts.clone();
        let span = |&number: &usize| marks.get(number).map_or_else(Span::default, |mark| mark.span);
        starts.sort_by_key(|number| (span(number).start, std::cmp::Reverse(span(number).end)));
        ends.sort_by_key(|number| span(number).end);
        Self {
            text,
            marks,
            starts: starts.into_iter().peekable(),
            ends: ends.into_iter().peekable(),
            covering: BTreeSet::new(),
        }
    }

    /// Writes the part of the text under `block`. Blocks must come in order.
    fn write(&mut self, block: Span, page: &mut String) {
        let mut at = block.start;
        while at < block.end {
            self.end_marks(at);
            self.start_marks(at, page);
            let border = self.next_border(block.end);
            self.write_piece(Span::new(at, border), page);
            at = border;
        }
    }

    fn end_marks(&mut self, at: usize) {
        while let Some((number, mark)) = self.peek_end().filter(|(_, mark)| mark.span.end <= at) {
            self.covering.remove(&(mark.span.len(), number));
            self.ends.next();
        }
    }

    /// Begins the marks up to `at`, which is behind `at` only for those that begin between two blocks.
    fn start_marks(&mut self, at: usize, page: &mut String) {
        while let Some((number, mark)) = self.peek_start().filter(|(_, mark)| mark.span.start <= at) {
            self.starts.next();
            self.covering.insert((mark.span.len(), number));
            let Mark { id, next, label, title, .. } = mark;
            let _ = write!(
                page,
                "<a class=\"n\" id=\"{id}\" href=\"#{next}\" style=\"--h:{}\" title=\"{}\">{}</a>",
                hue(mark.colour),
                escaped(title),
                escaped(label)
            );
        }
    }

    fn next_border(&mut self, most: usize) -> usize {
        let start = self.peek_start().map_or(most, |(_, mark)| mark.span.start);
        let end = self.peek_end().map_or(most, |(_, mark)| mark.span.end);
        start.min(end).min(most)
    }

    fn write_piece(&self, span: Span, page: &mut String) {
        let text = escaped(span.slice(self.text));
        let mut colours =
            self.covering.iter().filter_map(|(_, number)| self.marks.get(*number)).map(|mark| mark.colour);
        let _ = match (colours.next(), colours.find(|_| true)) {
            (None, _) => write!(page, "{text}"),
            (Some(top), None) => write!(page, "<mark style=\"--h:{}\">{text}</mark>", hue(top)),
            (Some(top), Some(below)) => {
                write!(page, "<mark class=\"o\" style=\"--h:{};--g:{}\">{text}</mark>", hue(top), hue(below))
            }
        };
    }

    fn peek_start(&mut self) -> Option<(usize, &'a Mark)> {
        let number = *self.starts.peek()?;
        Some((number, self.marks.get(number)?))
    }

    fn peek_end(&mut self) -> Option<(usize, &'a Mark)> {
        let number = *self.ends.peek()?;
        Some((number, self.marks.get(number)?))
    }
}

/// The lines of `text` between blank ones; many or long lines in several blocks.
fn blocks(text: &str) -> Vec<Span> {
    let mut blocks = Vec::new();
    let mut block = Span::default();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let end = at + line.trim_end_matches(['\n', '\r']).len();
        if line.trim().is_empty() {
            push_in_pieces(text, block, &mut blocks);
            block = Span::default();
        } else {
            block = if block.is_empty() { Span::new(at, end) } else { Span::new(block.start, end) };
        }
        at += line.len();
    }
    push_in_pieces(text, block, &mut blocks);
    blocks
}

fn push_in_pieces(text: &str, mut block: Span, blocks: &mut Vec<Span>) {
    while block.len() > MAX_BLOCK_BYTES {
        let cut = good_cut(text, block.start + MAX_BLOCK_BYTES);
        blocks.push(Span::new(block.start, cut));
        block.start = cut;
    }
    if !block.is_empty() {
        blocks.push(block);
    }
}

/// The end of a line, else of a word, else of a character, shortly before `most`.
fn good_cut(text: &str, most: usize) -> usize {
    let most = text.floor_char_boundary(most);
    let from = text.floor_char_boundary(most - CUT_WINDOW_BYTES.min(most));
    let window = text.get(from..most).unwrap_or_default();
    let end = window.rfind('\n').or_else(|| window.rfind(' ')).map_or(window.len(), |at| at + 1);
    from + end
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mark(start: usize, end: usize, colour: usize) -> Mark {
        Mark {
            span: Span::new(start, end),
            colour,
            id: format!("m{start}-{end}-{colour}"),
            next: String::new(),
            label: String::new(),
            title: String::new(),
        }
    }

    /// What a browser would show.
    fn text_of(page: &str) -> String {
        let mut text = Vec::new();
        for Ok(token) in html5gum::Tokenizer::new(page) {
            if let html5gum::Token::String(string) = token {
                text.extend_from_slice(&string);
            }
        }
        String::from_utf8(text).unwrap()
    }

    /// The text and the badges, without what is the same everywhere.
    fn outline(text: &str, marks: &[Mark]) -> String {
        marked(text, marks)
            .replace("<p dir=\"auto\">", "")
            .replace("</p>\n", "|")
            .replace(" href=\"#\"", "")
            .replace(" title=\"\"", "")
            .replace("<a class=\"n\"", "<a")
    }

    #[test]
    fn overlapping_places_are_cut_and_the_shortest_is_on_top() {
        let (h0, h1) = (hue(0), hue(1));
        assert_eq!(
            outline("abcdef", &[mark(0, 4, 0), mark(2, 5, 1)]),
            format!(
                "<a id=\"m0-4-0\" style=\"--h:{h0}\"></a><mark style=\"--h:{h0}\">ab</mark>\
                 <a id=\"m2-5-1\" style=\"--h:{h1}\"></a><mark class=\"o\" style=\"--h:{h1};--g:{h0}\">cd</mark>\
                 <mark style=\"--h:{h1}\">e</mark>f|"
            )
        );
    }

    #[test]
    fn a_place_goes_on_over_empty_lines() {
        let h = hue(0);
        assert_eq!(
            outline("ab\n\ncd", &[mark(1, 5, 0)]),
            format!(
                "a<a id=\"m1-5-0\" style=\"--h:{h}\"></a><mark style=\"--h:{h}\">b</mark>|<mark style=\"--h:{h}\">c</mark>d|"
            )
        );
    }

    #[test]
    fn a_place_that_does_not_fit_the_text_is_left_out() {
        assert_eq!(outline("ñ", &[mark(1, 2, 0), mark(0, 9, 0), mark(0, 0, 0)]), "ñ|");
    }

    #[test]
    fn long_blocks_are_cut_between_words() {
        let text = "word ".repeat(10_000);
        let blocks = blocks(&text);
        assert!(blocks.len() > 5);
        for block in &blocks {
            assert!(block.len() <= MAX_BLOCK_BYTES);
            assert!(block.slice(&text).starts_with("word"), "{block:?}");
        }
    }

    proptest! {
        #[test]
        fn every_place_has_one_badge_and_no_text_is_lost(
            text in "([a-c<& \n]|ñ|😀|\n\n){0,60}",
            places in prop::collection::vec((0_usize..70, 1_usize..20), 0..8),
        ) {
            let marks: Vec<Mark> = places
                .iter()
                .enumerate()
                .map(|(number, (start, len))| Mark { id: format!("m{number}"), ..mark(*start, start + len, number) })
                .collect();
            let page = marked(&text, &marks);
            let shown = text_of(&page);
            let wanted: String = text.split_whitespace().collect();
            prop_assert_eq!(shown.split_whitespace().collect::<String>(), wanted);
            for (number, mark) in marks.iter().enumerate() {
                let blank = mark.span.slice(&text).trim().is_empty();
                let badges = page.matches(&format!("id=\"m{number}\"")).count();
                prop_assert!(badges == 1 || (blank && badges == 0), "{} badges", badges);
            }
        }
    }
}
