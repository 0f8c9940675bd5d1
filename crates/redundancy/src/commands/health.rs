//! `redundancy health`: asks a running service whether it should get traffic, and how it does.

use std::io::{self, Write as _};
use std::time::Duration;

use hyper::StatusCode;
use serde_json::Value;

use super::output::print_json;
use super::{Failure, Outcome, connection};
use crate::cli::health::HealthArgs;
use crate::client::{Call, Client};
use crate::terminal::excerpt::printable;

/// A service that does not answer within is not well.
const DEADLINE: Duration = Duration::from_secs(5);

pub(super) fn run(args: &HealthArgs) -> Result<Outcome, Failure> {
    let client = connection::open(&args.connection)?;
    let ready = client.answer(&Call::get("/health/ready").within(DEADLINE))?.status == StatusCode::OK;
    let status = client.data(&Call::get("/api/v1/health/status").within(DEADLINE))?;
    if args.connection.json {
        print_json(&status)?;
    } else {
        print(&client, ready, &status)?;
    }
    Ok(if ready { Outcome::Fine } else { Outcome::Found })
}

fn print(client: &Client, ready: bool, status: &Value) -> io::Result<()> {
    let text = |field: &str| printable(status.get(field).and_then(Value::as_str).unwrap_or("unknown"));
    let state = if ready { "is ready" } else { "is not ready" };
    writeln!(
        io::stdout(),
        "{} {state}: status {}, version {}, profile {}, up {}",
        client.address(),
        text("status"),
        text("version"),
        text("profile"),
        uptime(status.get("uptime_seconds").and_then(Value::as_f64).unwrap_or_default())
    )
}

/// A time in its two largest units.
fn uptime(seconds: f64) -> String {
    let minutes = (seconds / 60.0).floor();
    let hours = (minutes / 60.0).floor();
    let days = (hours / 24.0).floor();
    if days > 0.0 {
        format!("{days} d {} h", hours % 24.0)
    } else if hours > 0.0 {
        format!("{hours} h {} min", minutes % 60.0)
    } else if minutes > 0.0 {
        format!("{minutes} min {} s", (seconds % 60.0).floor())
    } else {
        format!("{} s", seconds.floor())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_in_its_two_largest_units() {
        for (seconds, shown) in [
            (0.4, "0 s"),
            (59.9, "59 s"),
            (61.0, "1 min 1 s"),
            (7_260.0, "2 h 1 min"),
            (100_000.0, "1 d 3 h"),
        ] {
            assert_eq!(uptime(seconds), shown);
        }
    }
}
