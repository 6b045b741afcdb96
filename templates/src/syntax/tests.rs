use super::parse;
use crate::{CompileError, Options, Template};

fn error(source: &str) -> CompileError {
    match Template::compile(source, &Options::default()) {
        Ok(_) => panic!("{source:?} compiles"),
        Err(error) => error,
    }
}

#[test]
fn errors_say_where() {
    let unknown = error("first line\n  é{{ .a | nosuch }}");
    assert_eq!((unknown.line, unknown.column), (2, 12));
    assert_eq!(unknown.message, "function \"nosuch\" is not defined");
    assert_eq!(error("a\n{{ if true }}x").line, 2);
    assert_eq!(
        error("{{ \"open }}").to_string(),
        "compiling the template: line 1, column 4: unterminated quoted string"
    );
    assert_eq!(error("{{ $x }}").message, "undefined variable \"$x\"");
    assert_eq!(error("{{ break }}").message, "{{break}} outside of {{range}}");
}

#[test]
fn defines_stand_only_at_the_top() {
    assert!(parse("{{ define \"a\" }}x{{ end }}{{ template \"a\" }}", "{{", "}}").is_ok());
    assert!(parse("{{ if true }}{{ define \"a\" }}x{{ end }}{{ end }}", "{{", "}}").is_err());
    assert!(parse("{{ define \"a\" }}x{{ end }}{{ define \"a\" }}y{{ end }}", "{{", "}}").is_err());
}

#[test]
fn nesting_has_a_limit() {
    let deep = |depth: usize| "{{ if true }}".repeat(depth) + &"{{ end }}".repeat(depth);
    assert!(parse(&deep(90), "{{", "}}").is_ok());
    assert!(parse(&deep(10_000), "{{", "}}").is_err());
    let parentheses = format!("{{{{ {}1{} }}}}", "(".repeat(10_000), ")".repeat(10_000));
    assert!(parse(&parentheses, "{{", "}}").is_err());
}

#[test]
fn own_delimiters() {
    let options = Options { left_delimiter: "<%".to_owned(), right_delimiter: "%>".to_owned(), ..Options::default() };
    assert!(Template::compile("{{ nosuch }}<%- /* c */ -%><% \"x\" %>", &options).is_ok());
    let (line, column) = match Template::compile("{{\n<% nosuch %>", &options) {
        Err(error) => (error.line, error.column),
        Ok(_) => panic!("an unknown function compiles"),
    };
    assert_eq!((line, column), (2, 4));
}
