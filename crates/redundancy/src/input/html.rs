//! The text of an HTML page as a reader sees it: without tags, comments, scripts, styles, and what is there only for
//! browsers that run no scripts.
//!
//! Pages are read token by token, not as a tree: what matters here is which text stands in one line, and a page may be
//! as broken as it likes.

use html5gum::{DefaultEmitter, Token, Tokenizer};

use super::plain::{Gap, PlainText};
use crate::lines::Lines;

/// Elements whose content is not shown as text.
const HIDDEN: [&[u8]; 11] = [
    b"script",
    b"style",
    b"title",
    b"noscript",
    b"template",
    b"svg",
    b"iframe",
    b"noembed",
    b"noframes",
    b"object",
    b"datalist",
];
/// Elements that stand apart like a paragraph.
const APART: [&[u8]; 27] = [
    b"address",
    b"article",
    b"aside",
    b"blockquote",
    b"body",
    b"details",
    b"dialog",
    b"div",
    b"dl",
    b"fieldset",
    b"figure",
    b"footer",
    b"form",
    b"h1",
    b"h2",
    b"h3",
    b"h4",
    b"h5",
    b"h6",
    b"header",
    b"hr",
    b"main",
    b"nav",
    b"p",
    b"pre",
    b"section",
    b"table",
];
/// Elements that begin a line.
const LINES: [&[u8]; 13] = [
    b"br",
    b"caption",
    b"dd",
    b"dt",
    b"figcaption",
    b"legend",
    b"li",
    b"ol",
    b"option",
    b"summary",
    b"textarea",
    b"tr",
    b"ul",
];
/// Elements that stand in one line with their neighbours, but not in one word.
const CELLS: [&[u8]; 3] = [b"td", b"th", b"button"];

/// The text of `page`, and where its lines begin in it. Time n·log n in the length of the page.
pub(super) fn text(page: &str) -> (String, Lines) {
    let mut plain = PlainText::default();
    add(page, 1, &mut plain);
    plain.finish()
}

/// Adds the text of `page`, which begins in line `number` of the file.
pub(super) fn add(page: &str, number: usize, plain: &mut PlainText) {
    let lines = Lines::of(page);
    let mut emitter = DefaultEmitter::<usize>::new_with_span();
    // Without this, what stands in a script would be read as tags.
    emitter.naively_switch_states(true);
    let mut extractor = Extractor { plain, hidden: None, preformatted: 0 };
    for Ok(token) in Tokenizer::new_with_emitter(page, emitter) {
        match token {
            Token::StartTag(tag) => extractor.open(&tag.name, tag.self_closing),
            Token::EndTag(tag) => extractor.close(&tag.name),
            Token::String(text) => extractor.string(&text, number - 1 + lines.number_at(text.span.start)),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
}

struct Extractor<'a> {
    plain: &'a mut PlainText,
    /// The element that hides the text now, and how many of its kind are open.
    hidden: Option<(Vec<u8>, usize)>,
    /// How many `pre` are open.
    preformatted: usize,
}

impl Extractor<'_> {
    fn open(&mut self, name: &[u8], self_closing: bool) {
        match &mut self.hidden {
            Some((hiding, depth)) if hiding == name && !self_closing => *depth += 1,
            Some(_) => {}
            None if HIDDEN.contains(&name) => {
                // An empty `<svg/>` hides nothing. Other elements of HTML have no such form: `<script/>` stays open.
                if !(self_closing && name == b"svg") {
                    self.hidden = Some((name.to_vec(), 1));
                }
            }
            None => {
                self.plain.leave(gap_around(name));
                self.preformatted += usize::from(name == b"pre");
            }
        }
    }

    fn close(&mut self, name: &[u8]) {
        match &mut self.hidden {
            Some((hiding, depth)) if hiding == name => {
                *depth -= 1;
                if *depth == 0 {
                    self.hidden = None;
                }
            }
            Some(_) => {}
            None => {
                self.plain.leave(gap_around(name));
                self.preformatted = self.preformatted.saturating_sub(usize::from(name == b"pre"));
            }
        }
    }

    fn string(&mut self, text: &[u8], number: usize) {
        if self.hidden.is_some() {
            return;
        }
        let text = String::from_utf8_lossy(text);
        if self.preformatted > 0 {
            self.plain.push_exact(&text, number);
        } else {
            self.plain.push_flowing(&text, number);
        }
    }
}

fn gap_around(name: &[u8]) -> Gap {
    if APART.contains(&name) {
        Gap::Paragraph
    } else if LINES.contains(&name) {
        Gap::Line
    } else if CELLS.contains(&name) {
        Gap::Space
    } else {
        Gap::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(page: &str, expected: &str) {
        assert_eq!(text(page).0, expected, "{page}");
    }

    #[test]
    fn lines_of_the_page_are_found_again_in_its_text() {
        let page = "<html>\n<p>one\ntwo &amp;\nthree\n<script>\n</script>\n<pre>four\nfive</pre>";
        let (text, lines) = text(page);
        for (word, number) in [("one", 2), ("two", 3), ("three", 4), ("four", 7), ("five", 8)] {
            assert_eq!(lines.number_at(text.find(word).unwrap()), number, "{word}");
        }
    }

    #[test]
    fn tags_go_and_text_stays_with_its_paragraphs_and_lines() {
        check(
            "<!doctype html><title>T</title><h1>One</h1><p>two <b>th</b>ree\n  four<br>five<ul><li>six<li>seven</ul>",
            "One\n\ntwo three four\nfive\nsix\nseven",
        );
        check("<table><tr><td>a<td>b<tr><td>c</table>d", "a b\nc\n\nd");
    }

    #[test]
    fn nothing_of_scripts_styles_and_comments_is_left() {
        check("a<script>if (b<c) document.write('<p>d</p>')</script>e", "ae");
        check("a <style>p > b { color: red }</style><!-- c --><noscript>d</noscript> e", "a e");
        check("a<template><p>b<template>c</template>d</template>e", "ae");
        check("a<svg><title>b</title><text>c</text></svg>d<svg/>e", "ade");
        check("<script>a", "");
    }

    #[test]
    fn character_references_become_characters() {
        check("&lt;b&gt; &amp; &ntilde;&#241;&#xF1; &notit;", "<b> & ñññ ¬it;");
    }

    #[test]
    fn preformatted_text_keeps_its_lines() {
        check("<p>a\nb</p><pre>c\n  d</pre><p>e", "a b\n\nc\n  d\n\ne");
    }

    #[test]
    fn broken_pages_lose_no_text() {
        check("</p></div>a<b><i>b</b></i><p", "ab");
        check("a < b & c > d", "a < b & c > d");
        check(&"<div>".repeat(100_000), "");
    }
}
