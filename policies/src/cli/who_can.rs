//! `blinkchamber-policies who-can`

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use clap::Args;
use serde_json::{Map, Value, json};

use super::token::{line, now, places};
use super::{Exit, Format, Stopped, Streams, read_all, text};
use crate::compile::{CompileOptions, compile};
use crate::evaluate::{Acl, Context, Decision, Operation, Reason, Request, Source, default_policy};
use crate::output;
use crate::policy::{self, Dialect, Policy};
use crate::role::Role;

#[derive(Args)]
pub(super) struct Arguments {
    /// The server that is imitated
    #[arg(long, value_enum, default_value = "openbao")]
    dialect: Dialect,
    /// What is to be done
    #[arg(value_enum)]
    op: Operation,
    /// Where, as in the URL behind /v1/
    path: String,
    /// Policies (.hcl, .json), roles (.json), rendered manifests (.yaml), what compile wrote; or - for its output
    #[arg(value_name = "FILE|DIR|-", required = true)]
    files: Vec<String>,
    /// How the answer is printed
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// Everything that was given.
#[derive(Default)]
struct World {
    /// By name, with the place that messages show.
    policies: BTreeMap<String, (String, Policy)>,
    roles: BTreeMap<String, Holder>,
    notes: Vec<String>,
    refused: bool,
}

/// A role, as far as it matters here.
struct Holder {
    policies: BTreeSet<String>,
    default: bool,
    accounts: Vec<String>,
}

/// Somebody who can.
struct Hit {
    kind: &'static str,
    name: String,
    accounts: Vec<String>,
    rule: String,
    places: Vec<String>,
    conditions: bool,
}

pub(super) fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> Result<Exit, Stopped> {
    let mut world = World::default();
    let mut manifests = Vec::new();
    for (name, bytes) in read_all(&arguments.files, &["hcl", "json", "yaml", "yml"], streams.input)? {
        let text = text(&name, bytes)?;
        if name.ends_with(".yaml") || name.ends_with(".yml") {
            manifests.push((name, text));
        } else {
            world.add(arguments.dialect, &name, &text)?;
        }
    }
    world.compile(arguments.dialect, &manifests)?;
    let request = Request::new(arguments.op, &arguments.path);
    let hits = world.hits(arguments.dialect, &request)?;
    for note in &world.notes {
        writeln!(streams.errors, "{note}")?;
    }
    let asked = world.policies.len() + world.roles.len();
    match arguments.format {
        Format::Text => {
            for hit in &hits {
                writeln!(streams.output, "{}", hit.text())?;
            }
            writeln!(streams.output, "{} of {asked} policies and roles", hits.len())?;
        }
        Format::Json => {
            let hits: Vec<_> = hits.iter().map(Hit::json).collect();
            writeln!(streams.output, "{:#}", json!({ "can": hits, "asked": asked }))?;
        }
    }
    Ok(if world.refused { Exit::Findings } else { Exit::Success })
}

impl World {
    fn add(&mut self, dialect: Dialect, name: &str, text: &str) -> Result<(), Stopped> {
        let stem = Path::new(name).file_stem().and_then(|stem| stem.to_str()).unwrap_or(name).to_lowercase();
        if text.starts_with("--- ") {
            let set = output::from_stream(text).map_err(|error| Stopped::usage(format!("{name}: {error}")))?;
            for (policy, text) in &set.policies {
                self.policy(dialect, policy, &format!("{name}, policy {policy}"), text);
            }
            for (name, role) in &set.roles {
                self.compiled_role(name, role);
            }
            return Ok(());
        }
        let object = Some(text).filter(|_| name.ends_with(".json")).map(serde_json::from_str::<Map<String, Value>>);
        match object {
            Some(Ok(object)) if object.contains_key("token_policies") => {
                self.roles.insert(stem, Holder::read(&object));
            }
            // What compile wrote last, for its next run.
            Some(Ok(object)) if object.contains_key("files") && !object.contains_key("path") => {}
            _ => self.policy(dialect, &stem, name, text),
        }
        Ok(())
    }

    fn compile(&mut self, dialect: Dialect, manifests: &[(String, String)]) -> Result<(), Stopped> {
        if manifests.is_empty() {
            return Ok(());
        }
        let set = compile(manifests, &CompileOptions::default()).map_err(|errors| {
            let errors: Vec<_> = errors.0.iter().map(ToString::to_string).collect();
            Stopped { exit: Exit::Findings, message: errors.join("\nerror: ") }
        })?;
        for (policy, text) in &set.policies {
            self.policy(dialect, policy, &format!("compiled {policy}"), text);
        }
        for (name, role) in &set.roles {
            self.compiled_role(name, role);
        }
        Ok(())
    }

    fn policy(&mut self, dialect: Dialect, name: &str, place: &str, text: &str) {
        match policy::parse_for(dialect, text, now()) {
            Ok(policy) => {
                if let Some((other, _)) = self.policies.insert(name.to_owned(), (place.to_owned(), policy)) {
                    self.notes.push(format!("note: {place} takes the place of {other}: both are policy {name}"));
                }
            }
            Err(findings) => {
                self.refused = true;
                self.notes.extend(findings.iter().map(|finding| line(place, finding)));
            }
        }
    }

    fn compiled_role(&mut self, name: &str, role: &Role) {
        if let Ok(Value::Object(object)) = serde_json::to_value(role) {
            self.roles.insert(name.to_owned(), Holder::read(&object));
        }
    }

    fn hits(&mut self, dialect: Dialect, request: &Request) -> Result<Vec<Hit>, Stopped> {
        let mut hits = Vec::new();
        for (name, (place, policy)) in &self.policies {
            hits.extend(ask(dialect, &[(place, policy)], request)?.map(|hit| Hit {
                kind: "policy",
                name: name.clone(),
                ..hit
            }));
        }
        let standard = default_policy(dialect);
        for (name, role) in &self.roles {
            let mut given: Vec<(&str, &Policy)> = Vec::new();
            for policy in &role.policies {
                match self.policies.get(policy) {
                    Some((place, policy)) => given.push((place, policy)),
                    None if policy == "default" => {}
                    None => self.notes.push(format!("note: role {name} gives policy {policy}, which is not here")),
                }
            }
            if role.default && !self.policies.contains_key("default") {
                given.push(("default", &standard));
            }
            let accounts = role.accounts.clone();
            hits.extend(ask(dialect, &given, request)?.map(|hit| Hit {
                kind: "role",
                name: name.clone(),
                accounts,
                ..hit
            }));
        }
        Ok(hits)
    }
}

impl Holder {
    fn read(role: &Map<String, Value>) -> Self {
        let list = |key: &str| -> Vec<String> {
            match role.get(key) {
                Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                // The server takes a comma list as well.
                Some(Value::String(text)) => text.split(',').map(|one| one.trim().to_owned()).collect(),
                _ => Vec::new(),
            }
        };
        let mut accounts = Vec::new();
        for namespace in list("bound_service_account_namespaces") {
            for name in list("bound_service_account_names") {
                accounts.push(format!("{namespace}/{name}"));
            }
        }
        let policies = list("token_policies").iter().map(|name| name.to_lowercase()).collect();
        let default = role.get("token_no_default_policy").and_then(Value::as_bool) != Some(true);
        Self { policies, default, accounts }
    }
}

/// Asks one token; parameters and wrapping are up to whoever sends the request.
fn ask(dialect: Dialect, given: &[(impl AsRef<str>, &Policy)], request: &Request) -> Result<Option<Hit>, Stopped> {
    let sources: Vec<_> = given.iter().map(|(name, policy)| Source::new(name.as_ref(), policy)).collect();
    let context = Context { dialect, now: now(), ..Context::default() };
    let acl = Acl::new(context, &sources).map_err(|error| Stopped::usage(error.to_string()))?;
    let Decision { allowed, reason, rule } = acl.decide(request);
    let conditions = matches!(reason, Reason::MustWrap | Reason::MissingParameter(_) | Reason::PageLimit(_));
    if !allowed && !conditions {
        return Ok(None);
    }
    let (rule, places) = match rule {
        Some(rule) => (rule.pattern.to_string(), places(&acl, rule)),
        None => (reason.to_string(), Vec::new()),
    };
    Ok(Some(Hit { kind: "", name: String::new(), accounts: Vec::new(), rule, places, conditions }))
}

impl Hit {
    fn text(&self) -> String {
        let accounts =
            if self.accounts.is_empty() { String::new() } else { format!(" ({})", self.accounts.join(", ")) };
        let places = if self.places.is_empty() { String::new() } else { format!(" {}", self.places.join(" ")) };
        let conditions = if self.conditions { ", with conditions" } else { "" };
        format!("{} {}{accounts}: {}{places}{conditions}", self.kind, self.name, self.rule)
    }

    fn json(&self) -> Value {
        json!({
            "kind": self.kind,
            "name": self.name,
            "service_accounts": self.accounts,
            "rule": self.rule,
            "places": self.places,
            "conditions": self.conditions,
        })
    }
}
