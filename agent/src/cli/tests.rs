use std::time::Duration;

use super::{Action, Arguments, UsageError};
use crate::settings::Source;

fn parse(line: &str) -> Result<Arguments, UsageError> {
    Arguments::parse(line.split_whitespace().map(str::to_owned))
}

#[test]
fn no_argument_runs_with_the_environment() {
    let arguments = parse("").unwrap();
    assert_eq!((arguments.action, arguments.source()), (Action::Run, Source::Environment));
}

#[test]
fn the_configuration_is_given_in_every_go_spelling() {
    for line in ["-config=/c", "--config=/c", "-config /c", "agent -config /c", "run --config /c"] {
        let arguments = parse(line).unwrap();
        assert_eq!(arguments.source(), Source::File("/c".into()), "{line}");
        assert_eq!(arguments.action, Action::Run, "{line}");
    }
}

#[test]
fn commands_and_their_flags() {
    let arguments = parse("status --json --socket /s").unwrap();
    assert!(arguments.json && arguments.action == Action::Status);
    assert_eq!(arguments.socket, Some("/s".into()));
    assert_eq!(parse("--version").unwrap().action, Action::Version);
    assert_eq!(parse("ready -wait=4s").unwrap().wait, Duration::from_secs(4));
    assert_eq!(parse("ready -wait 1500ms").unwrap().wait, Duration::from_millis(1500));
    assert_eq!(parse("ready -h").unwrap().action, Action::Help);
    assert!(!parse("-exit-after-auth=false").unwrap().exit_after_auth);
}

#[test]
fn nonsense_is_named() {
    assert_eq!(parse("-cofnig=x").unwrap_err().to_string(), "-cofnig=x: not a flag (see --help)");
    assert_eq!(parse("-config").unwrap_err().to_string(), "-config: needs a value");
    assert!(parse("walk").unwrap_err().to_string().starts_with("walk: not a command; use run"));
    assert_eq!(
        parse("ready -wait=soon").unwrap_err().to_string(),
        "-wait=soon: takes a duration such as 500ms, 4s or 1m"
    );
    assert_eq!(parse("ready status").unwrap_err().argument, "status");
    assert_eq!(parse("status -json=maybe").unwrap_err().argument, "-json=maybe");
}
