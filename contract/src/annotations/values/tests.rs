//! Which values are accepted.

use std::time::Duration;

use super::*;
use crate::config::ReloadAction;

#[test]
fn values_are_accepted_as_their_kind_says() {
    let cases: &[(Kind, &[&str], &[&str])] = &[
        (
            Kind::Bool,
            &["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False", ""],
            &["tRuE", "yes", " true", "2", "null"],
        ),
        (Kind::Id, &["0", "+5", "2147483647"], &["", "-1", " 5", "1_000", "2147483648", "root"]),
        (Kind::Unsigned, &["0", "5"], &["", "+5", "-1", "5s"]),
        (Kind::Count, &["", "0", "5", "+5"], &["-1", "1.5"]),
        (
            Kind::Duration,
            &["", "0", "30s", "1h30m", "1.5h", "+1s", ".5s", "1us", "1µs", "1μs", "5ns"],
            &["5", "-5s", " 1s", "10 m", "soon", "1s2", ".s", "1..5s", "9999999h", "+"],
        ),
        (Kind::Seconds, &["", "30", "30s"], &["often", "-1", "1.5"]),
        (
            Kind::Quantity,
            &["", "500m", "0.5", "1Gi", "1e3", "1E2", "+1", "5.", "1n", "100k", ".5"],
            &["-1", "100K", "500mi", "128mb", "128g", "bad", "1e", ".", "1ee3", "1e3.5"],
        ),
        (Kind::Mode, &["", "0640", "640", "7"], &["0o600", "rw", "0800", "1777", "-1", "+7"]),
        (Kind::Share, &[".5", "1e-2", "0", "1"], &["", "NaN", "Inf", "-0.5", "1.1", " 0.5"]),
        (Kind::OneOf(&["map", "json"]), &["map", "JSON"], &["", "yaml"]),
        (Kind::ListOf(&["a", "b"]), &["", ",", "a, b", "b"], &["a,c"]),
        (Kind::Directory, &["/x", "/x//y/"], &["", "/", "x", "/x/../y", "/x:y"]),
        (Kind::Socket, &["", "0.0.0.0:9102", "[::]:1"], &["9102", ":9102", "localhost:1", "0.0.0.0:0"]),
        (Kind::Patch, &["", "null", "[]", r#"[{"op":"remove","path":"/a"}]"#], &["{}", "abc", "5", "[null]", "[] x"]),
        (Kind::Filled, &["x"], &["", "  "]),
        (Kind::Text, &["", "x"], &[]),
        (Kind::Names, &["", "a,b"], &[]),
    ];
    for (kind, accepted, rejected) in cases {
        for value in *accepted {
            assert!(kind.accepts(value), "{kind:?} rejects {value:?}");
        }
        for value in *rejected {
            assert!(!kind.accepts(value), "{kind:?} accepts {value:?}");
        }
        assert!(!kind.expected().is_empty());
    }
}

#[test]
fn durations_are_added_up() {
    assert_eq!(duration("1h30m"), Some(Duration::from_secs(5400)));
    assert_eq!(duration("1.5s"), Some(Duration::from_millis(1500)));
    assert_eq!(duration("1s500ms"), Some(Duration::from_millis(1500)));
    assert_eq!(seconds("90"), Some(Duration::from_secs(90)));
}

#[test]
fn quantities_have_a_size() {
    assert_eq!(quantity("1Ki"), Some(1024.0));
    assert_eq!(quantity("1e3"), quantity("1k"));
    assert!(quantity("250m") < quantity("0.5"));
}

#[test]
fn directories_have_one_spelling() {
    assert_eq!(directory("/vault//secrets/./").as_deref(), Some("/vault/secrets"));
}

#[test]
fn reload_actions_are_separated_by_commas_or_lines() {
    let signal = ReloadAction::Signal { signal: "SIGHUP".to_owned(), process: "postgres".to_owned() };
    let http = ReloadAction::Http { method: "POST".to_owned(), url: "http://127.0.0.1:8080/reload".to_owned() };
    let command = ReloadAction::Command { argv: ["/bin/x", "a,b", "c"].map(str::to_owned).to_vec() };
    assert_eq!(
        reload_actions("signal:HUP:postgres, http:POST:http://127.0.0.1:8080/reload"),
        Ok(vec![signal.clone(), http])
    );
    assert_eq!(reload_actions("signal:SIGHUP:postgres\ncommand:/bin/x  a,b c\n"), Ok(vec![signal, command]));
}

#[test]
fn reload_actions_that_are_not_understood_are_named() {
    let cases = [
        ("", "names no action"),
        (",", "names no action"),
        ("restart", "`restart` begins with none of"),
        ("signal:HUP", "needs a process"),
        ("signal:KILL:x", "`KILL` is none of the signals"),
        ("signal:HUP:/bin/x", "not the base name"),
        ("signal:HUP:", "not the base name"),
        ("command:x", "absolute path"),
        ("command:", "absolute path"),
        ("http:PATCH:http://x", "`PATCH` is none of the methods"),
        ("http:GET:https://x", "not an http:// URL"),
        ("http:GET:http:///x", "not an http:// URL"),
        ("http:GET", "not an http:// URL"),
    ];
    for (value, part) in cases {
        let error = reload_actions(value).expect_err(value);
        assert!(error.contains(part), "{value:?}: {error}");
    }
}

#[test]
fn an_objects_name_and_a_url_of_the_pod() {
    for name in ["a", "shop-reload", "a.b-c.9"] {
        assert!(object_name(name), "{name}");
    }
    for name in ["", "A", "-a", "a-", "a..b", "a/b", "a_b", &"a".repeat(254)] {
        assert!(!object_name(name), "{name}");
    }
    for url in ["http://localhost", "http://127.0.0.1:8080/ready", "http://[::1]:80?x"] {
        assert!(local_url(url), "{url}");
    }
    for url in ["https://localhost", "http://127.0.0.1.example/", "http://127.0.0.1:0/", "http://localhost:80@x/", "x"]
    {
        assert!(!local_url(url), "{url}");
    }
}

#[test]
fn a_proxy_is_spoken_to_by_http_and_without_a_password() {
    for url in ["http://proxy.example:3128", "http://proxy.example/", "proxy:3128", "http://[fd00::1]:8080", "10.0.0.1"]
    {
        assert!(proxy_url(url), "{url}");
    }
    for url in [
        "https://proxy.example:3129",
        "socks5://proxy.example",
        "http://me:secret@proxy.example",
        "http://proxy.example/path",
        "http://proxy.example:0",
        "http://:3128",
        "http://a b",
        "",
    ] {
        assert!(!proxy_url(url), "{url}");
    }
}
