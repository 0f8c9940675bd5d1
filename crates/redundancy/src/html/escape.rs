//! Text from outside, made harmless for HTML.

use std::borrow::Cow;

/// `text` for use between tags and in quoted attributes. Control characters, which HTML does not allow, become visible.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(needs_escape) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\r' => safe.push('\n'),
            c if needs_escape(c) => safe.push(char::REPLACEMENT_CHARACTER),
            c => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

fn needs_escape(c: char) -> bool {
    matches!(c, '&' | '<' | '>' | '"' | '\'') || (c.is_control() && !matches!(c, '\n' | '\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_leave_its_place() {
        assert_eq!(
            escaped("</p><script>\"'&\0\u{1b}"),
            "&lt;/p&gt;&lt;script&gt;&quot;&#39;&amp;\u{fffd}\u{fffd}"
        );
        assert_eq!(escaped("a\tb\nc ñ"), "a\tb\nc ñ");
    }
}
