use super::{printed, sprint, sprintf};
use crate::value::{UintType, Value};

fn formatted(format: &str, values: &[Value<'_>]) -> String {
    String::from_utf8(sprintf(format.as_bytes(), values).unwrap()).unwrap()
}

#[test]
fn wrong_verbs_show_in_the_text() {
    assert_eq!(formatted("%d", &[Value::Number("5432".into())]), "%!d(json.Number=5432)");
    assert_eq!(formatted("%d %s", &[Value::int(1)]), "1 %!s(MISSING)");
    assert_eq!(formatted("%d", &[Value::int(1), Value::text("x")]), "1%!(EXTRA string=x)");
    assert_eq!(formatted("%[3]d %", &[Value::int(1)]), "%!d(BADINDEX) %!(NOVERB)");
}

#[test]
fn a_width_cannot_eat_the_memory() {
    assert_eq!(formatted("%99999999999d|", &[Value::int(1)]), "1|");
    let wide = "%1000000d".repeat(20);
    let values: Vec<Value<'_>> = (0..20).map(Value::int).collect();
    assert!(sprintf(wide.as_bytes(), &values).is_err());
}

#[test]
fn spaces_between_what_is_no_text() {
    let values = [Value::int(1), Value::Uint(2, UintType::Uint64), Value::text("a"), Value::Bool(true), Value::Invalid];
    assert_eq!(sprint(&values).unwrap(), b"1 2atrue <nil>");
    assert_eq!(printed(&Value::NilInterface).unwrap(), b"<no value>");
}
