use super::*;

#[test]
fn values_end_where_they_end() {
    for value in ["\"a\\\"b\"", "\"${ \"x\" }\"", "[\"]\", # ]\n 1]", "{ a = [1] /* } */ }", "<<E\n]\nE", "true", "12"]
    {
        let text = format!("k = {value}\n# end");
        assert_eq!(value_end(&text, 4), 4 + value.len(), "{value}");
    }
    assert_eq!(value_end("[\"a", 0), 3, "a text that stops");
}

#[test]
fn comments_are_no_strings() {
    let text = "# a\npath \"#b\" { // c\n} /* d\n */";
    let found: Vec<_> = comments(text).into_iter().map(|range| text.get(range).unwrap()).collect();
    assert_eq!(found, ["# a", "// c", "/* d\n */"]);
}

#[test]
fn lists_keep_their_shape() {
    let rewritten = |list: &str| {
        let edits = rewrite_list(list, 0, &["read", "list"])?;
        Some(edits[0].text.clone())
    };
    assert_eq!(rewritten("[\"list\",\"read\"]").as_deref(), Some("[\"read\", \"list\"]"));
    assert_eq!(
        rewritten("[\n    \"list\",\n    \"read\"\n  ]").as_deref(),
        Some("[\n    \"read\",\n    \"list\",\n  ]")
    );
    assert_eq!(rewritten("[\"list\", # why\n\"read\"]"), None);
}

#[test]
fn places_count_characters() {
    let place = position("é\nüb", 6);
    assert_eq!((place.line, place.column), (2, 3));
}

#[test]
fn a_removed_line_leaves_no_gap() {
    let text = "a\n  b = 1\nc\n";
    let edits = remove(text, 4..9);
    assert_eq!(edits[0].range, 2..10);
    assert_eq!(remove("a b c", 2..3)[0].range, 2..3);
}
