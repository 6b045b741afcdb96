//! What a parser cannot see: values that do not fit each other.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::{Config, ElectionKind, SourceKind};

/// Most values of one script call: Lua's stack is limited, and so is the time others wait.
const LARGEST_BATCH: usize = 1000;

/// All problems, each with the key and what would be right.
pub(super) fn problems(config: &Config) -> Vec<String> {
    let mut problems = Vec::new();
    source(config, &mut problems);
    redis(config, &mut problems);
    queues(config, &mut problems);
    election(config, &mut problems);
    problems
}

fn source(config: &Config, problems: &mut Vec<String>) {
    let source = &config.source;
    match source.kind {
        SourceKind::AdminApi => {
            if !source.url.as_deref().is_some_and(|url| url.starts_with("http://") || url.starts_with("https://")) {
                problems.push("source.url: must be given, with http:// or https://".into());
            }
            if source.token_file.is_some() == source.key_file.is_some() {
                problems.push("source: give either tokenFile or keyFile".into());
            }
        }
        SourceKind::Postgres => {
            if source.connection.is_none() {
                problems.push("source.connection: must be given, such as \"host=db port=5432 dbname=zitadel\"".into());
            }
        }
    }
    if !(1..=1000).contains(&source.page) {
        problems.push(format!("source.page: {} is not within 1 to 1000, ZITADEL's limit", source.page));
    }
    if source.overlap.0 < Duration::from_secs(1) {
        problems.push("source.overlap: must be 1s or more".into());
    }
}

fn redis(config: &Config, problems: &mut Vec<String>) {
    if config.redis.groups.is_empty() {
        problems.push("redis.groups: at least one is needed".into());
    }
    for (name, group) in &config.redis.groups {
        match (&group.master, &group.address) {
            (Some(_), None) if config.redis.sentinels.is_empty() => {
                problems.push(format!("redis.groups.{name}.master: needs redis.sentinels to ask"));
            }
            (Some(_), None) => {}
            (None, Some(address)) => check_address(&format!("redis.groups.{name}.address"), address, problems),
            _ => problems.push(format!("redis.groups.{name}: give either master or address")),
        }
    }
    for (index, address) in config.redis.sentinels.iter().enumerate() {
        check_address(&format!("redis.sentinels[{index}]"), address, problems);
    }
}

fn check_address(key: &str, address: &str, problems: &mut Vec<String>) {
    let port = address.rsplit_once(':').map(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if port != Some(true) {
        problems.push(format!("{key}: {address:?} is not host:port"));
    }
}

fn queues(config: &Config, problems: &mut Vec<String>) {
    let size = config.publishing.batch_size;
    if !(1..=LARGEST_BATCH).contains(&size) {
        problems.push(format!("publishing.batchSize: {size} is not within 1 to {LARGEST_BATCH}"));
    }
    if config.publishing.attempts == 0 {
        problems.push("publishing.attempts: must be 1 or more".into());
    }
    if config.publishing.max_message_bytes < 1024 {
        problems.push("publishing.maxMessageBytes: must be 1024 or more".into());
    }
    let mut taken = BTreeMap::new();
    for name in ["dead_letter", "state", "recent", "lock"] {
        taken.insert(format!("{}:{name}", config.redis.prefix), "the bridge itself".to_owned());
    }
    for plan in config.queues() {
        let name = plan.queue.name();
        if let Some(other) = taken.insert(plan.list.clone(), format!("queue {name}")) {
            problems.push(format!("queues.{name}.list: {} is already the list of {other}", plan.list));
        }
        if !config.redis.groups.is_empty() && !config.redis.groups.contains_key(&plan.group) {
            problems.push(format!("queues.{name}.group: {:?} is not in redis.groups", plan.group));
        }
        if plan.max_length < size {
            problems.push(format!("queues.{name}.maxLength: {} is less than a batch of {size}", plan.max_length));
        }
    }
}

fn election(config: &Config, problems: &mut Vec<String>) {
    let election = &config.election;
    let named = election.lease.as_deref().and_then(|lease| lease.split_once('/'));
    let named = named.is_some_and(|(namespace, name)| !namespace.is_empty() && !name.is_empty() && !name.contains('/'));
    if election.kind == ElectionKind::Lease && !named {
        problems.push("election.lease: must be namespace/name".into());
    }
    if election.term.0 < Duration::from_secs(1) {
        problems.push("election.term: must be 1s or more".into());
    }
}
