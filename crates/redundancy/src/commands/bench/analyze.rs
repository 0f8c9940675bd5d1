//! `redundancy bench analyze`: measures what is found out about texts, on one core and without a service.

use std::hint::black_box;
use std::time::{Duration, Instant};

use redundancy_engine::detect::analyze::{AnalyzeOptions, analyze};
use redundancy_engine::detect::quality::{QualityOptions, quality};
use redundancy_engine::detect::similarity::{SimilarityOptions, similarity};
use redundancy_engine::detect::{Text, TextTooLong};
use serde_json::json;

use super::super::{Failure, Outcome};
use super::findings::{Findings, Unit, millis};
use super::session::{cores, show};
use super::texts::document;
use crate::cli::bench::{AnalyzeArgs, Store};
use crate::figures::count;
use crate::progress::Progress;

/// The texts: what they are called, and how many bytes they have.
const SIZES: [(&str, usize); 3] = [("1_kib", 1 << 10), ("64_kib", 1 << 16), ("1_mib", 1 << 20)];

/// Something that is found out about a text, or about one and another one.
type Work = fn(&str, &str) -> Result<(), TextTooLong>;

pub(super) fn run(args: &AnalyzeArgs, colour: bool) -> Result<Outcome, Failure> {
    let works: [(&'static str, Work); 3] = [
        ("analyze", |text, _| {
            black_box(analyze(&Text::new(text)?, &AnalyzeOptions::default()));
            Ok(())
        }),
        ("quality", |text, _| {
            black_box(quality(&Text::new(text)?, &QualityOptions::default()));
            Ok(())
        }),
        ("similarity", |text, other| {
            black_box(similarity(text, other, &SimilarityOptions::default())?);
            Ok(())
        }),
    ];
    let progress = Progress::open_ended();
    let mut measured = Vec::new();
    for (name, work) in works {
        let mut findings = Findings::new(name, Store::Memory);
        for (size, bytes) in SIZES {
            progress.begin(&format!("{name}: {} KiB", bytes >> 10));
            let (text, other) = (text(bytes, 0), text(bytes, 5));
            let each = time(Duration::from_secs_f64(args.seconds), || work(&text, &other))
                .map_err(|error| Failure::Other(error.to_string()))?;
            let what = format!("a text of {} KiB", bytes >> 10);
            let speed = Some(text.len() as f64 / 1e6 / each.as_secs_f64());
            findings.figure(&format!("{size}_mb_per_second"), &what, Unit::MbPerSecond, speed);
            findings.figure(
                &format!("{size}_ms"),
                &format!("{what} takes"),
                Unit::Millis,
                Some(millis(each)),
            );
        }
        measured.push(findings);
    }
    drop(progress);
    let about = format!("one of {}, texts that are made up", count(cores(), "core"));
    show(args.json, colour, &json!({ "cores": cores() }), &about, &measured)?;
    Ok(Outcome::Fine)
}

/// A text of so many bytes. Texts of neighbouring numbers share most of what is long enough.
fn text(bytes: usize, first: u64) -> String {
    let mut text = String::with_capacity(bytes + 3000);
    let mut number = first;
    while text.len() < bytes {
        text.push_str(&document(number));
        text.push_str("\n\n");
        number += 1;
    }
    text.truncate(bytes);
    text
}

/// How long `work` takes, by the mean of as often as it can be done within `long`, once at least.
fn time<E>(long: Duration, work: impl Fn() -> Result<(), E>) -> Result<Duration, E> {
    let began = Instant::now();
    let mut times = 0;
    while times == 0 || began.elapsed() < long {
        work()?;
        times += 1;
    }
    Ok(began.elapsed() / times)
}
