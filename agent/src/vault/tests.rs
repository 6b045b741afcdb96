use std::{fs, io::Write, net::TcpListener, path::PathBuf, thread, time::Duration};

use super::{Call, Client, ClientError, Options, TlsError, Token, Trust, VaultErrorKind};

/// Answers each connection with the next of these texts and hands back what was asked.
fn server(answers: Vec<String>) -> (String, thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = thread::spawn(move || {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            asked.push(head(&mut stream));
            stream.write_all(answer.as_bytes()).unwrap();
        }
        asked
    });
    (address, asked)
}

fn head(stream: &mut std::net::TcpStream) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") {
        std::io::Read::read_exact(stream, &mut byte).unwrap();
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

fn response(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

fn options(address: &str) -> Options {
    let mut options = Options::new(address);
    options.request_timeout = Duration::from_millis(400);
    options
}

async fn get(address: &str) -> Result<super::Reply, super::VaultError> {
    Client::new(options(address)).unwrap().get(Call { path: "secret/data/app", ..Call::default() }).await
}

#[tokio::test]
async fn sends_its_headers_and_escapes_the_path() {
    let (address, asked) = server(vec![response("200 OK", "", "{}")]);
    let mut options = options(&address);
    options.namespace = Some("team/a".to_owned());
    let token = Token::new(" hvs.secret\n").unwrap();
    let call = Call { path: "secret/data/a b/ü?version=2", token: Some(&token), ..Call::default() };
    Client::new(options).unwrap().get(call).await.unwrap();
    let asked = asked.join().unwrap().remove(0);
    assert!(asked.starts_with("GET /v1/secret/data/a%20b/%C3%BC?version=2 HTTP/1.1\r\n"), "{asked}");
    for header in ["x-vault-token: hvs.secret", "x-vault-request: true", "x-vault-namespace: team/a"] {
        assert!(asked.contains(header), "{header} is not in {asked}");
    }
}

#[tokio::test]
async fn an_error_carries_the_servers_messages_and_its_wish() {
    let body = r#"{"errors":["1 error occurred:\n\t* permission denied\n\n"]}"#;
    let (address, _) = server(vec![response("503 Service Unavailable", "Retry-After: 7\r\n", body)]);
    let error = get(&address).await.err().unwrap();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    assert!(error.says("permission denied"));
    let text = error.to_string();
    assert!(text.starts_with("GET secret/data/app: the server answered 503"), "{text}");
    assert!(!text.contains('\n'), "one line: {text}");
}

#[tokio::test]
async fn garbage_half_a_body_and_silence_are_errors_that_show_nothing() {
    let (address, _) = server(vec![response("200 OK", "", "<html>s3cret</html>")]);
    let text = get(&address).await.err().unwrap().to_string();
    assert!(text.contains("not usable") && !text.contains("s3cret"), "{text}");

    let half = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"data\":{\"password\":\"s3c".to_owned();
    let (address, _) = server(vec![half]);
    let text = get(&address).await.err().unwrap().to_string();
    assert!(text.contains("broke off") && !text.contains("s3c"), "{text}");

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let error = get(&format!("http://{}", listener.local_addr().unwrap())).await.err().unwrap();
    assert!(matches!(error.kind, VaultErrorKind::Timeout(_)) && error.is_transport(), "{error}");
}

#[tokio::test]
async fn follows_one_redirect_and_not_to_another_scheme() {
    let (leader, asked) = server(vec![response("200 OK", "", r#"{"data":{}}"#)]);
    let location = format!("Location: {leader}/v1/secret/data/app\r\n");
    let (standby, _) = server(vec![response("307 Temporary Redirect", &location, "")]);
    assert!(get(&standby).await.is_ok());
    assert!(asked.join().unwrap()[0].starts_with("GET /v1/secret/data/app "));

    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let location = format!("Location: http://localhost:{}/v1/x\r\n", other.local_addr().unwrap().port());
    let (address, _) = server(vec![response("307 Temporary Redirect", &location, "")]);
    let refused = get(&address).await.err().unwrap().to_string();
    assert!(refused.contains("the host \"localhost\", which is not known to be one of \"127.0.0.1\""), "{refused}");
    other.set_nonblocking(true).unwrap();
    assert!(other.accept().is_err(), "nobody even connects there");

    let (address, _) = server(vec![response("307 Temporary Redirect", "Location: https://elsewhere/v1/x\r\n", "")]);
    assert!(get(&address).await.err().unwrap().to_string().contains("another scheme"));
    let (address, _) = server(vec![response("307 Temporary Redirect", "Location: /v1/x\r\n", ""); 2]);
    assert!(get(&address).await.err().unwrap().to_string().contains("redirected twice"));
}

#[tokio::test]
async fn an_answer_has_a_limit() {
    let body = format!("\"{}\"", "x".repeat(17 * 1024 * 1024));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        head(&mut stream);
        // The client hangs up in the middle.
        stream.write_all(response("200 OK", "", &body).as_bytes()).ok();
    });
    let mut options = Options::new(&address);
    options.request_timeout = Duration::from_secs(20);
    let client = Client::new(options).unwrap();
    let error = client.get(Call { path: "x", ..Call::default() }).await.err().unwrap();
    assert!(matches!(error.kind, VaultErrorKind::TooLarge(_)), "{error}");
}

#[test]
fn an_address_is_refused_with_what_to_do() {
    let refuse = |address: &str| match Client::new(Options::new(address)) {
        Err(ClientError::Address { reason, .. }) => reason,
        _ => panic!("{address} must be refused"),
    };
    assert_eq!(refuse("vault:8200"), "begin it with http:// or https://");
    assert_eq!(refuse("ftp://vault"), "begin it with http:// or https://");
    assert_eq!(refuse("http://"), "not a URL");
}

#[test]
fn trust_is_what_is_given_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let empty = directory.path().join("ca.pem");
    fs::write(&empty, "no certificate here").unwrap();
    let trust = Trust { ca_file: Some(empty), ..Trust::default() };
    assert!(matches!(trust.load(), Err(TlsError::NoAuthorities)), "the system's bundle does not step in");
    let missing = Trust { ca_file: Some(PathBuf::from("/no/such/ca.pem")), ..Trust::default() };
    assert!(missing.load().unwrap_err().to_string().contains("/no/such/ca.pem"));
    let half = Trust { client_certificate: Some("/x".into()), skip_verify: true, ..Trust::default() };
    assert!(matches!(half.load(), Err(TlsError::ClientCertificate(_))));
}

#[test]
fn a_token_must_fit_into_a_header() {
    assert!(Token::new(" \n").is_none());
    assert!(Token::new("a\nb").is_none());
    assert_eq!(Token::new("s.x\n").unwrap().expose(), "s.x");
}
