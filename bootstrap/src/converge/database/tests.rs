use serde_json::json;

use super::{contains, is_empty};

#[test]
fn only_the_wanted_members_count() {
    let found = json!({"db_name": "demo", "default_ttl": 3600, "credential_type": "password"});
    assert!(contains(&found, &json!({"db_name": "demo", "default_ttl": 3600})));
    assert!(!contains(&found, &json!({"db_name": "demo", "default_ttl": 60})));
    assert!(!contains(&found, &json!({"max_ttl": 60})), "missing is different");
}

#[test]
fn no_list_is_an_empty_list() {
    assert!(is_empty(&json!(null)) && is_empty(&json!([])));
    assert!(!is_empty(&json!(["*"])));
}
