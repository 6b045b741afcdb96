use std::path::Path;

use super::*;
use crate::config::Config as Settings;

fn source(connection: &str) -> Result<Postgres, Error> {
    let text = format!(
        "source: {{kind: postgres, connection: {connection:?}}}\nredis: {{groups: {{main: {{address: 'redis:6379'}}}}}}"
    );
    Postgres::new(&Settings::parse(Path::new("events.yaml"), &text).expect("complete").source, 0)
}

#[test]
fn a_login_is_added_to_the_connection_and_wins() {
    let source = source("host=db dbname=zitadel user=nobody").expect("keywords");
    let config = source.login("user=zitadel_b\npassword='a b'\n").expect("keywords");
    assert_eq!((config.get_user(), config.get_password()), (Some("zitadel_b"), Some(&b"a b"[..])));
    assert_eq!(config.get_application_name(), Some("blinkchamber-events"));
}

#[test]
fn words_that_make_no_sense_are_refused_at_the_start_and_not_quoted() {
    assert!(source("host").is_err());
    let error = source("host=db").expect("keywords").login("passwort=hunter2").expect_err("no keyword").to_string();
    assert!(error.contains("loginFile") && !error.contains("hunter2"), "{error}");
}
