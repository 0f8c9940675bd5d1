//! `redundancy bench`: every part runs, loses nothing and finds everything. How fast it is, no test can say.

#[cfg(target_os = "linux")]
mod service_left;

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::kit::{Place, Run};

/// Few of everything, so that no part takes long.
const FEW: [&str; 14] = [
    "--events",
    "300",
    "--connections",
    "4",
    "--rate",
    "40",
    "--seconds",
    "1",
    "--pending",
    "50",
    "--backlog",
    "200",
    "--folder",
    ".",
];

fn bench(place: &Place, more: &[&str]) -> Run {
    place.run(&[&["bench", "deliver"], &FEW[..], more].concat())
}

/// Fails unless `figures` has numbers under all of `names`.
#[track_caller]
fn has_numbers(figures: &Value, names: &[&str]) {
    for name in names {
        assert!(figures[name].is_number(), "{name} is no number in {figures}");
    }
}

/// What the service keeps is gone from the folder.
#[track_caller]
fn nothing_is_left(place: &Place) {
    let left: Vec<_> = std::fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn every_part_measures_and_nothing_is_lost() {
    let place = Place::new();
    let figures = bench(&place, &["--long", "--json"]).ended_with(0).json();
    has_numbers(&figures["machine"], &["cores", "sync_ms"]);
    assert_eq!(figures["machine"]["store"], "embedded");
    assert!(figures["missed"].is_array(), "{figures}");
    let speed =
        ["accepted_per_second", "delivered_per_second", "cpu_seconds_per_1000", "peak_mib", "duplicates"];
    has_numbers(&figures["throughput"], &speed);
    let times = ["accept_p50_ms", "arrival_p50_ms", "arrival_p95_ms", "arrival_p99_ms", "arrival_max_ms"];
    has_numbers(&figures["latency"], &times);
    has_numbers(&figures["hanging"], &["healthy_alone_p99_ms", "healthy_beside_p99_ms", "p99_ratio"]);
    has_numbers(&figures["pending"], &["pending", "resident_mib"]);
    let backlog =
        ["alone_per_second", "beside_per_second", "slower_percent", "healthy_ms", "first_delivery_ms"];
    has_numbers(&figures["backlog"], &backlog);
    has_numbers(&figures["restart"], &["healthy_ms", "first_delivery_ms", "all_delivered_ms", "duplicates"]);
    has_numbers(&figures["retries"], &["late_p50_ms", "late_p99_ms", "late_max_ms"]);
    for part in ["throughput", "latency", "hanging", "backlog", "restart", "retries"] {
        assert_eq!(figures[part]["lost"], 0.0, "{part}: {figures}");
    }
    nothing_is_left(&place);
}

#[test]
fn the_memory_store_is_measured_and_people_get_a_table() {
    let place = Place::new();
    let run = bench(&place, &["--store", "memory", "--only", "retries,throughput"]).ended_with(0);
    assert!(run.out.starts_with("store memory on "), "{}", run.out);
    for words in ["measured", "accepted and delivered", "accepted and never delivered", "met"] {
        assert!(run.out.contains(words), "{}\nlacks {words}", run.out);
    }
    assert!(!run.out.contains("latency"), "{}", run.out);
    assert!(run.out.find("throughput") < run.out.find("retries"), "{}", run.out);
    nothing_is_left(&place);
}

#[test]
fn the_index_is_measured_and_everything_that_was_put_is_found() {
    let place = Place::new();
    let few = ["bench", "index", "--documents", "300", "--searches", "20", "--folder", ".", "--json"];
    let figures = place.run(&few).ended_with(0).json();
    assert_eq!(figures["machine"]["store"], "embedded");
    let fill = ["documents", "per_second", "last_cost_ratio", "bytes_per_document", "resident_mib"];
    has_numbers(&figures["fill"], &fill);
    has_numbers(&figures["search"], &["search_p50_ms", "search_p99_ms"]);
    has_numbers(&figures["restart"], &["healthy_ms"]);
    assert_eq!(figures["search"]["unfound"], 0.0, "{figures}");
    nothing_is_left(&place);
}

#[test]
fn what_is_found_out_about_texts_is_measured() {
    let place = Place::new();
    let figures = place.run(&["bench", "analyze", "--seconds", "0.001", "--json"]).ended_with(0).json();
    for part in ["analyze", "quality", "similarity"] {
        has_numbers(&figures[part], &["1_kib_mb_per_second", "64_kib_ms", "1_mib_mb_per_second"]);
    }
    let people = place.run(&["bench", "analyze", "--seconds", "0.001"]).ended_with(0);
    assert!(people.out.contains("a text of 64 KiB takes"), "{}", people.out);
    let wrong = place.run(&["bench", "analyze", "--seconds", "soon"]).ended_with(2);
    assert!(wrong.err.contains("give a number of seconds"), "{}", wrong.err);
}

#[test]
fn an_interrupted_run_shows_what_it_has_and_leaves_nothing_behind() {
    let place = Place::new();
    let arguments = ["bench", "deliver", "--folder", ".", "--seconds", "3600", "--only", "latency", "--json"];
    let mut command = place.command(&arguments);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The service answers when its data is there; then the run is well under way.
    let begun = Instant::now();
    while !std::fs::read_dir(place.path()).unwrap().any(|entry| entry.unwrap().path().join("data").exists()) {
        assert!(begun.elapsed() < Duration::from_mins(1), "no service was started");
        std::thread::sleep(Duration::from_millis(10));
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT)
        .unwrap();
    let run = Run::from(child.wait_with_output().unwrap()).ended_with(1);
    assert!(run.err.contains("interrupted"), "{}", run.err);
    assert!(run.json()["machine"]["cores"].is_number(), "{}", run.out);
    nothing_is_left(&place);
}

#[test]
fn what_cannot_be_measured_is_said() {
    let place = Place::new();
    let no_url = place.run(&["bench", "deliver", "--store", "redis"]).ended_with(2);
    assert!(no_url.err.contains("--redis-url"), "{}", no_url.err);
    // Nothing listens on a port that only the system may give away.
    let redis = ["--store", "redis", "--redis-url", "redis://:hush@127.0.0.1:1", "--only", "latency"];
    let no_redis = bench(&place, &redis).ended_with(1);
    assert!(
        no_redis.err.contains("the service answered 503 to /api/v1/webhooks/endpoints"),
        "{}",
        no_redis.err
    );
    assert!(!no_redis.err.contains("hush"), "{}", no_redis.err);
    let no_folder = place.run(&["bench", "deliver", "--folder", "nowhere"]).ended_with(1);
    assert!(no_folder.err.contains("nowhere: cannot write there"), "{}", no_folder.err);
    nothing_is_left(&place);
}
