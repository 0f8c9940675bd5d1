//! Reads `redundancy.toml`: the keys of the environment, as they are or in lower case, one level, with strings, numbers, booleans, or
//! lists of them where the environment has commas.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::fault::Fault;
use super::keys::{self, Key};
use super::origin::{Given, Origin};

/// Read in the working directory when no other file is named.
pub(super) const DEFAULT_FILE: &str = "redundancy.toml";
/// No settings file comes near this size; a file that does is another one.
const MAX_BYTES: u64 = 1 << 20;

/// The text of a file of settings.
pub(super) fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let file = fs::File::open(path)?;
    let length = file.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if length as u64 > MAX_BYTES {
        return Err(io::Error::other("it has more than 1 MiB, so it is no file of settings"));
    }
    Ok(text)
}

/// The settings in `text`, which stood in `path`, and what is wrong with it.
pub(super) fn parse(path: &Path, text: &str) -> (Vec<(&'static Key, Given)>, Vec<Fault>) {
    let table = match DeTable::parse(text) {
        Ok(table) => table.into_inner(),
        Err(error) => {
            let line = error.span().map_or(1, |span| line_at(text, span.start));
            let fault = format!("{}:{line}: {}", path.display(), error.message());
            return (Vec::new(), vec![Fault::other(fault)]);
        }
    };
    let mut given = Vec::new();
    let mut faults = Vec::new();
    for (name, value) in table {
        let line = line_at(text, name.span().start);
        let name = name.into_inner();
        let at = format!("{}:{line}", path.display());
        let key = keys::named(&name).filter(|key| key.name == name || key.name.to_ascii_lowercase() == name);
        match (key, plain(value.get_ref())) {
            (None, _) => faults.push(Fault::other(format!("{at}: {}", unknown(&name)))),
            (Some(_), None) => faults.push(Fault::other(format!(
                "{at}: {name} must be a string, a number, true, false, or a list of them"
            ))),
            (Some(key), Some(_)) if given.iter().any(|(other, _)| *other == key) => {
                faults.push(Fault::other(format!(
                    "{at}: {} and {} are the same setting: keep one of them",
                    key.name,
                    key.name.to_ascii_lowercase()
                )));
            }
            (Some(key), Some(text)) => {
                let path = path.to_owned();
                given.push((key, Given { text, origin: Origin::File { path, line } }));
            }
        }
    }
    (given, faults)
}

/// Says that there is no setting `name`, and which one was probably meant.
fn unknown(name: &str) -> String {
    let meant = keys::named(name).or_else(|| keys::nearest(name));
    match meant {
        Some(key) => format!("there is no setting {name}; did you mean {}?", key.name.to_ascii_lowercase()),
        None => format!("there is no setting {name}; `redundancy config` lists all of them"),
    }
}

/// A value as it would stand in the environment.
fn plain(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.clone().into_owned()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Float(number) => Some(number.to_string()),
        DeValue::Boolean(flag) => Some(flag.to_string()),
        DeValue::Array(items) => {
            let items: Option<Vec<String>> = items
                .iter()
                .map(|item| plain(item.get_ref()).filter(|_| item.get_ref().as_array().is_none()))
                .collect();
            items.map(|items| items.join(","))
        }
        DeValue::Datetime(_) | DeValue::Table(_) => None,
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|&byte| byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, settings: &[(&str, &str, usize)], faults: &[&str]) {
        let (given, found) = parse(Path::new("redundancy.toml"), text);
        let mut given: Vec<_> = given
            .into_iter()
            .map(|(key, given)| {
                let Origin::File { line, .. } = given.origin else { panic!("{}", given.origin) };
                (key.name, given.text, line)
            })
            .collect();
        given.sort_by_key(|(_, _, line)| *line);
        let given: Vec<_> = given.iter().map(|(name, text, line)| (*name, text.as_str(), *line)).collect();
        assert_eq!(given, settings);
        let found = super::super::fault::Faults::check(found).err().map(|faults| faults.to_string());
        for fault in faults {
            assert!(found.as_ref().is_some_and(|found| found.contains(fault)), "{found:?} lacks {fault:?}");
        }
        assert_eq!(found.is_some(), !faults.is_empty(), "{found:?}");
    }

    #[test]
    fn every_plain_value_is_taken_with_its_line() {
        check(
            "# settings\nhost = \"::1\"\nport = 80\n\nenable_metrics = false\ncors_origins = [\"http://a\", \"http://b\"]\n",
            &[
                ("HOST", "::1", 2),
                ("PORT", "80", 3),
                ("ENABLE_METRICS", "false", 5),
                ("CORS_ORIGINS", "http://a,http://b", 6),
            ],
            &[],
        );
    }

    #[test]
    fn a_key_may_stand_as_in_the_environment_but_not_twice() {
        check("PORT = 9000\nLOG_LEVEL = \"warn\"\n", &[("PORT", "9000", 1), ("LOG_LEVEL", "warn", 2)], &[]);
        let (_, faults) = parse(Path::new("redundancy.toml"), "port = 1\nPORT = 2\n");
        let told = super::super::fault::Faults::check(faults).unwrap_err().to_string();
        assert!(told.contains("PORT and port are the same setting: keep one of them"), "{told}");
    }

    #[test]
    fn unknown_keys_and_tables_are_all_told_with_their_lines() {
        check(
            "prot = 1\nfavourite_colour = 2\nPort = 3\n[host]\na = 1\n",
            &[],
            &[
                "redundancy.toml:1: there is no setting prot; did you mean port?",
                "redundancy.toml:2: there is no setting favourite_colour; `redundancy config` lists",
                "redundancy.toml:3: there is no setting Port; did you mean port?",
                "redundancy.toml:4: host must be a string",
            ],
        );
    }

    #[test]
    fn a_file_that_is_no_toml_is_told_with_the_line() {
        check("host = \"::1\"\nport 80\n", &[], &["redundancy.toml:2: "]);
    }
}
