use super::*;

const BODY: &[u8] = br#"{"aggregateID":"7"}"#;
const NOW: i64 = 1_795_000_000;
const TOLERANCE: Duration = Duration::from_secs(300);

fn sign(key: &str, time: i64) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("a key");
    mac.update(format!("{time}.").as_bytes());
    mac.update(BODY);
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={time},v1={hex}")
}

fn verdict(header: &str, body: &[u8]) -> Result<(), &'static str> {
    verify(header, body, ["new", "old"].into_iter(), NOW, TOLERANCE)
}

#[test]
fn either_key_of_the_file_is_good() {
    assert_eq!(verdict(&sign("new", NOW), BODY), Ok(()));
    assert_eq!(verdict(&sign("old", NOW - 299), BODY), Ok(()));
}

#[test]
fn everything_else_is_refused_with_its_reason() {
    let good = sign("new", NOW);
    for (header, body, reason) in [
        ("", BODY, "unsigned"),
        ("t=soon,v1=00", BODY, "unsigned"),
        (&format!("t={NOW},v1=xyz"), BODY, "unsigned"),
        (&sign("new", NOW - 301), BODY, "expired"),
        (&sign("new", NOW + 301), BODY, "expired"),
        (&sign("other", NOW), BODY, "forged"),
        (&good, b"{}", "forged"),
        (&good.replace(&NOW.to_string(), &(NOW + 1).to_string()), BODY, "forged"),
    ] {
        assert_eq!(verdict(header, body), Err(reason), "{header}");
    }
}
