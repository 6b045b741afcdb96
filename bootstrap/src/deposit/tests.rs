use super::*;

fn entry(key: &str, file: PathBuf) -> Entry {
    Entry { key: key.into(), file }
}

#[test]
fn an_entry_is_a_key_and_a_file() {
    assert_eq!(parse_entry("token=/run/pat"), Ok(entry("token", "/run/pat".into())));
    for text in ["token", "=/run/pat", "token="] {
        assert_eq!(parse_entry(text), Err("must be key=/file".to_owned()), "{text}");
    }
}

#[test]
fn all_files_or_none() {
    let directory = tempfile::tempdir().expect("a directory");
    let (one, two) = (directory.path().join("one"), directory.path().join("two"));
    let entries = [entry("a", one.clone()), entry("b", two.clone())];
    assert_eq!(read(&entries).expect("none is fine"), None);
    fs::write(&one, "first\n").expect("written");
    let message = read(&entries).expect_err("half is not").to_string();
    assert_eq!(message, format!("{}: missing, while others are there", two.display()));
    fs::write(&two, "\n").expect("written");
    assert_eq!(read(&entries).expect_err("empty is not").to_string(), format!("{}: is empty", two.display()));
    fs::write(&two, "second").expect("written");
    let values = read(&entries).expect("complete").expect("something");
    assert_eq!(Value::Object(values), json!({"a": "first", "b": "second"}));
}
