use super::*;

/// Keys of the items that hold no object, after flattening: `path/a/capabilities`.
fn leaves(text: &str) -> Vec<String> {
    fn walk(body: &Body, above: &str, found: &mut Vec<String>) {
        for item in &body.items {
            let keys: Vec<_> = item.keys.iter().map(|key| key.text.as_str()).collect();
            let here = format!("{above}{}", keys.join("+"));
            match &item.value.kind {
                Kind::Object(inner) => walk(inner, &format!("{here}/"), found),
                Kind::List(list) => found.push(format!("{here}[{}]", list.len())),
                _ => found.push(here),
            }
        }
    }
    let mut found = Vec::new();
    walk(&flatten(parse(text).unwrap()), "", &mut found);
    found
}

#[test]
fn objects_of_objects_become_labels() {
    assert_eq!(
        leaves(r#"{"path":{"a":{"capabilities":["read"]},"b":{"policy":"write"}}}"#),
        ["path+a/capabilities[1]", "path+b/policy"]
    );
    assert_eq!(
        leaves(r#"{"path":[{"a":{"policy":"x"}},{"b":{"policy":"y"}}]}"#),
        ["path/a/policy".replace("path/a", "path+a"), "path+b/policy".to_owned()]
    );
    assert_eq!(leaves(r#"{"vault":{"address":"x","retry":{"n":1}}}"#), ["vault/address", "vault/retry/n"]);
}

#[test]
fn unflattened_json_stays_nested() {
    let body = crate::parse(" {\"auto_auth\":{\"method\":{\"type\":\"kubernetes\",\"n\":null}}}").unwrap();
    assert_eq!(body.items[0].keys.len(), 1);
    let Kind::Object(inner) = &body.items[0].value.kind else { panic!("an object") };
    let Kind::Object(method) = &inner.items[0].value.kind else { panic!("an object") };
    assert_eq!(method.items[0].value.kind, Kind::String("kubernetes".to_owned()));
    assert_eq!(method.items[0].keys[0].position, Position { line: 1, column: 26, offset: 25 });
    assert_eq!(method.items[1].value.kind, Kind::Null);
}

#[test]
fn the_servers_leniencies() {
    assert_eq!(leaves(r#"{"path":{"a":{"capabilities":["read"]"#), ["path+a/capabilities[1]"]);
    assert_eq!(leaves(r#"{"path":{"a":{"capabilities":["read",],}}} trailing"#), ["path+a/capabilities[1]"]);
    assert_eq!(leaves("{}"), Vec::<String>::new());
}

#[test]
fn strings_are_json_strings() {
    let body = parse(r#"{"a":"${x}\n\"\u00e9"}"#).unwrap();
    assert_eq!(body.items[0].value.kind, Kind::String("${x}\n\"é".to_owned()));
}

#[test]
fn refusals_name_the_place() {
    let error = parse("{\"a\":\n x}").unwrap_err();
    assert_eq!((error.position.line, error.position.column), (2, 2));
    assert!(error.message.contains("not JSON"), "{error}");
    assert_eq!(parse(r#"{"a":"\/"}"#).unwrap_err().server_message(), "1:8: illegal char escape");
    assert_eq!(parse(r#"{"a":01}"#).unwrap_err().server_message(), "1:7: numbers cannot start with 0");
    let error = parse("{a: 1}").unwrap_err();
    assert_eq!((error.position.line, error.position.column), (1, 2));
}
