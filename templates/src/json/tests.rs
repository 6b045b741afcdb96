use super::{Json, JsonError};

#[test]
fn numbers_keep_their_digits() {
    let json =
        Json::parse(br#"{"a": [1.10, 1e+21, 12345678901234567890], "b": "\u00e9\n", "c": null, "d": true}"#).unwrap();
    let Some(Json::Array(items)) = json.get("a") else { panic!("not a list") };
    let digits: Vec<&str> = items
        .iter()
        .map(|item| match item {
            Json::Number(digits) => digits.as_str(),
            _ => "",
        })
        .collect();
    assert_eq!(digits, ["1.10", "1e+21", "12345678901234567890"]);
    assert_eq!(json.get("b").and_then(Json::as_str), Some("é\n"));
    assert_eq!(json.get("d").and_then(Json::as_bool), Some(true));
    assert!(matches!(json.get("c"), Some(Json::Null)));
}

#[test]
fn errors_say_where_and_not_what() {
    let Err(error) = Json::parse(b"{\"password\":\n hunter2}") else { panic!("accepted") };
    assert_eq!(error.to_string(), "parsing JSON: syntax error at line 2, column 2");
    let deep = "[".repeat(101) + &"]".repeat(101);
    assert!(matches!(Json::parse(deep.as_bytes()), Err(JsonError::TooDeep)));
}
