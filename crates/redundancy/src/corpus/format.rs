//! What a file of a corpus holds, told by its name.

use std::ffi::OsStr;
use std::path::Path;

use crate::input::Format;

/// How records stand in the files of a corpus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CorpusFormat {
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values (RFC 4180), with names of columns in the first row.
    Csv,
    /// The same, separated by tabs.
    Tsv,
    /// Apache Parquet.
    Parquet,
    /// Each file is one document: plain text, Markdown or HTML.
    Files,
}

/// How the bytes of a file are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Packing {
    /// Not at all.
    #[default]
    None,
    /// gzip (RFC 1952), also of several members.
    Gzip,
    /// Zstandard (RFC 8878), also of several frames.
    Zstd,
}

impl Packing {
    /// What the first bytes of a file say. Those are the "magic numbers" of the two formats; in UTF-8 neither can begin a text.
    pub(super) fn of_bytes(begin: &[u8]) -> Self {
        match begin {
            [0x1F, 0x8B, ..] => Self::Gzip,
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Self::Zstd,
            _ => Self::None,
        }
    }
}

/// What the name of a file says about it. `None` if it is nothing that is taken.
pub(super) fn of_name(path: &Path) -> Option<(CorpusFormat, Option<Format>, Packing)> {
    let ending =
        |path: &Path| path.extension().map(OsStr::to_string_lossy).map(|ending| ending.to_ascii_lowercase());
    let packing = match ending(path).as_deref() {
        Some("gz") => Packing::Gzip,
        Some("zst" | "zstd") => Packing::Zstd,
        _ => Packing::None,
    };
    let inner = if packing == Packing::None { path.to_owned() } else { path.with_extension("") };
    let (format, text) = match ending(&inner).as_deref() {
        Some("jsonl" | "ndjson" | "json") => (CorpusFormat::Jsonl, None),
        Some("csv") => (CorpusFormat::Csv, None),
        Some("tsv" | "tab") => (CorpusFormat::Tsv, None),
        // Its pages are packed inside; it cannot be read from its beginning to its end.
        Some("parquet") if packing == Packing::None => (CorpusFormat::Parquet, None),
        Some("txt" | "text") => (CorpusFormat::Files, Some(Format::Txt)),
        Some("md" | "markdown") => (CorpusFormat::Files, Some(Format::Md)),
        Some("html" | "htm" | "xhtml") => (CorpusFormat::Files, Some(Format::Html)),
        _ => return None,
    };
    Some((format, text, packing))
}
