use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
};

use super::{LONG, PACE, http, paths, reloader};

/// A server that gives these answers, one a connection, and tells what it was asked. No more answers: silence.
async fn server(answers: Vec<&'static str>) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (asked, questions) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut held = Vec::new();
        let mut answers = answers.into_iter();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = vec![0; 4096];
            let count = stream.read(&mut buffer).await.unwrap_or_default();
            asked.send(String::from_utf8_lossy(&buffer[..count]).into_owned()).ok();
            match answers.next() {
                Some(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
                None => held.push(stream),
            }
        }
    });
    (address, questions)
}

#[tokio::test]
async fn a_request_goes_out_as_asked_and_any_2xx_is_success() {
    let (address, mut questions) = server(vec!["HTTP/1.1 204 No Content\r\n\r\n"]).await;
    let reloader = reloader(&[("/a", &[http("post", &format!("{address}/-/reload?token=hunter2"))])]);
    reloader.changed(&paths(&["/a"]));
    assert!(reloader.finish(LONG).await);
    let question = questions.recv().await.unwrap();
    assert!(question.starts_with("POST /-/reload?token=hunter2 HTTP/1.1\r\n"), "{question}");
    let question = question.to_ascii_lowercase();
    let host = address.strip_prefix("http://").unwrap();
    assert!(question.contains(&format!("host: {host}\r\n")), "{question}");
    assert!(question.contains("content-length: 0\r\n"), "{question}");
    let status = reloader.status();
    assert_eq!((status[0].succeeded, status[0].failed), (1, 0));
    assert_eq!(status[0].action, format!("http post {address}/-/reload"));
}

#[tokio::test]
async fn an_answer_that_is_not_2xx_and_garbage_are_repeated() {
    let answers = vec![
        "HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy",
        "garbage\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    ];
    let (address, _questions) = server(answers).await;
    let reloader = reloader(&[("/a", &[http("GET", &address)])]);
    reloader.changed(&paths(&["/a"]));
    assert!(reloader.finish(LONG).await);
    let status = reloader.status();
    assert_eq!((status[0].succeeded, status[0].failed, &status[0].last_error), (1, 2, &None));
}

#[tokio::test]
async fn silence_a_redirect_and_nobody_there_are_errors_without_the_query() {
    let (silent, _questions) = server(vec![]).await;
    let (moved, _questions) = server(vec!["HTTP/1.1 302 Found\r\nlocation: /\r\n\r\n"; 9]).await;
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    for (address, expected) in
        [(silent, "no answer within 0.4 s"), (moved, "the answer is 302, not 2xx"), (closed, "cannot connect")]
    {
        let reloader = reloader(&[("/a", &[http("GET", &format!("{address}/x?token=hunter2"))])]);
        reloader.changed(&paths(&["/a"]));
        assert!(reloader.finish(LONG).await);
        let status = reloader.status();
        let error = status[0].last_error.as_deref().unwrap();
        assert!(error.contains(expected) && error.contains("/x:") && !error.contains("hunter2"), "{error}");
        assert_eq!(status[0].failed, 1 + u64::from(PACE.retries));
    }
}
