//! The reference page says of the command line and of the desired state what the code does.

use std::collections::BTreeSet;

use clap::{Arg, CommandFactory as _};

use super::Arguments;
use crate::desired::Desired;

const PAGE: &str = include_str!("../../docs/reference/bootstrap.md");

/// What a row says of a flag before its meaning.
fn row(argument: &Arg) -> String {
    let environment = argument.get_env().map(|name| format!("`{}`", name.to_string_lossy())).unwrap_or_default();
    let default: Vec<_> =
        argument.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy())).collect();
    let default = if argument.is_required_set() { "needed".to_owned() } else { default.join(" ") };
    format!("| `--{}` | {environment} | {default} |", argument.get_long().unwrap())
}

/// The page's sections below their headings.
fn sections() -> Vec<(&'static str, &'static str)> {
    PAGE.split("\n## ").skip(1).filter_map(|section| section.split_once('\n')).collect()
}

#[test]
fn the_command_line_is_sound() {
    Arguments::command().debug_assert();
}

#[test]
fn every_flag_stands_with_its_command_or_with_what_commands_share() {
    let mut known = BTreeSet::new();
    for command in Arguments::command().get_subcommands() {
        let own = format!("`blinkchamber-bootstrap {}`", command.get_name());
        let (_, section) =
            sections().into_iter().find(|(heading, _)| *heading == own).unwrap_or_else(|| panic!("{own}"));
        let nested = command.get_subcommands().flat_map(clap::Command::get_arguments);
        let flags = command.get_arguments().chain(nested).filter(|argument| !argument.is_positional());
        for argument in flags.filter(|argument| argument.get_long() != Some("help")) {
            let row = row(argument);
            let shared = |(heading, text): (&str, &str)| {
                let anchor = heading.to_lowercase().replace(' ', "-");
                text.contains(&row) && section.contains(&format!("(#{anchor})"))
            };
            assert!(section.contains(&row) || sections().into_iter().any(shared), "{own}: {row}");
            known.insert(row);
        }
    }
    for line in PAGE.lines().filter(|line| line.starts_with("| `--")) {
        assert!(known.iter().any(|row| line.starts_with(row)), "there is no such flag: {line}");
    }
}

#[test]
fn every_key_of_the_desired_state_is_on_the_page_and_no_other() {
    let (_, section) = sections().into_iter().find(|(heading, _)| *heading == "Desired state").unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let listed: BTreeSet<_> = rows.map(|(path, _)| path.rsplit('.').next().unwrap().to_owned()).collect();
    let sources = [include_str!("desired.rs"), include_str!("desired/pki.rs"), include_str!("desired/rotation.rs")];
    let known: BTreeSet<_> = sources.into_iter().flat_map(keys).collect();
    assert_eq!(listed, known);
}

/// Fields and variants of the types at the beginning of a file, as serde names them.
fn keys(source: &str) -> Vec<String> {
    let types = source.split("\nimpl ").next().unwrap();
    let mut keys = Vec::new();
    let mut flattened = false;
    for line in types.lines().map(str::trim) {
        let text = line.strip_prefix("pub ").unwrap_or(line);
        let variant =
            text.strip_suffix(" {").filter(|name| name.starts_with(char::is_uppercase) && !name.contains(' '));
        let field = text.split_once(": ").map(|(name, _)| name).filter(|name| {
            !flattened && name.chars().all(|character| character.is_ascii_lowercase() || character == '_')
        });
        keys.extend(variant.or(field).map(camel_case));
        flattened = line == "#[serde(flatten)]";
    }
    keys
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default();
    let mut out =
        first.chars().next().unwrap_or_default().to_lowercase().chain(first.chars().skip(1)).collect::<String>();
    for word in words {
        out.extend(word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)));
    }
    out
}

#[test]
fn the_example_on_the_page_is_a_desired_state() {
    let example = PAGE.split("```yaml\n").nth(1).and_then(|text| text.split("```").next()).unwrap();
    let desired = Desired::parse(example).unwrap();
    assert!(desired.pki.is_some() && desired.rotations.len() == 1 && desired.operators.len() == 1);
}
