use super::{decode, encode};
use crate::format;
use crate::value::Value;

fn decoded(text: &str) -> String {
    match decode(text) {
        Ok(value) => String::from_utf8_lossy(&format::sprint(&[value]).unwrap()).into_owned(),
        Err(reason) => format!("error: {reason}"),
    }
}

#[test]
fn yaml_1_1_scalars() {
    assert_eq!(
        decoded("[y, No, ~, 010, 0x1f, 1_000, 1e3, 2026-01-01, .inf, '1', !!int \"5\"]"),
        "[true false <nil> 8 31 1000 1000 2026-01-01 +Inf 1 5]"
    );
}

#[test]
fn anchors_merge_and_have_a_budget() {
    assert_eq!(decoded("a: &x {p: 1}\nb:\n  <<: *x\n  q: 2"), "map[a:map[p:1] b:map[p:1 q:2]]");
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..20 {
        let previous = format!("*a{}, ", level - 1).repeat(10);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", previous.trim_end_matches(", ")));
    }
    assert_eq!(decoded(&bomb), "error: aliases repeat too much");
    assert_eq!(decoded(&"[".repeat(100_000)), "error: the text is not YAML");
}

#[test]
fn long_lines_fold_at_80_columns() {
    let text = "word ".repeat(30);
    let yaml = encode(&Value::list(vec![Value::text(text.trim().to_owned())])).unwrap();
    assert_eq!(yaml.lines().count(), 2);
    assert!(yaml.lines().all(|line| line.len() <= 86), "{yaml}");
    assert_eq!(decoded(&yaml), format!("[{}]", text.trim()));
}
