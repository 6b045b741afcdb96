use std::fs;

use blinkchamber_templates::Json;

use super::{AppRole, Kubernetes, Login, LoginError, Method, grant};
use crate::vault::{Client, Options, Reply};

fn reply(text: &str) -> Reply {
    Reply { body: Json::parse(text.as_bytes()).unwrap() }
}

#[test]
fn a_grant_says_how_long_and_whether_renewable() {
    let given = grant(&reply(r#"{"auth":{"client_token":"s.x","lease_duration":60,"renewable":true}}"#)).ok().unwrap();
    assert_eq!((given.ttl.unwrap().as_secs(), given.renewable, given.ours), (60, true, true));
    let root = grant(&reply(r#"{"auth":{"client_token":"s.x","lease_duration":0}}"#)).ok().unwrap();
    assert!(root.ttl.is_none() && !root.renewable);
    for text in ["{}", r#"{"auth":null}"#, r#"{"auth":{"client_token":""}}"#, r#"{"auth":{"client_token":"a\nb"}}"#] {
        assert!(matches!(grant(&reply(text)), Err(LoginError::Answer)), "{text}");
    }
}

#[tokio::test]
async fn a_missing_file_is_a_configuration_error_that_names_it() {
    let client = Client::new(Options::new("http://127.0.0.1:1")).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let token_path = directory.path().join("token");
    let method = Method::Kubernetes(Kubernetes { role: "app".to_owned(), token_path: token_path.clone() });
    let login = Login { mount: "auth/kubernetes".to_owned(), namespace: None, method };
    let error = login.perform(&client).await.err().unwrap();
    assert!(error.is_configuration() && error.to_string().contains(token_path.to_str().unwrap()), "{error}");
    fs::write(&token_path, " \n").unwrap();
    assert!(login.perform(&client).await.err().unwrap().to_string().contains("empty"));
    fs::write(&token_path, "jwt").unwrap();
    let error = login.perform(&client).await.err().unwrap();
    assert!(!error.is_configuration(), "a server that is away is nobody's mistake: {error}");
}

#[tokio::test]
async fn a_secret_id_is_removed_after_reading_and_remembered() {
    let client = Client::new(Options::new("http://127.0.0.1:1")).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let (role, secret) = (directory.path().join("role"), directory.path().join("secret"));
    fs::write(&role, "r").unwrap();
    fs::write(&secret, "s").unwrap();
    let method = Method::AppRole(AppRole::new(role, Some(secret.clone()), true));
    let login = Login { mount: "auth/approle".to_owned(), namespace: None, method };
    for _ in 0..2 {
        let error = login.perform(&client).await.err().unwrap();
        assert!(matches!(error, LoginError::Vault(_)), "the secret id is known: {error}");
        assert!(!secret.exists());
    }
}
