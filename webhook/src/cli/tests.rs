use clap::CommandFactory;

use super::*;

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_flag_of_serve_can_be_given_by_the_environment() {
    let command = Cli::command();
    let serve = command.find_subcommand("serve").unwrap();
    for argument in serve.get_arguments().filter(|argument| !matches!(argument.get_id().as_str(), "help" | "version")) {
        let flag = argument.get_long().unwrap();
        let wanted = match flag {
            "namespace" => "POD_NAMESPACE".to_owned(),
            "pod-name" => "POD_NAME".to_owned(),
            other => format!("BLINKCHAMBER_{}", other.replace('-', "_").to_uppercase()),
        };
        assert_eq!(argument.get_env().unwrap(), wanted.as_str(), "{flag}");
    }
}

#[test]
fn reconcile_is_a_switch_that_takes_a_value() {
    let parsed = |arguments: &[&str]| {
        let all = ["blinkchamber-webhook", "serve"].iter().chain(arguments);
        match Cli::try_parse_from(all).unwrap().command {
            Command::Serve(serve) => serve.reconcile,
            Command::Inject(_) => panic!("not serve"),
        }
    };
    assert_eq!(parsed(&["--reconcile"]), "true");
    assert_eq!(parsed(&["--reconcile=false"]), "false");
    assert_eq!(parsed(&[]), "false");
}
