use serde_json::json;

use super::contains;

#[test]
fn only_the_wanted_members_count() {
    let found = json!({"db_name": "demo", "default_ttl": 3600, "credential_type": "password"});
    assert!(contains(&found, &json!({"db_name": "demo", "default_ttl": 3600})));
    assert!(!contains(&found, &json!({"db_name": "demo", "default_ttl": 60})));
    assert!(!contains(&found, &json!({"max_ttl": 60})), "missing is different");
}
