//! `redundancy compare`: what two texts share.

use redundancy_engine::Comparison;
use redundancy_engine::detect::similarity::{SimilarityOptions, similarity};
use redundancy_engine::detect::{OffsetMap, OffsetUnit};

use super::output::{Output, print_json};
use super::{Failure, Outcome, complain, documents, positions};
use crate::cli::compare::CompareArgs;
use crate::input::Input;
use crate::json::SimilarityJson;
use crate::progress::Progress;
use crate::terminal;

pub(super) fn run(args: &CompareArgs, colour: bool) -> Result<Outcome, Failure> {
    let inputs = [&args.first, &args.second].map(|name| Input::named(name));
    let mut output = Output::new(&args.output, colour, "What two texts share", &inputs)?;
    let progress = Progress::new(None);
    progress.begin(&inputs.each_ref().map(Input::name).join(" and "));
    let Some([first, second]) = documents::both(&inputs, args.read.format)? else {
        return Ok(Outcome::Found);
    };
    let options =
        SimilarityOptions { min_passage_words: args.min_words.into(), offset_unit: OffsetUnit::Bytes };
    let similarity =
        similarity(&first.text, &second.text, &options).map_err(|error| Failure::Other(error.to_string()))?;
    let mut comparison = Comparison { similarity, threshold: args.threshold };
    drop(progress);
    if let Some(report) = output.report() {
        report.add_comparison((&first, &second), &comparison);
    }
    if output.is_json() {
        let unit = args.output.offset_unit.into();
        let offsets = (OffsetMap::new(&first.text, unit), OffsetMap::new(&second.text, unit));
        positions::of_similarity(&mut comparison.similarity, &offsets.0, &offsets.1);
        print_json(&SimilarityJson::new(&first, &second, &comparison))?;
    } else {
        let documents = (&first, &second);
        output
            .people(|screen| terminal::comparison::print(screen, documents, &comparison, args.output.top))?;
    }
    output.finish()?;
    let score = comparison.similarity.similarity_score;
    let Some(limit) = args.fail_above.filter(|limit| score > *limit) else {
        return Ok(Outcome::Fine);
    };
    complain(&format!("the similarity {score:.3} is above {limit}"));
    Ok(Outcome::Found)
}
