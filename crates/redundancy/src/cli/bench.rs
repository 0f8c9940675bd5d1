//! `redundancy bench`: what to measure, and how much of it.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

const DELIVER_EXAMPLES: &str = "\
Examples:
  redundancy bench deliver                                  All of it but the million, in about three minutes
  redundancy bench deliver --only throughput,latency
  redundancy bench deliver --long --json > figures.json     Also beside a million pending deliveries
  redundancy bench deliver --folder /mnt/disk               Measure that disk
  redundancy bench deliver --store redis --redis-url redis://127.0.0.1:6379 --in-flight 256 --replicas 2

A service of its own is started for each part, with a data folder that is removed at the end, beside a driver and a
receiver in this process: they share the cores with the service, and the figures are those of the whole. Data in a
folder in memory (tmpfs) costs no disk; the first line of the table tells what a write costs. A Redis server should be
empty and used for nothing else: finished events stay in it until their retention ends.

Exit codes:
  0  measured
  1  an accepted event was lost, or something could not be measured
  2  wrong use";

const ANALYZE_EXAMPLES: &str = "\
Examples:
  redundancy bench analyze                             About ten seconds
  redundancy bench analyze --seconds 5 --json

Texts of 1 KiB, 64 KiB and 1 MiB are made up. All is done in this process, on one core; a service uses as many as there are.

Exit codes:
  0  measured
  2  wrong use";

const INDEX_EXAMPLES: &str = "\
Examples:
  redundancy bench index                               50,000 documents, in about half a minute
  redundancy bench index --documents 1000000 --json > figures.json
  redundancy bench index --folder /mnt/disk            Measure that disk
  redundancy bench index --store redis --redis-url redis://127.0.0.1:6379

A service of its own is started with a data folder that is removed at the end. Documents are made up, about 2 KB each; one of
ten is an edit of an earlier one. They go in by POST /api/v1/documents/bulk, and the driver shares the cores with the service.
A Redis server should be empty and used for nothing else: what was put stays in it.

Exit codes:
  0  measured
  1  a document that was put was not found, or something could not be measured
  2  wrong use";

/// What to measure.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// The part of the service.
    #[command(subcommand)]
    pub command: BenchCommand,
}

/// The part of the service that is measured.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Measure accepting and delivering events
    Deliver(DeliverArgs),
    /// Measure analyses, comparisons and judgements of texts
    Analyze(AnalyzeArgs),
    /// Measure putting documents into the index and finding them
    Index(IndexArgs),
}

/// How to measure deliveries.
#[derive(Debug, Args)]
#[command(after_help = DELIVER_EXAMPLES)]
pub struct DeliverArgs {
    /// Measure these parts only, divided by commas
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PARTS")]
    pub only: Vec<Part>,
    /// Also measure what takes minutes: a backlog of a million
    #[arg(long)]
    pub long: bool,
    /// Events of a run at full speed
    #[arg(long, default_value_t = 100_000, value_name = "NUMBER", value_parser = number(10, 10_000_000))]
    pub events: usize,
    /// Connections over which they are published
    #[arg(long, default_value_t = 64, value_name = "NUMBER", value_parser = number(1, 10_000))]
    pub connections: usize,
    /// Deliveries in flight at most in that run: the further away the store, the more it takes
    #[arg(long, default_value_t = 32, value_name = "NUMBER", value_parser = number(1, 1000))]
    pub in_flight: usize,
    /// Events a second of a run at a steady pace
    #[arg(long, default_value_t = 200, value_name = "NUMBER", value_parser = number(1, 100_000))]
    pub rate: usize,
    /// How long such a run takes
    #[arg(long, default_value_t = 15, value_name = "SECONDS", value_parser = number(1, 3600))]
    pub seconds: usize,
    /// Deliveries that are pending while memory is measured
    #[arg(long, default_value_t = 100_000, value_name = "NUMBER", value_parser = number(1, 10_000_000))]
    pub pending: usize,
    /// Deliveries that are pending while full speed is measured
    #[arg(long, default_value_t = 1_000_000, value_name = "NUMBER", value_parser = number(1, 10_000_000))]
    pub backlog: usize,
    /// Services that share the Redis server
    #[arg(long, default_value_t = 1, value_name = "NUMBER", value_parser = number(1, 64))]
    pub replicas: usize,
    /// Where to measure
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// How to measure the index of documents.
#[derive(Debug, Args)]
#[command(after_help = INDEX_EXAMPLES)]
pub struct IndexArgs {
    /// Documents of about 2 KB that are put
    #[arg(long, default_value_t = 50_000, value_name = "NUMBER", value_parser = number(100, 100_000_000))]
    pub documents: usize,
    /// Searches, half of them for what is there
    #[arg(long, default_value_t = 2_000, value_name = "NUMBER", value_parser = number(10, 1_000_000))]
    pub searches: usize,
    /// Connections over which documents are put
    #[arg(long, default_value_t = 2, value_name = "NUMBER", value_parser = number(1, 64))]
    pub connections: usize,
    /// Keep the texts too
    #[arg(long)]
    pub store_text: bool,
    /// Where to measure
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// How to measure what is found out about texts.
#[derive(Debug, Args)]
#[command(after_help = ANALYZE_EXAMPLES)]
pub struct AnalyzeArgs {
    /// How long each figure is measured
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS", value_parser = seconds)]
    pub seconds: f64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Where to measure, and how to tell of it.
#[derive(Debug, Args)]
pub struct PlaceArgs {
    /// Where the service keeps what it is given
    #[arg(long, value_enum, default_value_t = Store::Embedded)]
    pub store: Store,
    /// The Redis server
    #[arg(long, value_name = "URL", required_if_eq("store", "redis"))]
    pub redis_url: Option<String>,
    /// Make the temporary data folders in this one [default: that of the system]
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Something to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// How many events a second, at full speed
    Throughput,
    /// How long from publishing to arrival, at a steady pace
    Latency,
    /// What receivers that hang cost the healthy ones
    Hanging,
    /// Memory while deliveries are pending
    Pending,
    /// What a large backlog costs the others, and a restart
    Backlog,
    /// How soon work goes on after a crash
    Restart,
    /// How late retries leave
    Retries,
}

/// Where the service keeps what it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Store {
    /// In a file
    Embedded,
    /// In memory
    Memory,
    /// In a Redis server
    Redis,
}

impl Part {
    /// The name that the user types.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::Latency => "latency",
            Self::Hanging => "hanging",
            Self::Pending => "pending",
            Self::Backlog => "backlog",
            Self::Restart => "restart",
            Self::Retries => "retries",
        }
    }
}

impl Store {
    /// The name that the user types, and the value of the setting.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Memory => "memory",
            Self::Redis => "redis",
        }
    }
}

impl DeliverArgs {
    /// What is measured, in order.
    #[must_use]
    pub fn parts(&self) -> Vec<Part> {
        let all = Part::value_variants().iter().copied();
        if self.only.is_empty() {
            return all.filter(|part| self.long || *part != Part::Backlog).collect();
        }
        all.filter(|part| self.only.contains(part)).collect()
    }
}

/// A time that makes sense to measure for.
fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.001..=600.0).contains(seconds));
    seconds.ok_or_else(|| "give a number of seconds from 0.001 to 600".to_owned())
}

/// A number of things, within bounds.
fn number(least: usize, most: usize) -> impl Fn(&str) -> Result<usize, String> + Clone {
    move |text| {
        let number = text.replace('_', "").parse::<usize>().ok();
        number
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| format!("give a whole number from {least} to {most}"))
    }
}
