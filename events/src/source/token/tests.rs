use std::process::Command;

use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::Value;

use super::*;

#[test]
fn an_assertion_is_signed_by_the_key_for_the_issuer_and_ends_soon() {
    let directory = tempfile::tempdir().expect("a directory");
    let made = Command::new("openssl").args(["genrsa", "-traditional", "2048"]).output().expect("openssl is installed");
    let pem = String::from_utf8(made.stdout).expect("PEM");
    let file = directory.path().join("key.json");
    let key = json!({"type": "serviceaccount", "keyId": "k1", "key": pem, "userId": "u1"});
    std::fs::write(&file, key.to_string()).expect("written");
    let token = assertion(&file, "https://id.example.com").expect("an assertion");
    let parts: Vec<&str> = token.split('.').collect();
    let decode = |part: &str| BASE64.decode(part).expect("base64");
    let claims: Value = serde_json::from_slice(&decode(parts[1])).expect("JSON");
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!("u1"), &json!("https://id.example.com")));
    let life = claims["exp"].as_i64().expect("a time") - claims["iat"].as_i64().expect("a time");
    assert_eq!(life, ASSERTION);
    let pair = PrivateKeyDer::from_pem_slice(pem.as_bytes()).expect("a key");
    let PrivateKeyDer::Pkcs1(der) = &pair else { panic!("openssl was asked for PKCS #1") };
    let public = RsaKeyPair::from_der(der.secret_pkcs1_der()).expect("a pair").public().as_ref().to_vec();
    let signed = format!("{}.{}", parts[0], parts[1]);
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public)
        .verify(signed.as_bytes(), &decode(parts[2]))
        .expect("the signature is good");
}

#[test]
fn a_file_that_holds_no_key_is_named_and_not_quoted() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    for text in ["hunter2", r#"{"keyId": "k", "userId": "u", "key": "hunter2"}"#] {
        std::fs::write(file.path(), text).expect("written");
        let error = assertion(file.path(), "https://id").expect_err("no key").to_string();
        assert!(error.contains(&file.path().display().to_string()) && !error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_form_is_escaped() {
    assert_eq!(encode(&[("a", "b c:d"), ("e", "é")]), "a=b%20c%3Ad&e=%C3%A9");
}
