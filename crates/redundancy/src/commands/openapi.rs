//! `redundancy openapi`: the document that the service serves at `/openapi.json`.

use std::io::{self, BufWriter, Write as _};

use super::{Failure, Outcome};

pub(super) fn run() -> Result<Outcome, Failure> {
    let document = redundancy_server::openapi::document(env!("CARGO_PKG_VERSION"));
    let mut out = BufWriter::new(io::stdout().lock());
    serde_json::to_writer_pretty(&mut out, &document).map_err(io::Error::from)?;
    writeln!(out)?;
    out.flush()?;
    Ok(Outcome::Fine)
}
