use proptest::prelude::*;

use super::*;

#[test]
fn every_piece_has_its_kind() {
    let text = "# c\r\npath \"a/${x}\" { n = -1.5, b = true }\n<<X\ntext\nX\n'";
    let pieces = lexemes(text);
    let shown: Vec<_> = pieces
        .iter()
        .filter(|piece| piece.kind != LexemeKind::Space)
        .map(|piece| (piece.kind, text.get(piece.span.clone()).unwrap()))
        .collect();
    assert_eq!(shown[0], (LexemeKind::Comment, "# c"));
    assert_eq!(shown[2], (LexemeKind::String, "\"a/${x}\""));
    assert_eq!(shown[6], (LexemeKind::Number, "-1.5"));
    assert_eq!(shown[10], (LexemeKind::Constant, "true"));
    assert_eq!(shown[12], (LexemeKind::HereDocument, "<<X\ntext\nX\n"));
    assert_eq!(shown[13], (LexemeKind::Unknown, "'"));
    assert_eq!(lexeme_at(&pieces, 5).unwrap().span, 5..9);
    assert_eq!(lexeme_at(&pieces, text.len()), None);
    assert_eq!(lexemes("{\"a\": null}")[2].kind, LexemeKind::Sign);
}

proptest! {
    #[test]
    fn no_byte_is_lost(text in "([ \t\r\n]|[a-z\"#/*'<{}=,.\\-0-9$\\\\\\[\\]:\u{e9}]|<<X\n|\nX\n|/\\*|\\*/){0,60}") {
        let pieces = lexemes(&text);
        let mut end = 0;
        for piece in &pieces {
            prop_assert_eq!(piece.span.start, end);
            prop_assert!(piece.span.end > end);
            end = piece.span.end;
        }
        prop_assert_eq!(end, text.len());
    }
}
