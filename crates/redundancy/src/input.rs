//! Files and standard input as text: which types are taken, how bytes become characters, and how markup is stripped.
//!
//! A text that was stripped of its markup or decoded from UTF-16 is not the file any more: positions that are found in it count in the
//! [`Document::text`] given here.

mod decode;
mod html;
mod markdown;
mod paths;
mod plain;

pub use paths::expand;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use redundancy_engine::detect::MAX_TEXT_BYTES;

use crate::lines::Lines;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Text without markup.
    Txt,
    /// Markdown: markup and front matter are left out.
    Md,
    /// HTML: tags, scripts and styles are left out.
    Html,
}

/// Where a text comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

/// A text to look into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The name of the file as it was given, or `-` for standard input.
    pub name: String,
    /// Its text without markup and byte order mark, not only white space.
    pub text: String,
    /// Whether the text is the file, byte for byte.
    pub is_verbatim: bool,
    /// In which line of the file each part of the text stands.
    pub lines: Lines,
}

/// Why a file cannot be looked into, in words that follow its name.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The system could not open or read it.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is a folder.
    #[error("is a folder: name its files, for example '{}'", .0.join("**/*.md").display())]
    Folder(PathBuf),
    /// Its name ends in something that is no text type known here.
    #[error(
        "a .{0} file is not taken; txt, md and html are (--format txt reads it as plain text all the same)"
    )]
    UnknownType(String),
    /// It is too long.
    #[error("has more than {} MiB, the most that is taken: split it", MAX_TEXT_BYTES >> 20)]
    TooLong,
    /// It is not text in UTF-8 or UTF-16.
    #[error(transparent)]
    Decode(#[from] decode::DecodeError),
    /// There is nothing in it to look into.
    #[error("has no text in it")]
    Empty,
    /// A pattern that stands for no file.
    #[error("no file matches this pattern")]
    NoMatch,
    /// A pattern that cannot be understood.
    #[error("is no pattern that can be understood: {0}")]
    Pattern(#[from] glob::PatternError),
}

impl Input {
    /// The file, or standard input for `-`.
    #[must_use]
    pub fn named(name: &Path) -> Self {
        if name == Path::new("-") { Self::Stdin } else { Self::File(name.to_owned()) }
    }

    /// The name as it was given.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Stdin => "-".to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// How many bytes there are to read, if that is known beforehand.
    #[must_use]
    pub fn size_bytes(&self) -> Option<u64> {
        match self {
            Self::Stdin => None,
            Self::File(path) => {
                path.metadata().ok().filter(std::fs::Metadata::is_file).map(|file| file.len())
            }
        }
    }

    /// Reads all of it. `format` is what it holds; without it, the name tells.
    pub fn read(&self, format: Option<Format>) -> Result<Document, InputError> {
        let (format, bytes) = match self {
            Self::Stdin => (format.unwrap_or(Format::Txt), read_capped(io::stdin().lock(), MAX_TEXT_BYTES)?),
            Self::File(path) => {
                if path.is_dir() {
                    return Err(InputError::Folder(path.clone()));
                }
                let format = format.map_or_else(|| Format::of(path), Ok)?;
                (format, read_capped(File::open(path)?, MAX_TEXT_BYTES)?)
            }
        };
        let is_verbatim = format == Format::Txt && !decode::has_mark(&bytes);
        let (text, lines) = text_of(bytes, format)?;
        // Out of UTF-16, text can grow by half.
        if text.len() > MAX_TEXT_BYTES {
            return Err(InputError::TooLong);
        }
        if text.trim().is_empty() {
            return Err(InputError::Empty);
        }
        Ok(Document { name: self.name(), text, is_verbatim, lines })
    }
}

impl Format {
    /// What a file of this name holds. A name without an ending (README, LICENSE, a pipe of the shell) is plain text.
    fn of(path: &Path) -> Result<Self, InputError> {
        let Some(ending) = path.extension().map(OsStr::to_string_lossy) else {
            return Ok(Self::Txt);
        };
        match ending.to_ascii_lowercase().as_str() {
            "txt" | "text" => Ok(Self::Txt),
            "md" | "markdown" => Ok(Self::Md),
            "html" | "htm" | "xhtml" => Ok(Self::Html),
            _ => Err(InputError::UnknownType(ending.into_owned())),
        }
    }
}

/// The text in `bytes` without markup and byte order mark, and in which line each part of it stands.
pub(crate) fn text_of(bytes: Vec<u8>, format: Format) -> Result<(String, Lines), InputError> {
    let text = decode::decode(bytes)?;
    Ok(match format {
        Format::Txt => {
            let lines = Lines::of(&text);
            (text, lines)
        }
        Format::Md => markdown::text(&text),
        Format::Html => html::text(&text),
    })
}

/// All bytes of `from`, if they are at most `most`.
fn read_capped(from: impl Read, most: usize) -> Result<Vec<u8>, InputError> {
    let mut bytes = Vec::new();
    from.take(most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > most { Err(InputError::TooLong) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_of_a_name_tells_what_a_file_holds() {
        for (name, format) in [
            ("a.txt", Format::Txt),
            ("a.MD", Format::Md),
            ("a.b.htm", Format::Html),
            ("README", Format::Txt),
            (".hidden", Format::Txt),
        ] {
            assert_eq!(Format::of(Path::new(name)).unwrap(), format, "{name}");
        }
        let refused = Format::of(Path::new("a.pdf")).unwrap_err().to_string();
        assert!(refused.contains(".pdf") && refused.contains("txt, md and html"), "{refused}");
    }

    #[test]
    fn what_is_longer_than_the_cap_is_refused_without_being_kept() {
        assert!(matches!(read_capped(io::repeat(b'a'), 3), Err(InputError::TooLong)));
        assert_eq!(read_capped(&b"abc"[..], 3).unwrap(), b"abc");
    }
}
