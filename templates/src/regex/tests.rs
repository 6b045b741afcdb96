use super::{compile_text, quote_meta, replace_all};

fn matches(expression: &str, text: &str) -> bool {
    match compile_text(expression) {
        Ok(regex) => regex.is_match(text.as_bytes()),
        Err(reason) => panic!("{expression}: {reason}"),
    }
}

#[test]
fn classes_are_ascii_as_in_go() {
    assert!(matches(r"^\d+$", "42"));
    assert!(!matches(r"^\d$", "\u{663}")); // an Arabic digit
    assert!(!matches(r"^\w$", "é"));
    assert!(matches(r"^\pL$", "é"));
    assert!(matches(r"(?i)^É$", "é"));
    assert!(matches(r"^[[]&&$", "[&&"));
    assert!(matches(r"^\Qa.b\E$", "a.b"));
    assert!(matches("^a{,2}$", "a{,2}"));
}

#[test]
fn what_go_refuses() {
    for expression in ["(", "a**", "x{1001}", "(?x)a", r"\u0041", r"\1", "[b-a]", "*", r"\"] {
        assert!(compile_text(expression).is_err(), "{expression}");
    }
}

#[test]
fn replacements() {
    let regex = compile_text(r"(?P<first>\w)(\w*)").unwrap();
    let replaced = replace_all(&regex, b"ab cd", b"${2}-$first$$x$2y").unwrap();
    assert_eq!(String::from_utf8(replaced).unwrap(), "b-a$x d-c$x");
    assert_eq!(quote_meta("a.b"), "a\\.b");
}
