use redis::{RedisError, Value};

use super::*;

/// An error as the library makes it of a server's line.
fn trouble(line: &str) -> Trouble {
    let wire = format!("-{line}\r\n");
    match redis::parse_redis_value(wire.as_bytes()).and_then(Value::extract_error) {
        Err(error) => Trouble::of(&error),
        Ok(value) => panic!("{line} is no error but {value:?}"),
    }
}

#[test]
fn every_refusal_is_told_apart_and_says_what_to_do() {
    for (line, kind, part) in [
        ("NOAUTH Authentication required.", "login", "read again from its file"),
        ("WRONGPASS invalid username-password pair or user is disabled.", "login", "WRONGPASS"),
        ("NOPERM this user has no permissions to run the 'eval' command", "forbidden", "lacks a right"),
        ("READONLY You can't write against a read only replica.", "readonly", "Sentinels are asked"),
        ("MOVED 3999 127.0.0.1:6381", "cluster", "not supported"),
        ("OOM command not allowed when used memory > 'maxmemory'.", "oom", "maxmemory"),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", "wrongtype", "rename or delete"),
        ("LOADING Redis is loading the dataset in memory", "busy", "starting"),
        ("ERR unknown command", "other", "unknown command"),
    ] {
        let trouble = trouble(line);
        assert_eq!(trouble.kind(), kind, "{line}: {trouble:?}");
        assert!(trouble.to_string().contains(part), "{trouble}");
    }
}

#[test]
fn a_broken_connection_is_told_apart() {
    let error = RedisError::from(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
    assert_eq!(Trouble::of(&error).kind(), "broken");
}
