//! `redundancy analyze`: what is redundant inside each text.

use redundancy_engine::detect::analyze::{AnalyzeOptions, analyze};
use redundancy_engine::detect::{OffsetMap, OffsetUnit, Text};

use super::output::{Output, print_json};
use super::{Failure, Outcome, complain, documents, positions};
use crate::cli::analyze::AnalyzeArgs;
use crate::input::expand;
use crate::json::AnalysisJson;
use crate::terminal;

pub(super) fn run(args: &AnalyzeArgs, colour: bool) -> Result<Outcome, Failure> {
    let options = AnalyzeOptions {
        language: args.language.clone(),
        min_passage_words: args.min_words.into(),
        offset_unit: OffsetUnit::Bytes,
    };
    let inputs = expand(&args.files);
    let mut output = Output::new(&args.output, colour, "What is redundant", inputs.iter().flatten())?;
    let outcome = documents::each(inputs, args.read.format, |progress, document| {
        let text = Text::new(&document.text).map_err(|error| Failure::Other(error.to_string()))?;
        let mut analysis = analyze(&text, &options);
        if let Some(report) = output.report() {
            report.add_analysis(document, &analysis);
        }
        progress.aside(|| {
            if output.is_json() {
                let offsets = OffsetMap::new(&document.text, args.output.offset_unit.into());
                positions::of_analysis(&mut analysis, &offsets);
                print_json(&AnalysisJson::new(document, &analysis))
            } else {
                output
                    .people(|screen| terminal::analysis::print(screen, document, &analysis, args.output.top))
            }
        })?;
        let score = analysis.redundancy_score;
        let Some(limit) = args.fail_above.filter(|limit| score > *limit) else {
            return Ok(Outcome::Fine);
        };
        progress.aside(|| {
            complain(&format!("{}: the redundancy score {score:.3} is above {limit}", document.name));
        });
        Ok(Outcome::Found)
    })?;
    output.finish()?;
    Ok(outcome)
}
