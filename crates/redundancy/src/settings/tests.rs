//! How the sources of settings go together, and what is refused.

use std::path::PathBuf;

use super::storage::StorageType;
use super::*;

/// Settings from `.env`-like lines for each source.
fn sources(command_line: &[(&str, &str)], environment: &[(&str, &str)], dotenv: &str, file: &str) -> Sources {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Sources {
        command_line: command_line.iter().map(owned).collect(),
        environment: environment.iter().map(|(name, value)| (name.into(), value.into())).collect(),
        dotenv: Some(dotenv.to_owned()),
        file: Some((PathBuf::from("redundancy.toml"), file.to_owned())),
        log_to_terminal: false,
    }
}

fn environment(variables: &[(&str, &str)]) -> Sources {
    sources(&[], variables, "", "")
}

fn read(sources: &Sources) -> Settings {
    Settings::read(sources, Purpose::Show).unwrap()
}

fn faults(variables: &[(&str, &str)]) -> String {
    Settings::read(&environment(variables), Purpose::Serve).unwrap_err().to_string()
}

fn entry<'s>(settings: &'s Settings, name: &str) -> &'s Entry {
    settings.entries.iter().find(|entry| entry.key.name == name).unwrap()
}

#[test]
fn without_any_source_the_defaults_of_the_table_hold() {
    let settings = read(&Sources::default());
    assert_eq!(settings.profile, Profile::Server);
    assert_eq!(settings.listen.address.to_string(), "127.0.0.1:8000");
    assert_eq!(settings.requests.max_content_bytes, 1 << 20);
    assert_eq!(settings.requests.timeout.as_secs(), 30);
    assert_eq!(settings.requests.max_concurrent, 4096);
    assert_eq!(settings.requests.cors_origins.len(), 5);
    assert_eq!(entry(&settings, "WEBHOOK_WORKERS").shown.as_deref(), Some("10"));
    assert_eq!(entry(&settings, "LOG_FORMAT").shown.as_deref(), Some("json"));
    assert_eq!(entry(&settings, "REDIS_URL").shown, None);
}

#[test]
fn every_key_of_the_table_is_read_once_and_shown_in_its_order() {
    let settings = read(&Sources::default());
    let names: Vec<_> = settings.entries.iter().map(|entry| entry.key.name).collect();
    assert_eq!(names, keys::ALL.map(|key| key.name));
}

#[test]
fn each_source_beats_the_weaker_ones() {
    let mut layers = sources(
        &[("PORT", "1"), ("port", "2")],
        &[("PORT", "3"), ("LOG_LEVEL", "")],
        "PORT=4\nLOG_LEVEL=debug",
        "port = 5\nlog_level = \"warn\"\ndata_dir = \"d\"",
    );
    let port = |layers: &Sources| {
        let settings = read(layers);
        (settings.listen.address.port(), entry(&settings, "PORT").origin.to_string())
    };
    assert_eq!(port(&layers), (2, "command line".to_owned()));
    layers.command_line.clear();
    assert_eq!(port(&layers), (3, "environment".to_owned()));
    // Set to nothing is unset, so `.env` decides.
    assert_eq!(entry(&read(&layers), "LOG_LEVEL").shown.as_deref(), Some("debug"));
    layers.environment.clear();
    assert_eq!(port(&layers), (4, ".env:1".to_owned()));
    layers.dotenv = None;
    assert_eq!(port(&layers), (5, "redundancy.toml:1".to_owned()));
    layers.file = None;
    assert_eq!(port(&layers), (8000, "default".to_owned()));
}

#[test]
fn function_platforms_are_recognised_and_make_small_defaults() {
    for variable in ["AWS_LAMBDA_FUNCTION_NAME", "FUNCTION_APP", "FUNCTION_NAME", "K_SERVICE"] {
        let settings = read(&environment(&[(variable, "f"), ("PORT", "8080")]));
        assert_eq!(settings.profile.name(), "function", "{variable}");
        assert_eq!(settings.listen.address.port(), 8080);
        assert_eq!(entry(&settings, "WEBHOOK_WORKERS").shown.as_deref(), Some("2"));
        assert_eq!(entry(&settings, "WEBHOOK_POOL_SIZE").shown.as_deref(), Some("5"));
    }
}

#[test]
fn the_port_of_the_function_host_beats_port_but_not_the_command_line() {
    let mut layers = environment(&[("FUNCTIONS_CUSTOMHANDLER_PORT", "7071"), ("PORT", "80")]);
    let settings = read(&layers);
    assert_eq!(settings.listen.address.port(), 7071);
    assert_eq!(settings.profile.to_string(), "function (Azure Functions)");
    layers.command_line.push(("port".to_owned(), "9000".to_owned()));
    assert_eq!(read(&layers).listen.address.port(), 9000);
}

#[test]
fn all_wrong_settings_are_told_at_once_with_key_value_place_and_remedy() {
    let layers = sources(
        &[("colour", "red")],
        &[("HOST", "example.org"), ("MAX_CONTENT_BYTES", "lots")],
        "LOG_LEVEL=loud",
        "prot = 1\nworkers = 2\ntrusted_proxies = [\"10.0.0.0/99\"]",
    );
    let told = Settings::read(&layers, Purpose::Serve).unwrap_err().to_string();
    for part in [
        "7 settings will not do",
        "colour (command line): there is no such setting",
        "HOST = \"example.org\" (environment): must be an IP address",
        "MAX_CONTENT_BYTES = \"lots\" (environment): must be a number of bytes",
        "LOG_LEVEL = \"loud\" (.env:1): must be one of error, warn, info, debug, trace, off",
        "redundancy.toml:1: there is no setting prot; did you mean port?",
        "redundancy.toml:2: there is no setting workers",
        "TRUSTED_PROXIES = \"10.0.0.0/99\" (redundancy.toml:3): must be networks",
    ] {
        assert!(told.contains(part), "{told}\nlacks {part}");
    }
}

#[test]
fn a_mistake_on_the_command_line_is_told_also_where_a_later_value_counts() {
    let layers = sources(&[("PORT", "70000"), ("PORT", "0")], &[("PORT", "x")], "", "");
    let told = Settings::read(&layers, Purpose::Show).unwrap_err().to_string();
    assert!(told.contains("a setting will not do"), "{told}");
    assert!(told.contains("PORT = \"70000\" (command line): must be a whole number"), "{told}");
}

#[test]
fn no_secret_stands_in_entries_or_faults() {
    let variables = [
        ("API_KEYS", "hunter2-of-a-key"),
        ("JWT_SECRET", "hunter2-and-as-much-more-of-it-as-it-takes"),
        ("WEBHOOK_SECRET_KEY", "hunter2-and-more-of-it"),
        ("REDIS_URL", "redis://me:hunter2@host"),
        ("JWKS_URL", "https://host/keys?secret=hunter2"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2"),
    ];
    let settings = read(&environment(&variables));
    let entries = format!("{:?}", settings.entries);
    assert!(entries.contains("redis://****@host") && !entries.contains("hunter2"), "{entries}");
    let refused = faults(&variables);
    assert!(refused.contains("JWKS_URL = \"https://host/keys?****\""), "{refused}");
    assert!(!refused.contains("hunter2"), "{refused}");
    let wrong = faults(&[
        ("REDIS_URL", "hunter2@host"),
        ("JWKS_URL", "http://me:hunter2@host/keys"),
        ("OTLP_ENDPOINT", "https://host/v1?key=hunter2"),
        ("JWT_ISSUER", "https://me:hunter2@host"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "hunter2"),
    ]);
    for (name, remedy) in [
        ("REDIS_URL", "must be an address"),
        ("JWKS_URL = \"http://****@host/keys\"", "without user and password: the keys are public"),
        ("JWT_ISSUER = \"https://****@host\"", "must be the claim `iss` of the tokens"),
    ] {
        assert!(wrong.contains(name) && wrong.contains(remedy), "{wrong}");
    }
    assert!(!wrong.contains("hunter2"), "{wrong}");
}

#[test]
fn the_store_is_a_file_unless_there_is_an_address_of_redis() {
    let chosen = |given: &[(&'static str, &'static str)]| read(&environment(given)).storage.storage_type;
    let redis = ("REDIS_URL", "redis://127.0.0.1");
    assert_eq!(chosen(&[]), StorageType::Embedded);
    assert_eq!(chosen(&[redis]), StorageType::Redis);
    assert_eq!(chosen(&[redis, ("WEBHOOK_STORAGE_TYPE", "memory")]), StorageType::Memory);
    let told = faults(&[("WEBHOOK_STORAGE_TYPE", "redis")]);
    assert!(told.contains("REDIS_URL") && told.contains("redis://127.0.0.1:6379"), "{told}");
}

#[test]
fn a_key_for_secrets_that_is_too_short_is_refused_without_showing_it() {
    let told = faults(&[("WEBHOOK_SECRET_KEY", "hunter2")]);
    assert!(told.contains("WEBHOOK_SECRET_KEY") && told.contains("16 bytes"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn everybody_is_let_in_on_an_outside_address_only_if_that_is_said() {
    for host in ["0.0.0.0", "::", "192.0.2.1", "::ffff:192.0.2.1"] {
        let told = faults(&[("HOST", host)]);
        assert!(told.contains("ALLOW_ANONYMOUS=true"), "{told}");
        let said = environment(&[("HOST", host), ("ALLOW_ANONYMOUS", "true")]);
        Settings::read(&said, Purpose::Serve).unwrap();
    }
    for host in ["127.0.0.1", "::1", "[::1]", "localhost", "127.1.2.3", "::ffff:127.0.0.1"] {
        Settings::read(&environment(&[("HOST", host)]), Purpose::Serve).unwrap();
    }
}

#[test]
fn parts_of_encryption_that_do_not_go_together_are_refused() {
    let (cert, key, ca) = (("TLS_CERT", "c.pem"), ("TLS_KEY", "k.pem"), ("TLS_CLIENT_CA", "a.pem"));
    for (given, missing) in [
        (&[cert][..], "TLS_KEY: is needed beside TLS_CERT"),
        (&[cert, ca], "TLS_KEY: is needed beside TLS_CERT"),
        (&[key], "TLS_CERT: is needed beside TLS_KEY"),
        (&[ca], "TLS_CLIENT_CA = \"a.pem\" (environment): needs TLS_CERT and TLS_KEY"),
    ] {
        let told = faults(given);
        assert!(told.contains(missing), "{told}");
    }
    let told = faults(&[cert, key]);
    assert!(told.contains("TLS_CERT = \"c.pem\" (environment): cannot be read: No such file"), "{told}");
    // Whoever only looks at the settings, or asks the service, need not be able to read its key.
    let shown = read(&environment(&[cert, key, ca])).transport.certificates.unwrap();
    assert_eq!(shown.client_authorities, Some("a.pem".into()));
}

#[test]
fn the_address_of_metrics_is_an_address_and_a_port_and_not_that_of_the_service() {
    let monitoring = |text: &'static str| read(&environment(&[("METRICS_LISTEN", text)])).listen.monitoring;
    for (text, address) in [
        ("127.0.0.1:9090", "127.0.0.1:9090"),
        ("localhost:0", "127.0.0.1:0"),
        ("[::1]:9090", "[::1]:9090"),
        ("0.0.0.0:9090", "0.0.0.0:9090"),
    ] {
        assert_eq!(monitoring(text), Some(address.parse().unwrap()));
    }
    assert_eq!(read(&Sources::default()).listen.monitoring, None);
    for text in
        ["9090", ":9090", "::1:9090", "127.0.0.1", "127.0.0.1:x", "example.org:9090", "127.0.0.1:65536"]
    {
        let told = faults(&[("METRICS_LISTEN", text)]);
        assert!(told.contains("METRICS_LISTEN") && told.contains("127.0.0.1:9090"), "{text}: {told}");
    }
    let told = faults(&[("METRICS_LISTEN", "127.0.0.1:8000")]);
    assert!(told.contains("another address than that of HOST and PORT"), "{told}");
}

#[test]
fn browsers_remember_for_two_years_at_most() {
    let told = faults(&[("HSTS_MAX_AGE_SECONDS", "63072001")]);
    assert!(told.contains("from 0 to 63072000"), "{told}");
}

#[test]
fn traces_go_where_our_own_setting_says_and_else_where_the_standard_ones_do() {
    let export = |given: &[(&'static str, &'static str)]| {
        let enabled = [("ENABLE_TRACING", "true")];
        let all: Vec<_> = enabled.iter().chain(given).copied().collect();
        let export = read(&environment(&all)).telemetry.traces.unwrap();
        (export.protocol, format!("{}", export.address), export.path)
    };
    let http = |address: &str, path: &str| (OtlpProtocol::Http, address.to_owned(), path.to_owned());
    let grpc = |address: &str| (OtlpProtocol::Grpc, address.to_owned(), "/v1/traces".to_owned());
    let (own, of_all) =
        (("OTLP_ENDPOINT", "http://own:1"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all:2/x"));
    let of_traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:3");
    assert_eq!(export(&[]), http("http://127.0.0.1:4318", "/v1/traces"));
    assert_eq!(export(&[own, of_all, of_traces]), http("http://own:1", "/v1/traces"));
    assert_eq!(export(&[of_all, of_traces]), http("http://traces:3", "/"));
    assert_eq!(export(&[of_all]), http("http://all:2/x", "/x/v1/traces"));
    assert_eq!(export(&[("OTLP_ENDPOINT", "http://own:1/v1/traces")]).2, "/v1/traces");
    assert_eq!(export(&[("OTLP_ENDPOINT", "http://own:4317")]), grpc("http://own:4317"));
    assert_eq!(export(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]), grpc("http://127.0.0.1:4317"));
    let (of_one, of_others) =
        (("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"));
    assert_eq!(export(&[of_one, of_others]).0, OtlpProtocol::Http);
}

#[test]
fn traces_are_exported_only_if_that_is_said_and_the_sdk_is_not_disabled() {
    let is_exported =
        |given: &[(&'static str, &'static str)]| read(&environment(given)).telemetry.traces.is_some();
    let enabled = ("ENABLE_TRACING", "true");
    assert!(is_exported(&[enabled]));
    assert!(!is_exported(&[]));
    assert!(!is_exported(&[("OTLP_ENDPOINT", "http://collector:4318")]));
    assert!(!is_exported(&[enabled, ("OTEL_SDK_DISABLED", "true")]));
}

#[test]
fn samplers_are_named_as_opentelemetry_names_them_and_others_are_refused_by_name() {
    let sampling = |sampler: &'static str| {
        let given = [
            ("ENABLE_TRACING", "true"),
            ("OTEL_TRACES_SAMPLER", sampler),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
        ];
        let TraceSampling { ratio, follows_parent } =
            read(&environment(&given)).telemetry.traces.unwrap().sampling;
        (follows_parent, format!("{ratio}"))
    };
    for (sampler, follows_parent, ratio) in [
        ("always_on", false, "1"),
        ("always_off", false, "0"),
        ("traceidratio", false, "0.25"),
        ("parentbased_always_on", true, "1"),
        ("parentbased_always_off", true, "0"),
        ("parentbased_traceidratio", true, "0.25"),
    ] {
        assert_eq!(sampling(sampler), (follows_parent, ratio.to_owned()), "{sampler}");
    }
    let told = faults(&[("OTEL_TRACES_SAMPLER", "jaeger_remote"), ("OTEL_TRACES_SAMPLER_ARG", "2")]);
    for part in [
        "OTEL_TRACES_SAMPLER = \"jaeger_remote\"",
        "must be one of always_on",
        "OTEL_TRACES_SAMPLER_ARG = \"2\"",
    ] {
        assert!(told.contains(part), "{told}\nlacks {part}");
    }
}

#[test]
fn spans_say_who_they_are_from() {
    let given = [
        ("ENABLE_TRACING", "true"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team=search,service.name=other,deployment.environment=a%20b"),
        ("OTEL_SERVICE_NAME", "mine"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
    ];
    let export = read(&environment(&given)).telemetry.traces.unwrap();
    let value =
        |name: &str| export.resource.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert_eq!(value("service.name"), Some("mine"));
    assert_eq!(value("deployment.environment"), Some("a b"));
    assert_eq!(value("team"), Some("search"));
    assert_eq!(export.queue.max_batch, 100);
}
