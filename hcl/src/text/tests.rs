use proptest::prelude::*;

use super::*;
use crate::MAX_DEPTH;
use crate::{is_json, print};

/// A tree in a line: `key=value`, `key{...}`, labels in quotes.
fn shape(body: &Body) -> String {
    let items: Vec<_> = body.items.iter().map(item_shape).collect();
    items.join(" ")
}

fn item_shape(item: &Item) -> String {
    let keys: Vec<_> = item.keys.iter().map(|key| key.text.as_str()).collect();
    format!("{}{}{}", keys.join("/"), if item.assigned { "=" } else { "" }, value_shape(&item.value))
}

fn value_shape(value: &Value) -> String {
    match &value.kind {
        Kind::Bool(truth) => truth.to_string(),
        Kind::Null => "null".to_owned(),
        Kind::Number(number) => number.clone(),
        Kind::String(text) => format!("{text:?}"),
        Kind::List(list) => format!("[{}]", list.iter().map(value_shape).collect::<Vec<_>>().join(",")),
        Kind::Object(body) => format!("{{{}}}", shape(body)),
    }
}

#[track_caller]
fn reads(text: &str, expected: &str) {
    assert_eq!(shape(&parse(text).unwrap()), expected, "{text}");
}

#[track_caller]
fn refuses(text: &str, place: (usize, usize), server: &str) {
    let error = parse(text).unwrap_err();
    assert_eq!(error.server_message(), server, "{text}");
    assert_eq!((error.position.line, error.position.column), place, "{text}");
    assert!(!error.message.is_empty(), "{text}");
}

#[test]
fn blocks_labels_and_attributes() {
    reads("", "");
    reads("# only\n// comments\n/* here */", "");
    reads("a = 1", "a=1");
    reads("path \"a\" { capabilities = [\"read\"] }", "path/a{capabilities=[\"read\"]}");
    reads("\"path\" \"a\" { \"x\" = true }", "path/a{x=true}");
    reads("path \"a\"\n{\n}\n", "path/a{}");
    reads("path a.b-c {}", "path/a.b-c{}");
    reads("a { x = 1, y = 2, } b {}, c = -1.5e3", "a{x=1 y=2} b{} c=-1.5e3");
    reads("a = 1 b = 0x1F c = 017 d = .5", "a=1 b=0x1F c=017 d=.5");
    reads("a = 1\na = 2", "a=1 a=2");
    reads("pâth = 1", "pâth=1");
    reads("a {\r x = 1\r}", "a{x=1}");
}

#[test]
fn lists() {
    reads("a = [1, \"b\", true, [2], {c = 3},]", "a=[1,\"b\",true,[2],{c=3}]");
    reads("a = [,1,,2]", "a=[1,2]");
    reads("a = [[1] [2]]", "a=[[1],[2]]");
}

#[test]
fn strings_keep_interpolation_and_unescape_the_rest() {
    reads(
        r#"a = "x\"y\\z\n\t\u00e9\x41\101""#,
        "a=\"x\\\"y\\\\z\\n\\té\\u{41}\\u{41}\"".replace("\\u{41}", "A").as_str(),
    );
    reads(r#"a = "secret/${x["y"]}/z""#, r#"a="secret/${x[\"y\"]}/z""#);
    reads("a = \"${\n}\"", "a=\"${\\n}\"");
    reads(r#"a = "$${x}""#, r#"a="$${x}""#);
}

#[test]
fn here_documents() {
    reads("a = <<EOF\nx\n  y\nEOF\n", "a=\"x\\n  y\\n\"");
    reads("a = <<EOF\r\nx\r\nEOF\r\n", "a=\"x\\n\"");
    reads("a = <<-EOF\n    x\n      y\n    EOF\n", "a=\"x\\n  y\\n\"");
    reads("a = <<-EOF\n  x\n    EOF\n", "a=\"  x\\n\"");
    reads("a = [<<EOF\nread\nEOF\n]", "a=[\"read\\n\"]");
}

#[test]
fn positions_point_at_keys_and_values() {
    let body = parse("# é\nlong \"ü\" = 1\n  b = [\n\"ä\", 2]\n").unwrap_err();
    assert_eq!(body.position.line, 2, "a label and = do not go together");
    let body = parse("# é\npath \"ü\" {\n  b = [\n\"ä\", 2]\n}").unwrap();
    let path = &body.items[0];
    assert_eq!(path.keys[1].position, Position { line: 2, column: 6, offset: 10 });
    let Kind::Object(inner) = &path.value.kind else { panic!("a block") };
    assert_eq!(inner.items[0].keys[0].position, Position { line: 3, column: 3, offset: 19 });
    let Kind::List(list) = &inner.items[0].value.kind else { panic!("a list") };
    assert_eq!(list[1].position, Position { line: 4, column: 6, offset: 31 });
}

/// Sentences and columns as OpenBao 2.7.2 answers them.
#[test]
fn refusals() {
    refuses("path \"a\" { c = [read] }", (1, 17), "At 1:17: unexpected token while parsing list: IDENT");
    refuses("a = [\"b\" \"c\"]", (1, 10), "At 1:10: error parsing list, expected comma or list end, got: STRING");
    refuses("path \"a\" = {}", (1, 10), "At 1:10: nested object expected: LBRACE got: ASSIGN");
    refuses("path 'a' {}", (1, 6), "At 1:6: illegal char");
    refuses("path a/b { c = [\"read\"] }", (1, 7), "At 1:7: expected '/' for comment");
    refuses("path \"a\" { c = [\"read\"]", (1, 25), "At 1:25: object expected closing RBRACE got: EOF");
    refuses("a {} }", (1, 6), "At 1:6: expected: IDENT | STRING | ASSIGN | LBRACE got: RBRACE");
    refuses("a { b [1] }", (1, 7), "At 1:7: expected: IDENT | STRING | ASSIGN | LBRACE got: LBRACK");
    refuses("path 5 {}", (1, 6), "At 1:6: expected: IDENT | STRING | ASSIGN | LBRACE got: NUMBER");
    refuses("a = concat(1)", (1, 5), "At 1:5: Unknown token: 1:5 IDENT concat");
    refuses("\u{feff}a = 1", (1, 1), "At 1:1: illegal char");
    refuses("a = \"b\\q\"", (1, 8), "At 1:8: illegal char escape");
    refuses("a = [019]", (1, 9), "At 1:9: illegal octal number");
    refuses("a = 019", (1, 8), "At 1:8: illegal octal number");
    refuses("a = \"b\0\"", (1, 9), "At 1:9: literal not terminated");
    refuses("a = <<-EOF\nx\nEOF\n", (4, 1), "At 4:1: heredoc not terminated");
}

#[test]
fn a_character_of_several_bytes_can_be_given_back() {
    for text in ["{A\u{afd}", "a\u{afd}", "a = \u{afd}", "\u{1F512}{"] {
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn nesting_is_limited() {
    let deep = |levels: usize| format!("a = {}1{}", "[".repeat(levels), "]".repeat(levels));
    assert!(parse(&deep(MAX_DEPTH)).is_ok());
    assert!(parse(&deep(MAX_DEPTH + 1)).unwrap_err().message.contains("nested deeper"));
    assert!(parse(&"a {".repeat(100_000)).unwrap_err().message.contains("nested deeper"));
    assert!(crate::parse(&"{\"a\":".repeat(100_000)).unwrap_err().message.contains("nested deeper"));
}

fn values() -> impl Strategy<Value = Value> {
    let text = "[a-z${}\"\\\\*+/ é\u{20ac}]{0,12}";
    let leaf = prop_oneof![
        any::<bool>().prop_map(Kind::Bool),
        any::<i32>().prop_map(|number| Kind::Number(number.to_string())),
        text.prop_map(Kind::String),
    ];
    let kind = leaf.prop_recursive(3, 24, 4, |inner| {
        let value = inner.prop_map(|kind| Value { kind, position: Position::default() });
        let item = ("[a-z${}\"\\\\]{1,6}", value.clone()).prop_map(|(text, value)| Item {
            keys: vec![Key { text, position: Position::default() }],
            assigned: true,
            value,
        });
        prop_oneof![
            proptest::collection::vec(value, 0..4).prop_map(Kind::List),
            proptest::collection::vec(item, 0..4).prop_map(|items| Kind::Object(Body { items })),
        ]
    });
    kind.prop_map(|kind| Value { kind, position: Position::default() })
}

proptest! {
    #[test]
    fn garbage_is_refused_or_read_but_never_a_panic(text in "\\PC*|[a-z\"{}\\[\\]=,#/*<\\\\$\\n\\-0-9.+ ]{0,80}") {
        match crate::parse(&text) {
            Ok(body) => prop_assert!(body.items.len() <= text.len()),
            Err(error) => prop_assert!(error.position.offset <= text.len()),
        }
    }

    #[test]
    fn what_is_printed_reads_back(value in values(), label in "[a-z${}\"\\\\*+/ ]{0,12}") {
        let block = Kind::Object(Body { items: vec![Item {
            keys: vec![Key { text: "x".to_owned(), position: Position::default() }],
            value,
            assigned: true,
        }] });
        let keys = ["path".to_owned(), label].map(|text| Key { text, position: Position::default() }).to_vec();
        let item = Item { keys, value: Value { kind: block, position: Position::default() }, assigned: false };
        let printed = print([(&[][..], &item)]).unwrap();
        prop_assert!(!is_json(&printed));
        let read = parse(&printed).unwrap();
        prop_assert_eq!(shape(&read), item_shape(&item), "{}", printed);
    }
}

#[test]
fn every_error_of_a_text_is_found_and_the_rest_is_read() {
    let text = "a { b = x }\nc {\n  d = 1\n}\npath 'e' {\n}\nf = [1 2]\ng { h = 2 }\n";
    let read = crate::recover(text);
    let places: Vec<_> = read.errors.iter().map(|error| (error.position.line, error.position.column)).collect();
    assert_eq!(places, [(1, 9), (5, 6), (7, 8)]);
    assert_eq!(shape(&read.body), "c{d=1} g{h=2}");
    let whole = crate::recover("a = 1");
    assert_eq!((shape(&whole.body).as_str(), whole.errors.len()), ("a=1", 0));
    let closed = crate::recover("a {\n  b = 1\n}\n}\nc = 1\n");
    assert_eq!((shape(&closed.body).as_str(), closed.errors.len()), ("a{b=1} c=1", 1));
}

#[test]
fn errors_without_end_are_not_all_kept() {
    assert!(crate::recover(&"a = x\n".repeat(5_000)).errors.len() <= 2 * MOST_ERRORS);
    assert!(crate::recover(&"'\n".repeat(5_000)).errors.len() <= 2 * MOST_ERRORS + 2);
    let deep = format!("{}\nb = 1", "a { ".repeat(5_000));
    assert_eq!(crate::recover(&deep).errors[0].position.line, 1);
}

proptest! {
    #[test]
    fn recovering_finds_the_servers_error_first(text in "(a|\"b\"|'|=|\\{|\\}|\\[|\\]|,|1|\n|\n|# c\n){0,24}") {
        let read = crate::recover(&text);
        match crate::parse(&text) {
            Ok(body) => prop_assert!(read.errors.is_empty() && print::same(&read.body, &body)),
            Err(error) => prop_assert_eq!(&read.errors[0], &error),
        }
    }
}
