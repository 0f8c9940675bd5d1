//! Marks that begin a list item or a numbered heading: `1.`, `2.3.`, `a)`, `ii.`, `III.` Their full stop ends no sentence.

/// A mark at the beginning of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ListMark {
    /// Its length with the stop or bracket, in bytes.
    pub bytes: usize,
    /// Whether it may as well be the initial of a name (`J.`).
    pub may_be_initial: bool,
}

/// Longest mark without its stop, in bytes: `XXXVIII`, `12.3.10`.
const MOST_BYTES: usize = 8;

/// The mark at the beginning of `line`, which has no white space before it. Linear in the first word.
pub(super) fn list_mark(line: &str) -> Option<ListMark> {
    let marker = line.split_whitespace().next()?;
    let name = marker.strip_suffix(['.', ')'])?;
    if name.is_empty() || name.len() > MOST_BYTES {
        return None;
    }
    // Lower case goes without L, since "ill" is a word; numbers above 39 are rare there.
    let roman = |digits: &[u8]| name.bytes().all(|b| digits.contains(&b));
    let capital = name.len() == 1 && name.bytes().all(|b| b.is_ascii_uppercase());
    let letter = name.len() == 1 && name.bytes().all(|b| b.is_ascii_lowercase());
    (is_number(name) || letter || capital || roman(b"ivx") || roman(b"IVXL"))
        .then_some(ListMark { bytes: marker.len(), may_be_initial: capital && marker.ends_with('.') })
}

/// Whether `name` is a number of up to three digits, or several with stops between them. More digits are a year.
fn is_number(name: &str) -> bool {
    name.split('.').all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_letters_and_roman_numerals_mark_items() {
        for marker in ["1.", "12)", "2.3.", "a.", "b)", "ii.", "xiv)", "I.", "III.", "XLII.", "A."] {
            let found = list_mark(&format!("{marker} Proponer normas")).map(|mark| mark.bytes);
            assert_eq!(found, Some(marker.len()), "{marker}");
        }
    }

    #[test]
    fn words_and_years_mark_none() {
        for line in ["", "No. 5", "ill. Then", "1999. Then", ". a", "3.14 is pi", "mi. ya", "¿a. b", "a b"] {
            assert_eq!(list_mark(line), None, "{line}");
        }
    }
}
