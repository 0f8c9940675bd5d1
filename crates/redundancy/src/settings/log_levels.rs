//! Which events are logged: a level for all modules, and levels of single ones.

use std::fmt;
use std::str::FromStr;

use tracing::level_filters::LevelFilter;

const NAMES: [(&str, LevelFilter); 6] = [
    ("error", LevelFilter::ERROR),
    ("warn", LevelFilter::WARN),
    ("info", LevelFilter::INFO),
    ("debug", LevelFilter::DEBUG),
    ("trace", LevelFilter::TRACE),
    ("off", LevelFilter::OFF),
];
/// What holds for modules that are not named, where only others are.
const USUAL: LevelFilter = LevelFilter::INFO;
/// Modules with levels of their own at most.
const MOST_MODULES: usize = 32;
/// Longest name of a module, in bytes.
const LONGEST_MODULE: usize = 128;

/// What is logged: events of a module at its level, and what is more severe. Written as `info,redundancy_server=debug`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Levels {
    usual: LevelFilter,
    /// The longest names first, so that the first that fits is the closest. A name stands for all that begin with it.
    modules: Vec<(String, LevelFilter)>,
}

/// What would do as [`Levels`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be one of error, warn, info, debug, trace, off; levels of single modules may stand behind it, as in info,redundancy_server=debug"
)]
pub struct InvalidLevels;

impl Levels {
    /// The level of a module.
    #[must_use]
    pub fn of(&self, module: &str) -> LevelFilter {
        let named = self.modules.iter().find(|(name, _)| module.starts_with(name));
        named.map_or(self.usual, |(_, level)| *level)
    }

    /// The level that nothing is beyond.
    #[must_use]
    pub fn most(&self) -> LevelFilter {
        self.modules.iter().map(|(_, level)| *level).fold(self.usual, Ord::max)
    }
}

impl FromStr for Levels {
    type Err = InvalidLevels;

    fn from_str(text: &str) -> Result<Self, InvalidLevels> {
        let (mut usual, mut modules) = (None, Vec::new());
        for part in text.split(',').map(str::trim) {
            match part.split_once('=') {
                None if usual.is_none() => usual = Some(level(part)?),
                None => return Err(InvalidLevels),
                Some((module, of_module)) => {
                    let module = module.trim();
                    let is_known = modules.iter().any(|(known, _)| known == module);
                    if !is_module(module) || is_known || modules.len() == MOST_MODULES {
                        return Err(InvalidLevels);
                    }
                    modules.push((module.to_owned(), level(of_module.trim())?));
                }
            }
        }
        modules.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        Ok(Self { usual: usual.unwrap_or(USUAL), modules })
    }
}

fn level(name: &str) -> Result<LevelFilter, InvalidLevels> {
    let known = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    known.map(|(_, level)| *level).ok_or(InvalidLevels)
}

fn is_module(name: &str) -> bool {
    (1..=LONGEST_MODULE).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'.' | b'-'))
}

impl fmt::Display for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.usual)?;
        self.modules.iter().try_for_each(|(module, level)| write!(f, ",{module}={level}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_name_decides() {
        let levels: Levels =
            "warn, redundancy_webhook=debug,redundancy_webhook::transport=OFF".parse().unwrap();
        for (module, level) in [
            ("redundancy_server::middleware", LevelFilter::WARN),
            ("redundancy_webhook::dispatcher", LevelFilter::DEBUG),
            ("redundancy_webhook::transport::pool", LevelFilter::OFF),
        ] {
            assert_eq!(levels.of(module), level, "{module}");
        }
        assert_eq!(levels.most(), LevelFilter::DEBUG);
    }

    #[test]
    fn levels_read_back_from_what_is_shown() {
        for text in ["off", "info", "debug,a::b=trace,a=error", "a=warn"] {
            let levels: Levels = text.parse().unwrap();
            assert_eq!(levels.to_string().parse::<Levels>(), Ok(levels), "{text}");
        }
        assert_eq!("a=warn".parse::<Levels>().unwrap().to_string(), "info,a=warn");
    }

    #[test]
    fn what_is_no_level_is_refused() {
        let many: Vec<String> = (0..=MOST_MODULES).map(|number| format!("m{number}=info")).collect();
        for text in [
            "",
            "loud",
            "info,",
            "info,debug",
            "redundancy",
            "a=",
            "=info",
            "a=1",
            "a b=info",
            "a=info,a=warn",
            &many.join(","),
        ] {
            assert_eq!(text.parse::<Levels>(), Err(InvalidLevels), "{text}");
        }
    }
}
