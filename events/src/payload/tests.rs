use serde_json::json;

use super::*;
use crate::classify::types::KNOWN;

/// Names under which ZITADEL keeps what must not get out, and some that nobody should ever list.
const GUARDED: [&str; 22] = [
    "code",
    "secret",
    "otpSecret",
    "encodedHash",
    "hashedSecret",
    "clientSecret",
    "hash",
    "tokenId",
    "tokenID",
    "token_id",
    "password",
    "privateKey",
    "signingKey",
    "publicKey",
    "verificationCode",
    "challenge",
    "idpAccessToken",
    "refreshTokenID",
    "value",
    "script",
    "webAuthNTokenID",
    "id",
];

/// A payload with every guarded name, and every listed name holding what is encrypted.
fn bait(list: &AllowList) -> Value {
    let crypto = json!({"CryptoType": 0, "Algorithm": "aes", "KeyID": "k", "Crypted": "SECRET"});
    let listed = list.0.iter().flat_map(|row| &row.fields).map(|Field(name)| (name.clone(), crypto.clone()));
    let guarded = GUARDED.iter().map(|name| ((*name).to_owned(), json!("SECRET")));
    Value::Object(listed.chain(guarded).collect())
}

#[test]
fn no_known_type_lets_a_secret_out() {
    let list = AllowList::default();
    for (kind, _) in KNOWN {
        let left = list.filter(kind, bait(&list));
        assert!(left.is_empty(), "{kind} lets out {left:?}");
        let nested =
            json!({"name": [[{"code": "SECRET"}]], "audience": [{"hash": "SECRET"}], "scope": {"secret": "SECRET"}});
        assert!(list.filter(kind, nested).is_empty(), "{kind}");
    }
}

#[test]
fn what_is_listed_passes() {
    let list = AllowList::default();
    let payload = json!({"userID": "7", "checkedAt": "2026-11-24T00:00:00Z", "tokenID": "t", "lifetime": 3});
    let left = Value::Object(list.filter("session.user.checked", payload));
    assert_eq!(left, json!({"userID": "7", "checkedAt": "2026-11-24T00:00:00Z", "lifetime": 3}));
    let grant = json!({"userId": "1", "roleKeys": ["a", "b"], "other": 1});
    assert_eq!(Value::Object(list.filter("user.grant.added", grant)), json!({"userId": "1", "roleKeys": ["a", "b"]}));
    assert!(list.filter("quantum.entangled", json!({"name": "n"})).is_empty());
    assert!(list.filter("org.added", json!("name")).is_empty(), "a payload that is no object");
}

#[test]
fn no_list_can_name_a_secret() {
    for name in GUARDED.iter().filter(|name| !["value", "script", "id", "publicKey"].contains(name)) {
        let error = Field::parse(name).expect_err(name);
        assert!(error.contains("never published"), "{error}");
    }
    assert!(Field::parse("").is_err());
    assert!(Field::parse("email").is_ok());
}

#[test]
fn the_default_list_has_no_name_that_is_refused() {
    let names = AllowList::default().0.iter().map(|row| row.fields.len()).sum::<usize>();
    assert_eq!(names, 48, "a name of the default list was refused, or the list has changed");
}
