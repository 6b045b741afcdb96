use super::*;

fn kinds(text: &str, notation: Notation) -> Vec<TokenKind> {
    let mut scanner = Scanner::new(text, notation);
    std::iter::from_fn(|| Some(scanner.scan().kind)).take_while(|kind| *kind != TokenKind::End).collect()
}

#[test]
fn the_two_notations_have_their_own_tokens() {
    use TokenKind::{Assign, Colon, Comment, Float, Identifier, Illegal, Null, Number, Period, Subtract};
    assert_eq!(kinds("a = -1 # x", Notation::Text), [Identifier, Assign, Number, Comment]);
    assert_eq!(kinds(". - 1.", Notation::Text), [Period, Subtract, Float]);
    assert_eq!(kinds("null : x =", Notation::Json), [Null, Colon, Illegal, Illegal]);
    assert_eq!(kinds("null", Notation::Text), [Identifier]);
}

#[test]
fn a_token_knows_its_source_and_place() {
    let mut scanner = Scanner::new("\n  \"é\" x", Notation::Text);
    let string = scanner.scan();
    assert_eq!((string.text, string.position.line, string.position.column), ("\"é\"", 2, 3));
    let word = scanner.scan();
    assert_eq!((word.text, word.position.column, word.position.offset), ("x", 7, 8));
}

#[test]
fn the_last_fault_is_the_one_reported() {
    let mut scanner = Scanner::new("' ;", Notation::Text);
    scanner.scan();
    scanner.scan();
    let fault = scanner.take_faults().pop().unwrap();
    assert_eq!(fault.position.column, 3);
    assert!(fault.message.contains(';'), "{fault}");
    assert!(scanner.take_faults().is_empty());
}
