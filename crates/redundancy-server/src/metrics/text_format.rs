//! From `OpenMetrics` text to Prometheus text, version 0.0.4, which older scrapers and people with `curl` ask for.

/// The formats differ in two ways that matter here: Prometheus declares a counter under its full name, `_total` included, and
/// knows neither units nor an end mark.
pub(super) fn from_open_metrics(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut lines = open_metrics.lines().peekable();
    while let Some(line) = lines.next() {
        let is_counter = |line: &str| line.starts_with("# TYPE ") && line.ends_with(" counter");
        let written = match line.split(' ').collect::<Vec<_>>().as_slice() {
            ["#", "EOF"] | ["#", "UNIT", ..] => continue,
            ["#", "TYPE", name, "counter"] => format!("# TYPE {name}_total counter"),
            ["#", "TYPE", name, "unknown"] => format!("# TYPE {name} untyped"),
            ["#", "HELP", name, help @ ..] if lines.peek().is_some_and(|next| is_counter(next)) => {
                format!("# HELP {name}_total {}", help.join(" "))
            }
            _ => line.to_owned(),
        };
        text.push_str(&written);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_declared_by_their_full_name_and_the_end_mark_goes() {
        let open_metrics = "# HELP requests Requests answered.\n# TYPE requests counter\nrequests_total{route=\"/\"} 1\n\
                            # HELP size_bytes Size of it.\n# TYPE size_bytes gauge\n# UNIT size_bytes bytes\nsize_bytes 2\n# EOF\n";
        let expected = "# HELP requests_total Requests answered.\n# TYPE requests_total counter\nrequests_total{route=\"/\"} 1\n\
                        # HELP size_bytes Size of it.\n# TYPE size_bytes gauge\nsize_bytes 2\n";
        assert_eq!(from_open_metrics(open_metrics), expected);
    }
}
