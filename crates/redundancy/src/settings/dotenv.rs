//! Reads `.env`: lines of `KEY=value` that count as if they stood in the environment, which is stronger. Keys that are no
//! settings belong to other programs. Nothing is put in the place of `$NAME`: a password may hold a dollar sign.

use std::collections::BTreeMap;

use super::fault::Fault;
use super::origin::{Given, Origin};

/// Read in the working directory.
pub(super) const FILE: &str = ".env";

/// What is said of a line that cannot be read. It may hold a secret, so it is not quoted.
const REMEDY: &str = "must be KEY=value; a value with spaces needs quotes";

/// The variables in `text`, and what is wrong with it. A variable that is set to nothing counts as unset.
pub(super) fn parse(text: &str) -> (BTreeMap<String, Given>, Vec<Fault>) {
    let mut variables = BTreeMap::new();
    let mut faults = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut rest, mut line) = (text, 1);
    while !rest.is_empty() {
        let behind = if let Some(Variable { name, value, behind }) = variable(rest) {
            // The last one counts, also if it unsets what stood before.
            variables.insert(name.to_owned(), Given { text: value, origin: Origin::DotEnv { line } });
            behind
        } else {
            let (first, behind) = first_line(rest);
            if !is_blank(first) {
                faults.push(Fault::other(format!("{FILE}:{line}: {REMEDY}")));
            }
            behind
        };
        let read = rest.strip_suffix(behind).unwrap_or(rest);
        line += read.matches('\n').count();
        rest = behind;
    }
    variables.retain(|_, given| !given.text.is_empty());
    (variables, faults)
}

/// A variable, and the text behind its last line.
struct Variable<'a> {
    name: &'a str,
    value: String,
    behind: &'a str,
}

/// The variable that `text` begins with, if its first line is one. A value in quotes may go on in the next lines.
fn variable(text: &str) -> Option<Variable<'_>> {
    let (name, _) = first_line(text).0.split_once('=')?;
    let rest = text.get(name.len() + 1..)?;
    let name = name.trim_matches([' ', '\t']);
    let name = name.strip_prefix("export ").map_or(name, |name| name.trim_start_matches([' ', '\t']));
    let mut characters = name.chars();
    let sound = characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
    if !sound {
        return None;
    }
    let rest = rest.trim_start_matches([' ', '\t']);
    let (value, rest) = match rest.chars().next() {
        Some('\'') => rest.get(1..)?.split_once('\'').map(|(value, rest)| (value.to_owned(), rest))?,
        Some('"') => in_double_quotes(rest.get(1..)?)?,
        _ => {
            let end =
                if rest.starts_with('#') { 0 } else { rest.find(char::is_whitespace).unwrap_or(rest.len()) };
            let (value, rest) = rest.split_at(end);
            (value.to_owned(), rest)
        }
    };
    let (comment, behind) = first_line(rest);
    is_blank(comment).then_some(Variable { name, value, behind })
}

/// The value up to the double quote that closes it, and what stands behind. A backslash takes the meaning from a quote,
/// a dollar sign or another backslash, and `\n` is a line break; nothing is put in the place of `$NAME`.
fn in_double_quotes(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.chars();
    loop {
        match characters.next()? {
            '"' => return Some((value, characters.as_str())),
            '\\' => match characters.next()? {
                'n' => value.push('\n'),
                escaped @ ('"' | '$' | '\\') => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            c => value.push(c),
        }
    }
}

/// The first line of `text`, and the lines behind it.
fn first_line(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}

/// Whether there is nothing in `line`, or a comment only.
fn is_blank(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_come_with_their_lines_and_the_last_one_counts() {
        let (variables, faults) =
            parse("# here\nPORT=1\nexport HOST = \"::1\"\n\nPORT='2'\nDATA_DIR=x\nDATA_DIR=\n");
        let given: Vec<_> =
            variables.iter().map(|(name, given)| format!("{name}={} {}", given.text, given.origin)).collect();
        assert_eq!(given, ["HOST=::1 .env:3", "PORT=2 .env:5"]);
        assert_eq!(faults, []);
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named_and_not_quoted() {
        let (variables, faults) = parse("PORT=1\nJWT_SECRET=hunter2 and more\nHOST=::1");
        assert_eq!(variables.keys().collect::<Vec<_>>(), ["HOST", "PORT"]);
        let told = super::super::fault::Faults::check(faults).unwrap_err().to_string();
        assert!(told.contains(".env:2: must be KEY=value") && !told.contains("hunter2"), "{told}");
    }

    #[test]
    fn quotes_may_hold_anything_and_no_dollar_sign_is_expanded() {
        let (variables, faults) = parse(
            "A=a$HOST#b # c\r\nB='a$A \"b\\' # c\nC=\"a $A \\$ \\\" \\\\ \\n#\"\nD=\"one\ntwo\"\nE=a\nF= # nothing\nG=\n  H=h",
        );
        let given: Vec<_> =
            variables.iter().map(|(name, given)| format!("{name}={} {}", given.text, given.origin)).collect();
        assert_eq!(
            given,
            [
                "A=a$HOST#b .env:1",
                "B=a$A \"b\\ .env:2",
                "C=a $A $ \" \\ \n# .env:3",
                "D=one\ntwo .env:4",
                "E=a .env:6",
                "H=h .env:9"
            ]
        );
        assert_eq!(faults, []);
    }

    #[test]
    fn every_fault_has_its_line() {
        let text = "\n# here\n=1\nnothing\n1A=b\nA='b' c\nD=\"one\ntwo\"\nA B=c\nE=\"never closed\nPORT=1";
        let (variables, faults) = parse(text);
        assert_eq!(variables.keys().collect::<Vec<_>>(), ["D", "PORT"]);
        let told = super::super::fault::Faults::check(faults).unwrap_err().to_string();
        let places: Vec<_> = told.lines().skip(1).filter_map(|line| line.split(": ").next()).collect();
        assert_eq!(places, ["3", "4", "5", "6", "9", "10"].map(|line| format!("  .env:{line}")));
    }
}
