use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use super::*;

const TIMEOUT: Duration = Duration::from_secs(20);

fn token() -> Credential {
    Credential::Token(SecretString::from("hvs.example"))
}

/// Answers one request and gives back what was asked.
fn answer(response: &'static str) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).unwrap();
        stream.write_all(response.as_bytes()).unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    (address, served)
}

#[test]
fn addresses_and_tokens_are_checked_before_anything_is_sent() {
    let refused = |address: &str, token: &str| {
        let credential = Credential::Token(SecretString::from(token));
        Vault::connect(address, None, credential, TIMEOUT).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(refused("vault:8200", "t").contains("is no address"));
    assert!(refused("ftp://vault", "t").contains("is no address"));
    assert!(refused("https://vault:8200", "t").contains("certificate authority to trust"));
    let message = refused("http://vault:8200", "hvs.secret\n");
    assert!(message.contains("line end") && !message.contains("hvs.secret"), "{message}");
    assert!(matches!(Vault::connect("https://v", Some(b"no pem"), token(), TIMEOUT), Err(VaultError::Authorities(_))));
}

#[test]
fn a_request_carries_method_path_token_and_body() {
    let (address, served) = answer("HTTP/1.1 204 No Content\r\n\r\n");
    let vault = Vault::connect(&address, None, token(), TIMEOUT).unwrap();
    let body = serde_json::json!({ "policy": "x" });
    assert_eq!(vault.call(Method::Post, "sys/policies/acl/a", Some(&body)).unwrap(), Some(Value::Null));
    let request = served.join().unwrap();
    assert!(request.starts_with("POST /v1/sys/policies/acl/a HTTP/1.1"), "{request}");
    assert!(request.to_lowercase().contains("x-vault-token: hvs.example"));
    assert!(request.ends_with("{\"policy\":\"x\"}"));
}

#[test]
fn a_query_stays_a_query_and_a_write_has_an_answer() {
    let (address, served) = answer("HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n{\"a\":1}");
    let vault = Vault::new(&address, None, TIMEOUT).unwrap();
    assert_eq!(vault.write("sys/health?standbyok=true", &Value::Null).unwrap()["a"], 1);
    let request = served.join().unwrap();
    assert!(request.starts_with("POST /v1/sys/health?standbyok=true HTTP/1.1"), "{request}");
    assert!(!request.to_lowercase().contains("x-vault-token"), "there is no token yet");
}

#[test]
fn answers_become_values_absence_or_errors() {
    let get = |response| {
        let (address, served) = answer(response);
        let vault = Vault::connect(&address, None, token(), TIMEOUT).unwrap();
        let result = vault.call(Method::Get, "x", None);
        served.join().unwrap();
        result
    };
    let found = get("HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n{\"data\":{}}   ").unwrap().unwrap();
    assert!(found["data"].is_object());
    assert_eq!(get("HTTP/1.1 404 Not Found\r\ncontent-length: 13\r\n\r\n{\"errors\":[]}").unwrap(), None);
    let denied =
        get("HTTP/1.1 403 Forbidden\r\ncontent-length: 32\r\n\r\n{\"errors\":[\"permission denied\"]} ").unwrap_err();
    assert_eq!(denied.to_string(), "GET x: status 403: permission denied");
    let garbled = get("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{{{").unwrap_err();
    assert_eq!(garbled.to_string(), "GET x: the answer is not JSON");
    let garbage = get("HTTP/1.1 502 Bad\r\ncontent-length: 4\r\n\r\n<h1>").unwrap_err();
    assert_eq!(garbage.status, Some(502));
    let moved = get("HTTP/1.1 307 Moved\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n").unwrap_err();
    assert_eq!(moved.status, Some(307), "a redirect is not followed");
}

#[test]
fn no_answer_is_an_error_that_names_the_request() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = Vault::connect(&address, None, token(), TIMEOUT)
        .unwrap()
        .call(Method::List, "sys/policies/acl", None)
        .unwrap_err();
    assert_eq!(error.status, None);
    assert!(error.to_string().starts_with("LIST sys/policies/acl: "), "{error}");
    assert!(!error.to_string().contains("hvs.example"));
}

fn login(response: &'static str) -> (Result<Vault, VaultError>, String) {
    let (address, served) = answer(response);
    let jwt = SecretString::from("eyJ.jwt");
    let credential = Credential::Kubernetes { auth_path: "auth/cluster/".to_owned(), role: "deploy".to_owned(), jwt };
    let vault = Vault::connect(&address, None, credential, TIMEOUT);
    (vault, served.join().unwrap())
}

#[test]
fn a_service_account_logs_in() {
    let response = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"request_id\":\"1\",\"lease_id\":\"\",\"renewable\":false,\
                    \"lease_duration\":0,\"data\":null,\"auth\":{\"client_token\":\"hvs.new\",\"accessor\":\"a\",\"policies\":[],\
                    \"token_policies\":[],\"metadata\":{},\"lease_duration\":60,\"renewable\":true,\"entity_id\":\"\",\
                    \"token_type\":\"service\",\"orphan\":true}}";
    let (vault, request) = login(response);
    assert_eq!(vault.unwrap().client.middle.token, "hvs.new");
    assert!(request.starts_with("POST /v1/auth/cluster/login HTTP/1.1"), "{request}");
    assert!(request.contains("\"role\":\"deploy\"") && request.contains("\"jwt\":\"eyJ.jwt\""));
}

#[test]
fn a_refused_login_names_the_mount_and_no_token() {
    let (vault, _) = login("HTTP/1.1 403 Forbidden\r\ncontent-length: 32\r\n\r\n{\"errors\":[\"permission denied\"]} ");
    let error = vault.err().unwrap().to_string();
    assert_eq!(error, "logging in: POST auth/cluster/login: status 403: permission denied");
}
