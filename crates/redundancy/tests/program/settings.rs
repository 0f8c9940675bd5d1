//! Settings from the outside: where they come from, what is refused, what is hidden. The rules themselves are tested beside
//! the code.

use serde_json::Value;

use crate::kit::{Place, Run};

/// The value and the source of a setting, as `config` tells them.
fn setting(run: Run, key: &str) -> (String, String) {
    let config = run.ended_with(0).json();
    let entry =
        config["settings"].as_array().unwrap().iter().find(|entry| entry["key"] == key).unwrap().clone();
    let text = |field: &str| entry[field].as_str().unwrap_or("-").to_owned();
    (text("value"), text("source"))
}

#[test]
fn the_command_line_beats_the_environment_which_beats_dotenv_which_beats_the_file() {
    let place = Place::new()
        .file(".env", "PORT=4\nLOG_LEVEL=debug\n")
        .file("redundancy.toml", "# service\nport = 5\nlog_level = \"warn\"\nmax_content_bytes = \"2 MiB\"\n")
        .file("other.toml", "port = 6\n");
    let config = |variables: &[(&str, &str)], arguments: &[&str]| {
        place.run_with(variables, &[&["config", "--json"], arguments].concat())
    };
    let pair = |value: &str, source: &str| (value.to_owned(), source.to_owned());
    assert_eq!(setting(config(&[("PORT", "3")], &["--port", "1"]), "PORT"), pair("1", "command line"));
    assert_eq!(setting(config(&[("PORT", "3")], &["--set", "PORT=2"]), "PORT"), pair("2", "command line"));
    assert_eq!(setting(config(&[("PORT", "3")], &[]), "PORT"), pair("3", "environment"));
    assert_eq!(setting(config(&[], &[]), "PORT"), pair("4", ".env:1"));
    assert_eq!(setting(config(&[], &[]), "MAX_CONTENT_BYTES"), pair("2 MiB", "redundancy.toml:4"));
    assert_eq!(
        setting(config(&[], &["--config", "other.toml"]), "MAX_CONTENT_BYTES"),
        pair("1 MiB", "default")
    );
    assert_eq!(setting(config(&[], &[]), "HOST"), pair("127.0.0.1", "default"));
}

#[test]
fn every_wrong_setting_is_told_before_anything_starts() {
    let place = Place::new()
        .file("redundancy.toml", "prot = 8000\nenable_metrics = \"maybe\"\n")
        .file(".env", "REQUEST_TIMEOUT_SECONDS=soon\n");
    for command in ["serve", "config", "health"] {
        let run = place.run_with(&[("LOG_LEVEL", "loud")], &[command, "--port", "70000"]).ended_with(2);
        for part in [
            "5 settings will not do",
            "redundancy.toml:1: there is no setting prot; did you mean port?",
            "ENABLE_METRICS = \"maybe\" (redundancy.toml:2): must be true or false",
            "REQUEST_TIMEOUT_SECONDS = \"soon\" (.env:1): must be a whole number of seconds from 1 to 3600",
            "LOG_LEVEL = \"loud\" (environment): must be one of",
            "PORT = \"70000\" (command line): must be a whole number from 0 to 65535",
        ] {
            assert!(run.err.contains(part), "{command}: {}\nlacks {part}", run.err);
        }
        assert_eq!(run.out, "");
    }
}

#[test]
fn a_named_settings_file_must_be_there() {
    let run = Place::new().run(&["config", "--config", "missing.toml"]).ended_with(2);
    assert!(run.err.contains("missing.toml cannot be read: No such file"), "{}", run.err);
}

#[test]
fn a_folder_called_dotenv_is_somebody_elses() {
    Place::new().file(".env/pyvenv.cfg", "").run(&["config"]).ended_with(0);
}

#[test]
fn no_secret_is_ever_shown() {
    let variables = [
        ("API_KEYS", "hunter2-of-a-key"),
        ("JWT_SECRET", "hunter2-and-as-much-more-of-it-as-it-takes"),
        ("WEBHOOK_SECRET_KEY", "hunter2-and-more-of-it"),
        ("REDIS_URL", "redis://user:hunter2@127.0.0.1:6379/0"),
    ];
    let place = Place::new();
    let people = place.run_with(&variables, &["config"]).ended_with(0);
    let programs = place.run_with(&variables, &["config", "--json"]).ended_with(0);
    let refused = place.run_with(&variables, &["serve"]).ended_with(2);
    assert!(people.out.contains("redis://****@127.0.0.1:6379/0"), "{}", people.out);
    for said in [&people.out, &programs.out] {
        assert!(said.contains("REDIS_URL"), "{said}");
    }
    assert!(refused.err.contains("API_KEYS"), "{}", refused.err);
    for said in [&people.out, &programs.out, &refused.err] {
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn commands_without_a_service_do_not_care_about_its_settings() {
    let place = Place::new().file("redundancy.toml", "prot = 1").file("a.txt", "one two");
    place.run_with(&[("PORT", "x")], &["analyze", "a.txt"]).ended_with(0);
}

#[test]
fn a_function_platform_is_recognised() {
    let place = Place::new();
    let variables = [("FUNCTIONS_CUSTOMHANDLER_PORT", "7071"), ("PORT", "80")];
    let config = place.run_with(&variables, &["config", "--json"]).ended_with(0).json();
    assert_eq!(config["profile"], "function");
    let port = config["settings"].as_array().unwrap().iter().find(|entry| entry["key"] == "PORT").unwrap();
    assert_eq!(port["value"], Value::from("7071"));
    assert!(place.run(&["config"]).ended_with(0).out.starts_with("profile: server\n"));
}
