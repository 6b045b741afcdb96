use super::*;

#[test]
fn a_trailing_newline_breaks_it() {
    assert!(MasterKey::parse(&[b'x'; 32]).is_ok());
    let error = MasterKey::parse(b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n").err().expect("33 bytes");
    assert_eq!(error.to_string(), "masterkey must be 32 bytes, but is 33");
}

#[test]
fn another_key_has_another_check_value() {
    let value = |byte| MasterKey::parse(&[byte; 32]).and_then(|key| key.check_value()).expect("a key");
    assert_eq!(value(b'a'), value(b'a'));
    assert_ne!(value(b'a'), value(b'b'));
}
