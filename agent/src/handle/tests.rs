use tokio::sync::mpsc;

use super::Handle;
use crate::{
    control::Handler,
    engine::Command,
    status::{Status, TemplateState, TemplateStatus},
};

/// An engine that gives these states one after the other and finishes every refresh at once.
fn engine(mut states: Vec<Status>) -> Handle {
    let (sender, mut commands) = mpsc::channel(4);
    tokio::spawn(async move {
        while let Some(command) = commands.recv().await {
            match command {
                Command::Status(answer) => {
                    let state = if states.len() > 1 { states.remove(0) } else { states[0].clone() };
                    answer.send(state).unwrap();
                }
                Command::Refresh(done) => done.send(()).unwrap(),
                _ => return,
            }
        }
    });
    Handle::new(sender)
}

fn template(state: TemplateState, error: Option<&str>) -> TemplateStatus {
    let in_place = matches!(state, TemplateState::Rendered | TemplateState::Stale);
    TemplateStatus {
        destination: "/vault/secrets/app".to_owned(),
        state,
        last_render: in_place.then_some(1),
        last_error: error.map(str::to_owned),
    }
}

fn status(template: TemplateStatus) -> Status {
    let ready = template.last_render.is_some();
    Status { ready, authenticated: true, templates: vec![template], ..Status::default() }
}

#[tokio::test]
async fn readiness_says_what_is_missing() {
    let readiness = engine(vec![status(template(TemplateState::Rendered, None))]).ready().await;
    assert!(readiness.ready && readiness.reason.is_none());
    let waiting = engine(vec![status(template(TemplateState::Pending, Some("no secret exists at x")))]).ready().await;
    let reason = waiting.reason.unwrap();
    assert_eq!(reason, "1 of 1 files are missing; /vault/secrets/app: no secret exists at x");
    let mut refused = Status { login_error: Some("403".to_owned()), ..Status::default() };
    assert_eq!(engine(vec![refused.clone()]).ready().await.reason.unwrap(), "login: 403");
    refused.login_error = None;
    assert_eq!(engine(vec![refused]).ready().await.reason.unwrap(), "not logged in yet");
}

#[tokio::test]
async fn a_refresh_tells_what_stayed_behind() {
    let fine = status(template(TemplateState::Rendered, None));
    assert_eq!(engine(vec![fine.clone()]).refresh().await, Ok(()));
    let stale = status(template(TemplateState::Stale, Some("the server answered 503")));
    let error = engine(vec![fine, stale]).refresh().await.unwrap_err();
    assert_eq!(error, "/vault/secrets/app: the server answered 503");
    let away = Status { login_error: Some("no connection".to_owned()), ..Status::default() };
    assert_eq!(engine(vec![away]).refresh().await.unwrap_err(), "login: no connection");
}

#[tokio::test]
async fn an_engine_that_ended_is_said_to_end() {
    let (sender, commands) = mpsc::channel(1);
    drop(commands);
    let handle = Handle::new(sender);
    assert!(handle.is_over() && handle.status().await.is_none());
    assert_eq!(handle.ready().await.reason.unwrap(), "the agent ends");
}
