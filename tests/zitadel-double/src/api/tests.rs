use super::search::Query;
use super::*;

fn refusal(body: &str) -> String {
    Query::parse(body).err().map(|Failure(_, _, message)| message).expect("a refusal")
}

#[test]
fn a_search_is_checked() {
    assert!(Query::parse("").is_ok());
    assert!(Query::parse(r#"{"limit": 1000, "asc": true, "range": {"since": "2026-11-24T00:00:00Z"}}"#).is_ok());
    assert_eq!(refusal(r#"{"limit": 1001}"#), "limit: 1001 is not within 0 to 1000");
    assert!(refusal(r#"{"from": "yesterday"}"#).starts_with("from: \"yesterday\" is not a time"));
    assert!(refusal("{").contains("EOF"));
}

#[test]
fn only_named_roles_pass() {
    let owner = |role: &str| Owner { user: "1".into(), role: role.into() };
    assert!(require(&owner("IAM_OWNER"), &["IAM_OWNER", "IAM_OWNER_VIEWER"]).is_ok());
    let Failure(status, code, _) = require(&owner("IAM_LOGIN_CLIENT"), &["IAM_OWNER"]).expect_err("refused");
    assert_eq!((status, code), (StatusCode::FORBIDDEN, 7));
}
