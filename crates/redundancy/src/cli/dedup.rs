//! `redundancy dedup`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use redundancy_engine::corpus::Keep;
use redundancy_engine::detect::fingerprint::Shingling;

use super::values;
use crate::corpus::{CorpusFormat, Normalize};

const EXAMPLES: &str = "\
Examples:
  redundancy dedup articles.jsonl --output clean
  redundancy dedup 'crawl/*.jsonl.zst' --text-field body --threshold 0.9 --output clean --report
  redundancy dedup docs/ --keep longest --output clean
  zcat dump.jsonl.gz | redundancy dedup - --output clean --dry-run

Writes into the folder of --output: kept.<ext> with the records that are kept, in the format and order of the input (lines of JSON
byte for byte; rows of CSV and TSV with the same values, quoted anew where they must be; rows of Parquet with all columns, in pages
packed like those of the first file; a folder kept/ with the files themselves where each file is one document); duplicates.jsonl with what was dropped, because of which document, and how alike the two are;
clusters.jsonl; summary.json. Nothing is written before all is known, and SIGHUP, SIGINT or SIGTERM leave nothing behind.

What an earlier run wrote into that folder, by the list in its summary.json, is replaced. Anything else that stands where a result
would go is left alone, and the run refused. A folder that is read can hold the folder of --output: results in it are passed over.
A file that several names stand for is read once. A record that cannot be read is left out and told of; a file that cannot be read or
unpacked to its end ends the work.

Exit codes:
  0  fine, whether there were duplicates or not
  1  something could not be read or written
  2  wrong use, or something else stands in the way of the results
  129, 130, 143  ended by SIGHUP, SIGINT or SIGTERM";

/// What to look into, and what to write.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DedupArgs {
    /// Files (jsonl, csv, tsv; txt, md, html: one document each; also .gz and .zst; parquet), folders, patterns, pipes, or - for standard input
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// How the inputs are to be read, whatever their names say [default: by name; jsonl for - and pipes without an ending]
    #[arg(long, value_enum)]
    pub format: Option<FormatChoice>,
    /// The field with the text
    #[arg(long, value_name = "FIELD", default_value = "text")]
    pub text_field: String,
    /// The field with the id; a record without one, with that of an earlier one, or with one that reads like a file of the run and a
    /// line (in.jsonl:7), is called by its file and line
    #[arg(long, value_name = "FIELD", default_value = "id")]
    pub id_field: String,
    /// What counts as a duplicate
    #[arg(long, value_enum, default_value_t = ModeChoice::Near)]
    pub mode: ModeChoice,
    /// How alike two documents must be to be duplicates: the Jaccard similarity of their sets of shingles, or with --mode contained the
    /// share of the smaller one's that the larger one has; 0.05 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.8, value_parser = values::threshold)]
    pub threshold: f64,
    /// What texts are cut into: words:N or chars:N
    #[arg(long, value_name = "UNIT:N", default_value_t)]
    pub shingle: Shingling,
    /// What more is ignored in comparisons, beside case, punctuation and white space; what is kept stays as it is. Several with
    /// commas between them
    #[arg(long, value_name = "WHAT", value_enum, value_delimiter = ',')]
    pub normalize: Vec<NormalizeChoice>,
    /// Which document of a cluster is kept: first, last, longest, shortest, best-quality, or by:FIELD for the one in which the
    /// number in FIELD is largest, also one in quotes; a record without a number there comes last, of equal ones the first stays
    #[arg(long, value_name = "WHICH", default_value = "first", value_parser = KeepChoice::parse)]
    pub keep: KeepChoice,
    /// Stop at the first record that cannot be read, instead of counting and reporting it
    #[arg(long)]
    pub strict: bool,
    /// About how much memory may be taken, such as 512M or 2G; what has no room in it goes to temporary files beside the results.
    /// About 64 bytes of every document cannot, and some of every duplicate: where that alone is more, the work ends with an error. While a
    /// document is read it takes 6 to 14 times its size, whatever is given here
    #[arg(long, value_name = "SIZE", default_value = "2G", value_parser = values::memory_bytes)]
    pub memory: u64,
    /// How many threads work [default: as many as there are cores]
    #[arg(long, value_name = "N", value_parser = values::threads)]
    pub threads: Option<NonZeroUsize>,
    /// Print the summary as JSON
    #[arg(long)]
    pub json: bool,
    /// What is written.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// What is written, and where.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct WriteArgs {
    /// The folder to write into; it is made if it is not there
    #[arg(long, short, value_name = "DIR", required_unless_present = "dry_run")]
    pub output: Option<PathBuf>,
    /// Also write pairs.jsonl with every pair at or above the threshold
    #[arg(long)]
    pub pairs: bool,
    /// Also write report.html: one page with figures, plots and the largest clusters
    #[arg(long)]
    pub report: bool,
    /// Write nothing; only say what would come of it
    #[arg(long)]
    pub dry_run: bool,
}

/// How records stand in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormatChoice {
    /// One JSON object a line
    Jsonl,
    /// Comma-separated values, names of columns first
    Csv,
    /// Tab-separated values, names of columns first
    Tsv,
    /// Apache Parquet
    Parquet,
    /// Each file is one text
    Txt,
}

/// What counts as a duplicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ModeChoice {
    /// Documents that share most of their shingles
    Near,
    /// Documents of which most shingles stand in one that is larger
    Contained,
    /// Documents that are equal but for case, punctuation and white space
    Exact,
}

/// What is ignored when texts are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NormalizeChoice {
    /// Marks above and below letters: año is ano
    Accents,
    /// Which number it is: every number is the same
    Numbers,
    /// Tags and entities of HTML in the text
    Markup,
}

impl NormalizeChoice {
    /// Its name as it is typed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accents => "accents",
            Self::Numbers => "numbers",
            Self::Markup => "markup",
        }
    }
}

impl DedupArgs {
    /// What is ignored when texts are compared.
    #[must_use]
    pub fn normalize(&self) -> Normalize {
        let has = |what| self.normalize.contains(&what);
        Normalize {
            accents: has(NormalizeChoice::Accents),
            numbers: has(NormalizeChoice::Numbers),
            markup: has(NormalizeChoice::Markup),
        }
    }
}

/// Which document of a cluster is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeepChoice {
    /// By what.
    pub keep: Keep,
    /// The field that decides.
    pub field: Option<String>,
}

impl KeepChoice {
    fn parse(text: &str) -> Result<Self, String> {
        let field = text.strip_prefix("by:").or_else(|| text.strip_prefix("by ")).map(str::trim);
        let keep = match (text, field) {
            (_, Some("")) => return Err("name the field, as in by:stars".to_owned()),
            (_, Some(_)) => Keep::Rank,
            ("first", None) => Keep::First,
            ("last", None) => Keep::Last,
            ("longest", None) => Keep::Longest,
            ("shortest", None) => Keep::Shortest,
            ("best-quality", None) => Keep::BestQuality,
            _ => return Err("must be first, last, longest, shortest, best-quality or by:FIELD".to_owned()),
        };
        Ok(Self { keep, field: field.map(str::to_owned) })
    }
}

impl std::fmt::Display for KeepChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.keep, &self.field) {
            (Keep::First, _) => f.write_str("first"),
            (Keep::Last, _) => f.write_str("last"),
            (Keep::Longest, _) => f.write_str("longest"),
            (Keep::Shortest, _) => f.write_str("shortest"),
            (Keep::BestQuality, _) => f.write_str("best-quality"),
            (Keep::Rank, field) => write!(f, "by:{}", field.as_deref().unwrap_or_default()),
        }
    }
}

impl From<FormatChoice> for CorpusFormat {
    fn from(choice: FormatChoice) -> Self {
        match choice {
            FormatChoice::Jsonl => Self::Jsonl,
            FormatChoice::Csv => Self::Csv,
            FormatChoice::Tsv => Self::Tsv,
            FormatChoice::Parquet => Self::Parquet,
            FormatChoice::Txt => Self::Files,
        }
    }
}
