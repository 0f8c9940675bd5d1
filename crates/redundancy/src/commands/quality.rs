//! `redundancy quality`: how well each text reads.

use redundancy_engine::detect::quality::{QualityOptions, quality};
use redundancy_engine::detect::{OffsetMap, OffsetUnit, Text};

use super::output::{Output, print_json};
use super::{Failure, Outcome, complain, documents, positions};
use crate::cli::quality::QualityArgs;
use crate::input::expand;
use crate::json::QualityJson;
use crate::terminal;

pub(super) fn run(args: &QualityArgs, colour: bool) -> Result<Outcome, Failure> {
    let options = QualityOptions { language: args.language.clone(), offset_unit: OffsetUnit::Bytes };
    let inputs = expand(&args.files);
    let mut output = Output::new(&args.output, colour, "How well it reads", inputs.iter().flatten())?;
    let outcome = documents::each(inputs, args.read.format, |progress, document| {
        let text = Text::new(&document.text).map_err(|error| Failure::Other(error.to_string()))?;
        let mut quality = quality(&text, &options);
        if let Some(report) = output.report() {
            report.add_quality(document, &quality);
        }
        progress.aside(|| {
            if output.is_json() {
                let offsets = OffsetMap::new(&document.text, args.output.offset_unit.into());
                positions::of_quality(&mut quality, &offsets);
                print_json(&QualityJson::new(document, &quality))
            } else {
                output.people(|screen| terminal::quality::print(screen, document, &quality, args.output.top))
            }
        })?;
        let score = quality.readability_score;
        let Some(limit) = args.fail_below.filter(|limit| score < *limit) else {
            return Ok(Outcome::Fine);
        };
        progress.aside(|| {
            complain(&format!("{}: the readability score {score:.1} is below {limit}", document.name));
        });
        Ok(Outcome::Found)
    })?;
    output.finish()?;
    Ok(outcome)
}
