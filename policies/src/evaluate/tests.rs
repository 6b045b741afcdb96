use std::collections::BTreeMap;

use serde_json::Value;

use super::*;
use crate::policy::{Parameter, parse, parse_for};

mod generated;
mod recorded;
mod rules;

/// 2026-11-24.
const NOW: i64 = 1_795_500_000;

#[track_caller]
fn acl_for(dialect: Dialect, texts: &[&str]) -> Acl {
    let policies: Vec<_> = texts.iter().map(|text| parse_for(dialect, text, NOW).unwrap()).collect();
    let sources: Vec<_> = policies.iter().map(|policy| Source::new("p", policy)).collect();
    Acl::new(Context { dialect, now: NOW, ..Context::default() }, &sources).unwrap()
}

#[track_caller]
fn acl(texts: &[&str]) -> Acl {
    acl_for(Dialect::OpenBao, texts)
}

fn operation(word: &str) -> Operation {
    Operation::ALL.into_iter().find(|operation| operation.capability().word() == word).unwrap()
}
