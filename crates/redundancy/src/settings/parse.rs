//! Turns the text of a setting into its value. A parser that fails says what would do, in words that follow the key
//! and the value in the message: "must be …".

use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use redundancy_server::Origin;

use super::reader::Parsed;

const SIZE_UNITS: [(&str, u64); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)];

/// Any text.
#[expect(clippy::unnecessary_wraps, reason = "it is a parser like the others")]
pub(super) fn text(text: &str) -> Parsed<String> {
    Ok(text.to_owned())
}

/// `true` or `false`.
pub(super) fn flag(text: &str) -> Parsed<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err("must be true or false".to_owned()),
    }
}

/// A whole number in `range`.
pub(super) fn number<N: FromStr + PartialOrd + fmt::Display>(
    range: RangeInclusive<N>,
) -> impl Fn(&str) -> Parsed<N> {
    move |text| {
        text.parse()
            .ok()
            .filter(|number| range.contains(number))
            .ok_or_else(|| format!("must be a whole number from {} to {}", range.start(), range.end()))
    }
}

/// Whole seconds in `range`.
pub(super) fn seconds(range: RangeInclusive<u64>) -> impl Fn(&str) -> Parsed<Duration> {
    move |text| {
        number(range.clone())(text)
            .map(Duration::from_secs)
            .map_err(|remedy| remedy.replace("a whole number", "a whole number of seconds"))
    }
}

/// A number of bytes from 1 to `most`, plain or with a unit: `1048576`, `1 MiB`, `512KiB`.
pub(super) fn bytes(most: usize) -> impl Fn(&str) -> Parsed<usize> {
    move |text| {
        let (digits, unit) = SIZE_UNITS
            .into_iter()
            .find_map(|(name, size)| Some((text.strip_suffix(name)?.trim_end(), size)))
            .unwrap_or((text, 1));
        let bytes = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(unit));
        bytes
            .and_then(|bytes| usize::try_from(bytes).ok())
            .filter(|bytes| (1..=most).contains(bytes))
            .ok_or_else(|| {
                format!(
                    "must be a number of bytes such as 1048576, 512 KiB or 1 MiB, at most {} MiB",
                    most >> 20
                )
            })
    }
}

/// One of a few words, in any case.
pub(super) fn one_of<T: Copy>(choices: &[(&str, T)]) -> impl Fn(&str) -> Parsed<T> {
    move |text| {
        let chosen = choices.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        chosen.map(|(_, value)| *value).ok_or_else(|| {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            format!("must be one of {}", names.join(", "))
        })
    }
}

/// Networks such as `10.0.0.0/8`, separated by commas; a single address is a network of one.
pub(super) fn networks(text: &str) -> Parsed<Vec<IpNet>> {
    list(text, |item| {
        let single = || item.parse::<IpAddr>().map(IpNet::from);
        item.parse::<IpNet>().or_else(|_| single()).map_err(|_| {
            format!(
                "must be networks such as 10.0.0.0/8 or 2001:db8::/32, separated by commas; {item:?} is none"
            )
        })
    })
}

/// Origins such as `https://app.example.org`, separated by commas.
pub(super) fn origins(text: &str) -> Parsed<Vec<Origin>> {
    list(text, |item| {
        item.parse().map_err(|_| {
            format!(
                "must be origins such as https://app.example.org or http://localhost:3000, separated by commas, \
                 without a path or a slash at the end, or * for all; {item:?} is none"
            )
        })
    })
}

/// An address with one of the `schemes` and a host.
pub(super) fn address(schemes: &'static [&'static str]) -> impl Fn(&str) -> Parsed<String> {
    move |text| {
        let known = text.split_once("://").is_some_and(|(scheme, rest)| {
            let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
            let host = place.split(['/', '?', ':']).next().unwrap_or_default();
            schemes.contains(&scheme) && !host.is_empty() && !text.contains(char::is_whitespace)
        });
        if known {
            return Ok(text.to_owned());
        }
        let examples: Vec<String> = schemes.iter().map(|scheme| format!("{scheme}://host")).collect();
        Err(format!("must be an address such as {}", examples.join(" or ")))
    }
}

fn list<T>(text: &str, parse: impl FnMut(&str) -> Parsed<T>) -> Parsed<Vec<T>> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_taken_with_and_without_a_unit() {
        let parse = bytes(1 << 29);
        for (text, size) in
            [("1", 1), ("1048576", 1 << 20), ("1 MiB", 1 << 20), ("512KiB", 1 << 19), ("7 B", 7)]
        {
            assert_eq!(parse(text), Ok(size), "{text}");
        }
        for text in ["", "0", "-1", "1 MB", "1,5 MiB", "513 MiB", "18446744073709551615 KiB"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_origin_that_will_not_do_is_named() {
        assert_eq!(origins("http://localhost:3000, *").unwrap().len(), 2);
        assert!(origins("http://a,http://b/").unwrap_err().contains("\"http://b/\" is none"));
    }

    #[test]
    fn a_list_forgives_white_space_and_a_last_comma() {
        let both = networks(" 10.0.0.0/8 , ::1,").unwrap();
        assert_eq!(both.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.0.0.0/8", "::1/128"]);
        assert!(networks("10.0.0.0/8,10.0.0.0/33").unwrap_err().contains("10.0.0.0/33"));
    }

    #[test]
    fn an_address_has_a_known_scheme_and_a_host() {
        let parse = address(&["redis", "rediss"]);
        for text in ["redis://h", "rediss://u:p@h:1/0"] {
            assert!(parse(text).is_ok(), "{text}");
        }
        for text in ["h:6379", "http://h", "redis://", "redis://u:p@", "redis://h /0"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn words_are_taken_in_any_case_and_nothing_else_is() {
        let parse = one_of(&[("info", 1), ("warn", 2)]);
        assert_eq!(parse("WARN"), Ok(2));
        assert_eq!(parse("loud"), Err("must be one of info, warn".to_owned()));
        assert_eq!((flag("TRUE"), flag("0")), (Ok(true), Ok(false)));
        assert!(flag("yes").is_err());
    }
}
