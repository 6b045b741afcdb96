use super::*;
use crate::{Key, Position, parse};

fn value(kind: Kind) -> Value {
    Value { kind, position: Position::default() }
}

fn item(keys: &[&str], kind: Kind, assigned: bool) -> Item {
    let keys = keys.iter().map(|text| Key { text: (*text).to_owned(), position: Position::default() });
    Item { keys: keys.collect(), value: value(kind), assigned }
}

#[test]
fn blocks_are_sorted_and_commented() {
    let capabilities = Kind::List(["read", "list"].map(|text| value(Kind::String(text.to_owned()))).to_vec());
    let body = Kind::Object(Body { items: vec![item(&["capabilities"], capabilities, true)] });
    let late = item(&["path", "b/${x}/\"q\\"], body.clone(), false);
    let early = item(&["path", "a"], Kind::Object(Body::default()), false);
    let comments = ["from here".to_owned(), "and there".to_owned()];
    let printed = print([(&comments[..], &late), (&[][..], &early)]).unwrap();
    let expected = "path \"a\" {}\n\n# from here\n# and there\npath \"b/${x}/\\\"q\\\\\" {\n  \
                    capabilities = [\"read\", \"list\"]\n}\n";
    assert_eq!(printed, expected.replace("${x}", "\\u0024{x}"), "a quote follows, so the brace is spelt out");
    assert_eq!(parse(&printed).unwrap().items[1].keys[1].text, "b/${x}/\"q\\");
}

#[test]
fn interpolation_stands_for_itself_where_it_can() {
    assert_eq!(quote("a/${b}/c").unwrap(), "\"a/${b}/c\"");
    assert_eq!(quote("a/${b").unwrap(), "\"a/\\u0024{b\"");
    assert_eq!(quote("\"${b}").unwrap(), "\"\\\"${b}\"");
}

#[test]
fn control_characters_and_null_are_refused() {
    assert_eq!(quote("a\nb").unwrap_err(), PrintError::Control("a\nb".to_owned()));
    let null = item(&["a"], Kind::Null, true);
    assert_eq!(print([(&[][..], &null)]).unwrap_err(), PrintError::Null("a".to_owned()));
    let fine = item(&["a"], Kind::Bool(true), true);
    assert!(print([(&["x\u{7}".to_owned()][..], &fine)]).is_err());
}
