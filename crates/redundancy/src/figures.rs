//! Figures as people read them: percentages, counts with their nouns, the names of metrics.

use redundancy_engine::detect::quality::{MetricValue, Quality};

/// A share as a percentage, right-aligned in six columns. What is neither nothing nor all is never rounded to either.
#[must_use]
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 0.1 {
        return "< 0.1%".to_owned();
    }
    if percent > 99.9 && percent < 100.0 {
        return " 99.9%".to_owned();
    }
    format!("{percent:>5.1}%")
}

/// A number with its noun: `1 word`, `12,345 words`.
#[must_use]
pub fn count(number: impl TryInto<u64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    format!("{} {}", grouped(number), of(number, noun))
}

/// The noun of a number that stands apart from it: `word`, `words`.
#[must_use]
pub fn of(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{noun}{plural}")
}

/// A whole number with its thousands apart. Beyond 64 bits, and below 0, it counts as the greatest of 64 bits.
#[must_use]
pub fn grouped(number: impl TryInto<u64>) -> String {
    let digits = number.try_into().unwrap_or(u64::MAX).to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The name of a metric as people write it.
#[must_use]
fn metric_name(name: &str) -> String {
    match name {
        "flesch_reading_ease" => "Flesch reading ease",
        "flesch_kincaid_grade" => "Flesch-Kincaid grade",
        "gunning_fog" => "Gunning fog",
        "smog" => "SMOG",
        "ari" => "ARI",
        "coleman_liau" => "Coleman-Liau",
        "fernandez_huerta" => "Fernández-Huerta",
        "szigriszt_pazos" => "Szigriszt-Pazos",
        "inflesz" => "INFLESZ",
        "gutierrez_polini" => "Gutiérrez de Polini",
        "crawford" => "Crawford",
        "lix" => "LIX",
        "rix" => "RIX",
        other => other,
    }
    .to_owned()
}

/// The value of a metric.
#[must_use]
fn metric_value(value: MetricValue) -> String {
    match value {
        MetricValue::Number(number) => format!("{number:.1}"),
        MetricValue::Band(name) => name.to_owned(),
    }
}

/// Names and values of everything measured about how a text reads, in the order in which people see it.
#[must_use]
pub fn metrics(quality: &Quality) -> Vec<(String, String)> {
    let formulas = quality.metrics.entries().into_iter();
    let diversity = [
        ("Type-token ratio".to_owned(), format!("{:.2}", quality.lexical_diversity.ttr)),
        ("MTLD".to_owned(), format!("{:.1}", quality.lexical_diversity.mtld)),
    ];
    formulas.map(|(name, value)| (metric_name(name), metric_value(value))).chain(diversity).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_to_nothing_or_all_only_if_it_is() {
        assert_eq!(
            [0.0, 0.0001, 0.5, 0.99999, 1.0].map(percent),
            ["  0.0%", "< 0.1%", " 50.0%", " 99.9%", "100.0%"]
        );
    }

    #[test]
    fn counts_have_their_noun_and_thousands_apart() {
        assert_eq!(count(1_usize, "word"), "1 word");
        assert_eq!(count(0_usize, "word"), "0 words");
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
