//! The text of a Markdown document as a reader sees it: without markup, front matter, addresses of links, and raw HTML
//! tags.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::html;
use super::plain::{Gap, PlainText};
use crate::lines::Lines;

/// The text of `document`, and where its lines begin in it.
pub(super) fn text(document: &str) -> (String, Lines) {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
        | Options::ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS;
    let mut plain = PlainText::default();
    let mut front_matter = false;
    // A block of raw HTML arrives line by line; only the whole says what is text in it.
    let mut raw = String::new();
    let mut raw_number = 1;
    let lines = Lines::of(document);
    for (event, range) in Parser::new_ext(document, options).into_offset_iter() {
        let number = lines.number_at(range.start);
        match event {
            Event::Start(Tag::MetadataBlock(_)) => front_matter = true,
            Event::End(TagEnd::MetadataBlock(_)) => front_matter = false,
            Event::End(TagEnd::HtmlBlock) => {
                html::add(&std::mem::take(&mut raw), raw_number, &mut plain);
                plain.leave(Gap::Paragraph);
            }
            Event::Html(line) => {
                if raw.is_empty() {
                    raw_number = number;
                }
                raw.push_str(&line);
            }
            Event::Text(text) | Event::Code(text) if !front_matter => plain.push_exact(&text, number),
            Event::InlineMath(text) | Event::DisplayMath(text) => plain.push_exact(&text, number),
            Event::SoftBreak | Event::HardBreak => plain.leave(Gap::Line),
            Event::Start(tag) => plain.leave(gap_around(tag.to_end())),
            Event::End(tag) => plain.leave(gap_around(tag)),
            Event::Rule => plain.leave(Gap::Paragraph),
            Event::Text(_)
            | Event::Code(_)
            | Event::InlineHtml(_)
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_) => {}
        }
    }
    plain.finish()
}

fn gap_around(tag: TagEnd) -> Gap {
    match tag {
        TagEnd::Paragraph
        | TagEnd::Heading(_)
        | TagEnd::BlockQuote(_)
        | TagEnd::CodeBlock
        | TagEnd::HtmlBlock
        | TagEnd::FootnoteDefinition
        | TagEnd::Table
        | TagEnd::MetadataBlock(_) => Gap::Paragraph,
        TagEnd::List(_)
        | TagEnd::Item
        | TagEnd::DefinitionList
        | TagEnd::DefinitionListTitle
        | TagEnd::DefinitionListDefinition
        | TagEnd::TableHead
        | TagEnd::TableRow => Gap::Line,
        TagEnd::TableCell => Gap::Space,
        TagEnd::Emphasis
        | TagEnd::Strong
        | TagEnd::Strikethrough
        | TagEnd::Superscript
        | TagEnd::Subscript
        | TagEnd::Link
        | TagEnd::Image => Gap::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(document: &str, expected: &str) {
        assert_eq!(text(document).0, expected, "{document}");
    }

    #[test]
    fn markup_goes_and_text_stays_with_its_paragraphs_and_lines() {
        check(
            "# One\n\nTwo *th*ree\nfour [five](http://a \"b\") `six`.\n\n- seven\n- eight\n\n> nine\n",
            "One\n\nTwo three\nfour five six.\n\nseven\neight\n\nnine",
        );
        check("| a | b |\n|---|---|\n| c | d |\n", "a b\nc d");
        check("```sh\ncode --here\n```\n\nafter", "code --here\n\nafter");
    }

    #[test]
    fn lines_of_the_document_are_found_again_in_its_text() {
        let document =
            "---\na: b\n---\n\n# One\n\ntwo\nthree\n\n```\nfour\nfive\n```\n\n<div>\nsix\n</div>\n";
        let (text, lines) = text(document);
        for (word, number) in [("One", 5), ("two", 7), ("three", 8), ("four", 11), ("five", 12), ("six", 16)]
        {
            assert_eq!(lines.number_at(text.find(word).unwrap()), number, "{word}");
        }
    }

    #[test]
    fn front_matter_is_no_text() {
        check("---\ntitle: A\n---\n\nText.", "Text.");
        check("+++\ntitle = 1\n+++\n\nText.", "Text.");
    }

    #[test]
    fn raw_html_is_stripped_too() {
        check("a <b>c</b> d\n\n<div>\n<script>e</script>\nf\n</div>\n\ng", "a c d\n\nf\n\ng");
    }
}
