//! `redundancy health`: asks a running service whether it should get traffic, and how it does.

mod request;

use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde_json::Value;

use self::request::get;
use super::output::print_json;
use super::{Failure, Outcome};
use crate::cli::health::HealthArgs;
use crate::settings::Purpose;
use crate::terminal::excerpt::printable;

pub(super) fn run(args: &HealthArgs) -> Result<Outcome, Failure> {
    let url = if let Some(url) = &args.url {
        url.clone()
    } else {
        let settings = super::settings(&args.settings, Purpose::Show)?;
        format!("http://{}", reachable(settings.listen.address))
    };
    let silent = |error: io::Error| Failure::Other(format!("{url} does not answer: {error}"));
    let ready = get(&url, "/health/ready").map_err(silent)?.status == 200;
    let answer = get(&url, "/api/v1/health/status").map_err(silent)?;
    let body: Value = serde_json::from_slice(&answer.body)
        .map_err(|_| Failure::Other(format!("what answers at {url} is not this service")))?;
    if args.json {
        print_json(&body["data"])?;
    } else {
        print(&url, ready, &body["data"])?;
    }
    Ok(if ready { Outcome::Fine } else { Outcome::Found })
}

fn print(url: &str, ready: bool, status: &Value) -> io::Result<()> {
    let text = |field: &str| printable(status[field].as_str().unwrap_or("unknown"));
    let state = if ready { "is ready" } else { "is not ready" };
    writeln!(
        io::stdout(),
        "{url} {state}: status {}, version {}, profile {}, up {}",
        text("status"),
        text("version"),
        text("profile"),
        uptime(status["uptime_seconds"].as_f64().unwrap_or_default())
    )
}

/// An address to connect to for an address to listen on: all addresses of a machine include its loopback one.
fn reachable(listening: SocketAddr) -> SocketAddr {
    if !listening.ip().is_unspecified() {
        return listening;
    }
    let loopback: IpAddr =
        if listening.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
    SocketAddr::new(loopback, listening.port())
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

    #[test]
    fn a_service_on_all_addresses_is_asked_on_the_loopback_one() {
        for (listening, asked) in
            [("0.0.0.0:80", "127.0.0.1:80"), ("[::]:80", "[::1]:80"), ("10.0.0.1:80", "10.0.0.1:80")]
        {
            assert_eq!(reachable(listening.parse().unwrap()).to_string(), asked);
        }
    }
}
