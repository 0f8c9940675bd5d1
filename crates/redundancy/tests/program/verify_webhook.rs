//! `verify-webhook` from the outside, on the published examples of the scheme.

use crate::kit::{Place, Run};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const PUBLIC_KEY: &str = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
const BODY: &str = r#"{"test": 2432232314}"#;
const V1: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const V1A: &str =
    "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";
const HEADERS: [&str; 4] = ["--id", "msg_p5jXN8AQM9LWM0D4loKWxJek", "--timestamp", "1614265330"];
const AT: [&str; 2] = ["--at", "1614265390"];

/// The command on `body`, with the headers of the examples and `arguments`.
fn verify(body: &str, signature: &str, arguments: &[&str]) -> Run {
    let command = [&["verify-webhook", "--signature", signature], &HEADERS[..], &AT, arguments].concat();
    Place::new().run_on(body, &command)
}

#[track_caller]
fn assert_says(run: &Run, part: &str) {
    assert!(run.out.contains(part) || run.err.contains(part), "{}{}\nlacks {part}", run.out, run.err);
}

#[test]
fn the_published_examples_are_genuine_by_secret_and_by_public_key() {
    let by_secret = verify(BODY, V1, &["--secret", SECRET]).ended_with(0);
    assert_eq!(by_secret.out, "genuine: msg_p5jXN8AQM9LWM0D4loKWxJek, signed 60 s before\n");
    verify(BODY, V1A, &["--public-key", PUBLIC_KEY]).ended_with(0);
    let both = format!("{V1} {V1A}");
    verify(BODY, &both, &["--secret", "another secret, long enough", "--secret", SECRET]).ended_with(0);
}

#[test]
fn headers_secret_and_body_are_read_from_files() {
    let head = format!(
        "POST /hook HTTP/1.1\r\nHost: example\r\nWebhook-Id: {}\r\nWebhook-Timestamp: 1614265330\r\n\
         Webhook-Signature: {V1}\r\n\r\n",
        HEADERS[1]
    );
    let place = Place::new()
        .file("head.txt", head)
        .file("secret.txt", format!("{SECRET}\n"))
        .file("body.json", BODY)
        .file("cut.txt", format!("webhook-id: {}\nwebhook-signature: {V1}\n", HEADERS[1]));
    let run = |headers: &str, body: &str| {
        let arguments = ["verify-webhook", "--secret-file", "secret.txt", "--headers", headers, body];
        place.run(&[&arguments[..], &AT].concat())
    };
    run("head.txt", "body.json").ended_with(0);
    assert_says(&run("head.txt", "head.txt").ended_with(1), "no signature matches");
    assert_says(&run("cut.txt", "body.json").ended_with(1), "the header webhook-timestamp is missing");
    assert_says(&run("head.txt", "nowhere.json").ended_with(1), "nowhere.json: ");
    assert_says(&run("-", "-").ended_with(2), "only one of the body, --headers and --secret-file can be -");
}

#[test]
fn who_is_told_that_it_is_not_genuine_is_told_what_to_look_at() {
    let secret = ["--secret", SECRET];
    assert_says(&verify("{}", V1, &secret).ended_with(1), "the body has to be the bytes that arrived");
    let line_end = verify(&format!("{BODY}\r\n"), V1, &secret).ended_with(1);
    assert_says(&line_end, "genuine without the line end");
    assert_says(&verify(BODY, "sha256=83484c", &secret).ended_with(1), "this is X-Webhook-Signature");
    assert_says(&verify(BODY, "v2,AAAA", &secret).ended_with(1), "no signature that begins with v1");
    let only_v1 = verify(BODY, V1, &["--public-key", PUBLIC_KEY]).ended_with(1);
    assert_says(&only_v1, "a public key verifies v1a alone");
}

#[test]
fn the_time_is_that_of_the_machine_unless_it_is_given_and_the_tolerance_is_obeyed() {
    let now = Place::new()
        .run_on(BODY, &[&["verify-webhook", "--secret", SECRET, "--signature", V1], &HEADERS[..]].concat());
    assert_says(&now.ended_with(1), "webhook-timestamp is too old");
    let strict = verify(BODY, V1, &["--secret", SECRET, "--tolerance", "59"]).ended_with(1);
    assert_says(&strict, "signed 60 s before the moment of the check, and --tolerance allows 59 s");
    verify(BODY, V1, &["--secret", SECRET, "--tolerance", "60"]).ended_with(0);
}

#[test]
fn programs_get_the_verdict_and_the_reason_as_json() {
    let genuine = verify(BODY, V1, &["--secret", SECRET, "--json"]).ended_with(0).json();
    assert_eq!(genuine["valid"], true);
    assert_eq!(genuine["id"], HEADERS[1]);
    assert_eq!(genuine["age_seconds"], 60);
    let forged = verify("{}", V1, &["--secret", SECRET, "--json"]).ended_with(1).json();
    assert_eq!((&forged["valid"], &forged["reason"]), (&false.into(), &"no_match".into()));
    assert_eq!(forged["check"].as_array().unwrap().len(), 3);
}

#[test]
fn wrong_use_is_told_and_no_secret_is_shown() {
    for (arguments, part) in [
        (&["--secret", "whsk_hunter2hunter2"][..], "--secret: this is a private key"),
        (&["--secret", "whsec_hunter2!"], "--secret: the secret begins with whsec_"),
        (&["--public-key", "whsec_hunter2hunter2"], "--public-key: this is a secret"),
        (&[], "--secret <SECRET>"),
    ] {
        let run = verify(BODY, V1, arguments).ended_with(2);
        assert_says(&run, part);
        assert!(!run.err.contains("hunter2"), "{}", run.err);
    }
    let place = Place::new().file("secret.txt", "hunter2").file("long.txt", "a".repeat(4097));
    let from_file = |file: &str| {
        place.run(&[&["verify-webhook", "--signature", V1, "--secret-file", file], &HEADERS[..]].concat())
    };
    let run = from_file("secret.txt").ended_with(2);
    assert_says(&run, "--secret-file secret.txt: the secret has 7 bytes");
    assert!(!run.err.contains("hunter2"), "{}", run.err);
    assert_says(&from_file("long.txt").ended_with(1), "has more than 4096 bytes");
}

#[test]
fn a_body_beyond_the_cap_is_refused() {
    let place = Place::new().file("long.json", vec![b'a'; (16 << 20) + 1]);
    let arguments = ["verify-webhook", "long.json", "--secret", SECRET, "--signature", V1];
    assert_says(
        &place.run(&[&arguments[..], &HEADERS].concat()).ended_with(1),
        "has more than 16777216 bytes",
    );
}
