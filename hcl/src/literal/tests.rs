use super::*;

#[test]
fn escapes() {
    let text = |quoted| unquote(quoted, Notation::Text);
    assert_eq!(text(r#""\a\b\f\v\r""#).unwrap(), "\u{7}\u{8}\u{c}\u{b}\r");
    assert_eq!(text(r#""\xc3\xa9\303\251""#).unwrap(), "éé");
    assert_eq!(text(r#""\U0001F600\ud800""#).unwrap(), "😀\u{fffd}");
    assert!(text(r#""\xff""#).is_err(), "not UTF-8");
    assert!(text(r#""\777""#).is_err(), "more than a byte");
    assert!(text(r#""\U00110000""#).is_err(), "beyond Unicode");
    assert!(text("\"").is_err());
}

#[test]
fn nothing_is_unescaped_inside_an_interpolation() {
    assert_eq!(unquote(r#""a${"\\"{}}\\""#, Notation::Text).unwrap(), r#"a${"\\"{}}\"#);
    assert_eq!(unquote(r#""a${\\}""#, Notation::Json).unwrap(), r"a${\}");
}

#[test]
fn here_document_indentation() {
    assert_eq!(here_document("<<X\n a\nX\n"), " a\n");
    assert_eq!(here_document("<<-X\n   a\n\n   X\n"), "   a\n\n", "a line that is less indented keeps all as it is");
    assert_eq!(here_document("<<X\nX\n"), "");
}
