//! Files that are one document each.

use redundancy_engine::corpus::InvalidRecord;

use super::{CorpusFile, invalid};
use crate::input::{Format, text_of};

/// The text of a file, without markup.
pub(super) fn text(bytes: &[u8], file: &CorpusFile) -> Result<String, InvalidRecord> {
    let (text, _) = text_of(bytes.to_vec(), file.text.unwrap_or(Format::Txt))
        .map_err(|error| invalid(error.to_string()))?;
    Ok(text)
}
