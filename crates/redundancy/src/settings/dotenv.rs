//! Reads `.env`: lines of `KEY=value` that count as if they stood in the environment, which is stronger. Keys that are no
//! settings belong to other programs.

use std::collections::BTreeMap;

use super::fault::Fault;
use super::origin::{Given, Origin};

/// Read in the working directory.
pub(super) const FILE: &str = ".env";

/// The variables in `text`, and what is wrong with it. A variable that is set to nothing counts as unset.
pub(super) fn parse(text: &str) -> (BTreeMap<String, Given>, Vec<Fault>) {
    let mut variables = BTreeMap::new();
    let mut faults = Vec::new();
    for variable in dotenvy::from_read_iter(text.as_bytes()) {
        match variable {
            Ok((name, value)) => {
                let line = last_line(text, |line| sets(line, &name));
                let given = Given { text: value, origin: Origin::DotEnv { line } };
                // The last one counts, also if it unsets what stood before.
                variables.insert(name, given);
            }
            // The line may hold a secret, so it is not quoted.
            Err(error) => faults.push(Fault::other(format!(
                "{FILE}{}: must be KEY=value; a value with spaces needs quotes",
                place(text, &error)
            ))),
        }
    }
    variables.retain(|_, given| !given.text.is_empty());
    (variables, faults)
}

/// Where a line that cannot be read stands, if the error tells.
fn place(text: &str, error: &dotenvy::Error) -> String {
    let dotenvy::Error::LineParse(wrong, _) = error else { return String::new() };
    format!(":{}", last_line(text, |line| line.contains(wrong.as_str())))
}

/// Whether `line` sets the variable `name`.
fn sets(line: &str, name: &str) -> bool {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
    line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='))
}

/// The number of the last line that `is_it`, counted from 1.
fn last_line(text: &str, is_it: impl Fn(&str) -> bool) -> usize {
    (1..).zip(text.lines()).filter(|(_, line)| is_it(line)).last().map_or(1, |(number, _)| number)
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
}
