//! Assesses texts given as JSON lines, for scripts that compare the figures with those of other programs.
//!
//! Each line of standard input has `id`, `language` and either `text` or `counts` (the fields of
//! `redundancy_detect::quality::Counts`), which feeds foreign counts into the formulas. Each line of standard output has `id`,
//! `counts` and `metrics`.
//!
//! ```sh
//! echo '{"id": 1, "language": "en", "text": "The cat sat."}' | cargo run --example quality_jsonl
//! ```

use redundancy_detect::quality::{Counts, MetricValue, Metrics, QualityOptions, quality};
use redundancy_detect::text::Text;
use serde_json::{Map, Value, json};
use std::error::Error;
use std::io::{BufRead as _, Write as _};

fn main() -> Result<(), Box<dyn Error>> {
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        writeln!(output, "{}", assess(&serde_json::from_str(&line?)?)?)?;
    }
    Ok(())
}

fn assess(input: &Value) -> Result<Value, Box<dyn Error>> {
    let language = input["language"].as_str().ok_or("language is missing: give a code such as \"en\"")?;
    let (counts, metrics) = if let Some(text) = input["text"].as_str() {
        let options = QualityOptions { language: Some(language.to_owned()), ..QualityOptions::default() };
        let found = quality(&Text::new(text)?, &options);
        (found.counts, found.metrics)
    } else {
        let counts = read_counts(&input["counts"]);
        (counts, Metrics::of(&counts, language))
    };
    Ok(json!({"id": input["id"], "counts": write_counts(&counts), "metrics": write_metrics(&metrics)}))
}

fn read_counts(counts: &Value) -> Counts {
    let count = |name: &str| counts[name].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or_default();
    Counts {
        sentences: count("sentences"),
        words: count("words"),
        letters: count("letters"),
        syllables: count("syllables"),
        polysyllables: count("polysyllables"),
        hard_words: count("hard_words"),
        long_words: count("long_words"),
    }
}

fn write_counts(counts: &Counts) -> Value {
    json!({
        "sentences": counts.sentences,
        "words": counts.words,
        "letters": counts.letters,
        "syllables": counts.syllables,
        "polysyllables": counts.polysyllables,
        "hard_words": counts.hard_words,
        "long_words": counts.long_words,
    })
}

fn write_metrics(metrics: &Metrics) -> Value {
    let value = |value| match value {
        MetricValue::Number(number) => json!(number),
        MetricValue::Band(name) => json!(name),
    };
    metrics
        .entries()
        .into_iter()
        .map(|(name, entry)| (name.to_owned(), value(entry)))
        .collect::<Map<_, _>>()
        .into()
}
