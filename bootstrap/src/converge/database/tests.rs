use serde_json::json;

use super::is_empty;

#[test]
fn no_list_is_an_empty_list() {
    assert!(is_empty(&json!(null)) && is_empty(&json!([])));
    assert!(!is_empty(&json!(["*"])));
}
