//! A request, and what the server does to it: the whole way from the URL to the answer of the policies.

use std::fmt;

use blinkchamber_hcl::duration::{self, DurationError};
use serde_json::{Map, Value};

use super::{Acl, Rule, endpoints, parameters};
use crate::policy::{Capability, CapabilitySet, Constraints};

/// What a request does.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, clap::ValueEnum)]
pub enum Operation {
    /// Writes what is not there yet
    Create,
    /// Reads
    Read,
    /// Writes what is there
    Update,
    /// Changes a part
    Patch,
    /// Deletes
    Delete,
    /// Lists
    List,
    /// Lists with everything below
    Scan,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 7] =
        [Self::Create, Self::Read, Self::Update, Self::Patch, Self::Delete, Self::List, Self::Scan];

    /// The capability that it takes.
    #[must_use]
    pub fn capability(self) -> Capability {
        match self {
            Self::Create => Capability::Create,
            Self::Read => Capability::Read,
            Self::Update => Capability::Update,
            Self::Patch => Capability::Patch,
            Self::Delete => Capability::Delete,
            Self::List => Capability::List,
            Self::Scan => Capability::Scan,
        }
    }
}

/// A request as a client sends it.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    operation: Operation,
    /// Behind `/v1/` and the namespace, unescaped, without the query.
    path: String,
    /// Empty, or with a slash at its end.
    namespace: String,
    data: Map<String, Value>,
    /// Nanoseconds.
    wrap_ttl: Option<i128>,
    detour: Option<Detour>,
}

/// What keeps a request from being asked about.
#[derive(Clone, Debug, PartialEq)]
enum Detour {
    Help,
    Redirect(String),
    Relative,
}

/// Why something is no request.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The data is JSON, but no object.
    #[error("the data of a request is a JSON object such as {{\"ttl\": \"1h\"}}")]
    Data,
    /// The wrapping TTL is no duration.
    #[error("the wrapping TTL is no duration such as 60s: {0}")]
    WrapTtl(DurationError),
}

impl Request {
    /// A request for a path as it stands in a URL behind `/v1/`, query included.
    #[must_use]
    pub fn new(operation: Operation, url_path: &str) -> Self {
        let (raw, query) = url_path.split_once('?').unwrap_or((url_path, ""));
        let raw = raw.trim_start_matches('/');
        let mut path = unescaped(raw, false);
        let query: Vec<_> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (unescaped(name, true), unescaped(value, true)))
            .collect();
        let says = |name: &str| {
            query.iter().any(|(key, value)| key == name && matches!(value.as_str(), "true" | "1" | "t" | "T" | "TRUE"))
        };
        let operation = match operation {
            Operation::Read if says("list") => Operation::List,
            Operation::Read if says("scan") => Operation::Scan,
            other => other,
        };
        let detour = detour(raw, &path, query.iter().any(|(name, _)| name == "help"));
        if matches!(operation, Operation::List | Operation::Scan) && !path.ends_with('/') {
            path.push('/');
        }
        let mut request = Self { operation, path, namespace: String::new(), data: Map::new(), wrap_ttl: None, detour };
        if !request.has_body() {
            for (name, value) in query {
                let value = Value::String(value);
                // The same name twice is a list to the server, of a type that equals nothing in a policy.
                request.data.entry(name).and_modify(|old| *old = Value::Null).or_insert(value);
            }
        }
        request
    }

    /// With parameters: the body of a write, or the query of the rest, where every value is text.
    ///
    /// # Errors
    /// [`RequestError::Data`] for anything but an object.
    pub fn data(mut self, data: Value) -> Result<Self, RequestError> {
        let Value::Object(data) = data else { return Err(RequestError::Data) };
        let body = self.has_body();
        for (name, value) in data {
            let value = match value {
                Value::Number(number) if !body => Value::String(number.to_string()),
                Value::Bool(flag) if !body => Value::String(flag.to_string()),
                other => other,
            };
            self.data.insert(name, value);
        }
        Ok(self)
    }

    /// With a response that is to be wrapped for so long, as the server reads durations.
    ///
    /// # Errors
    /// [`RequestError::WrapTtl`].
    pub fn wrap_ttl(mut self, text: &str) -> Result<Self, RequestError> {
        let nanoseconds = duration::parse(text, duration::Dialect::Server).map_err(RequestError::WrapTtl)?;
        self.wrap_ttl = Some(nanoseconds).filter(|nanoseconds| *nanoseconds > 0);
        Ok(self)
    }

    /// Sent to a namespace.
    #[must_use]
    pub fn namespace(mut self, namespace: &str) -> Self {
        let namespace = namespace.trim_matches('/');
        self.namespace = if namespace.is_empty() { String::new() } else { format!("{namespace}/") };
        self
    }

    /// The path that the policies are asked about, namespace included.
    #[must_use]
    pub fn full_path(&self) -> String {
        format!("{}{}", self.namespace, self.path)
    }

    /// What it does: a read with `?list=true` lists.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.operation
    }

    fn has_body(&self) -> bool {
        matches!(self.operation, Operation::Create | Operation::Update | Operation::Patch)
    }
}

/// What the server does to a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision<'a> {
    /// The request is not refused.
    pub allowed: bool,
    /// Why.
    pub reason: Reason,
    /// The rule that answered.
    pub rule: Option<&'a Rule>,
}

/// Why a request is refused or not. Names of parameters are told, never values.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// The rule grants it.
    Granted,
    /// The endpoint asks for no token.
    Open,
    /// Help is for everyone.
    Help,
    /// The server sends the client to the path without dots and double slashes, before it asks a policy.
    Redirect(String),
    /// The server refuses an escaped `..` before it asks a policy.
    Relative,
    /// The token has a right below the mount, or has none.
    Mount(String),
    /// No rule matches.
    NoRule,
    /// The rule denies.
    Denied,
    /// The rule lacks the capability.
    MissingCapability(Capability),
    /// The path is protected, and the rule lacks `sudo`.
    MissingSudo,
    /// The response must be wrapped.
    MustWrap,
    /// The wrapping TTL is too long.
    WrapTooLong,
    /// The wrapping TTL is too short.
    WrapTooShort,
    /// Merged policies ask for a longer TTL than they allow.
    WrapNever,
    /// A parameter that must be given.
    MissingParameter(String),
    /// A parameter, or its value, that must not be given.
    DeniedParameter(String),
    /// A parameter that is not listed.
    UnlistedParameter(String),
    /// A parameter's value that is not listed.
    UnlistedValue(String),
    /// The page asked for is larger than the limit, or no number.
    PageLimit(i64),
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted => formatter.write_str("the rule grants it"),
            Self::Open => formatter.write_str("the endpoint is open to everyone, no policy is asked"),
            Self::Help => formatter.write_str("help is open to everyone"),
            Self::Redirect(path) => {
                write!(formatter, "the server redirects to {path:?} before it asks a policy; ask for that path")
            }
            Self::Relative => formatter.write_str("the server refuses .. in a path before it asks a policy"),
            Self::Mount(mount) => {
                write!(formatter, "any right below {mount:?} is enough here, and without one it is refused")
            }
            Self::NoRule => formatter.write_str("no rule matches"),
            Self::Denied => formatter.write_str("the rule denies"),
            Self::MissingCapability(capability) => write!(formatter, "the rule lacks {}", capability.word()),
            Self::MissingSudo => formatter.write_str("the path is protected and the rule lacks sudo"),
            Self::MustWrap => formatter.write_str("the rule wants the response wrapped"),
            Self::WrapTooLong => formatter.write_str("the wrapping TTL is above max_wrapping_ttl"),
            Self::WrapTooShort => formatter.write_str("the wrapping TTL is below min_wrapping_ttl"),
            Self::WrapNever => {
                formatter.write_str("the merged min_wrapping_ttl is above the merged max_wrapping_ttl: nothing passes")
            }
            Self::MissingParameter(name) => write!(formatter, "the rule requires the parameter {name:?}"),
            Self::DeniedParameter(name) => write!(formatter, "the rule denies the parameter {name:?} or its value"),
            Self::UnlistedParameter(name) => write!(formatter, "allowed_parameters does not list {name:?}"),
            Self::UnlistedValue(name) => write!(formatter, "allowed_parameters does not list this value of {name:?}"),
            Self::PageLimit(limit) => write!(formatter, "the page must be limited to {limit} entries at most"),
        }
    }
}

/// The whole way of a request.
pub(super) fn decide<'a>(acl: &'a Acl, request: &Request) -> Decision<'a> {
    let outside = |allowed, reason| Decision { allowed, reason, rule: None };
    match &request.detour {
        Some(Detour::Help) => return outside(true, Reason::Help),
        Some(Detour::Redirect(path)) => return outside(true, Reason::Redirect(path.clone())),
        Some(Detour::Relative) => return outside(true, Reason::Relative),
        None => {}
    }
    if endpoints::is_open(&request.path) {
        return outside(true, Reason::Open);
    }
    if let Some(asked) = request.path.strip_prefix("sys/internal/ui/mounts/") {
        let mount = mount(asked);
        let reaches = acl.reaches_mount(&format!("{}{mount}", request.namespace));
        return outside(reaches, Reason::Mount(mount));
    }
    let operation = match request.operation {
        Operation::Create if endpoints::only_updates(&request.path) => Operation::Update,
        other => other,
    };
    let rule = match request.namespace.is_empty() {
        true => acl.lookup(&request.path, operation),
        false => acl.lookup(&request.full_path(), operation),
    };
    let Some(rule) = rule else { return outside(false, Reason::NoRule) };
    let refused = refusal(acl, rule, operation, request);
    Decision { allowed: refused.is_none(), reason: refused.unwrap_or(Reason::Granted), rule: Some(rule) }
}

fn refusal(acl: &Acl, rule: &Rule, operation: Operation, request: &Request) -> Option<Reason> {
    if rule.capabilities.contains(Capability::Deny) {
        return Some(Reason::Denied);
    }
    if !acl.can(rule, operation.capability()) {
        return Some(Reason::MissingCapability(operation.capability()));
    }
    let constraints = &rule.constraints;
    let own = wrapping(constraints, request.wrap_ttl).or_else(|| match operation {
        Operation::Create | Operation::Read | Operation::Update | Operation::Patch => {
            parameters::check(constraints, &request.data, acl.dialect())
        }
        Operation::List | Operation::Scan => page(constraints, &request.data),
        Operation::Delete => None,
    });
    let sudo = CapabilitySet::from_iter([Capability::Sudo]);
    let unprivileged = || !sudo.without(rule.capabilities).is_empty();
    own.or_else(|| {
        (endpoints::is_protected(&request.path, acl.dialect()) && unprivileged()).then_some(Reason::MissingSudo)
    })
}

fn wrapping(constraints: &Constraints, ttl: Option<i128>) -> Option<Reason> {
    let (min, max) = (constraints.min_wrapping_ttl, constraints.max_wrapping_ttl);
    if min <= 0 && max <= 0 {
        return (min != 0 && max != 0 && max < min).then_some(Reason::WrapNever);
    }
    match ttl {
        _ if min != 0 && max != 0 && max < min => Some(Reason::WrapNever),
        None => Some(Reason::MustWrap),
        Some(ttl) if max > 0 && ttl > max => Some(Reason::WrapTooLong),
        Some(ttl) if min > 0 && ttl < min => Some(Reason::WrapTooShort),
        Some(_) => None,
    }
}

/// OpenBao's limit on pages: without one in the request the server puts its own.
fn page(constraints: &Constraints, data: &Map<String, Value>) -> Option<Reason> {
    let limit = constraints.pagination_limit;
    if limit <= 0 {
        return None;
    }
    let fits = match data.get("limit") {
        None => !constraints.required.iter().any(|name| name.eq_ignore_ascii_case("limit")),
        Some(Value::String(text)) if text == "max" => true,
        Some(Value::String(text)) => text.parse::<i64>().is_ok_and(|asked| (0..=limit).contains(&asked)),
        Some(_) => false,
    };
    (!fits).then_some(Reason::PageLimit(limit))
}

fn detour(raw: &str, path: &str, help: bool) -> Option<Detour> {
    let unclean = |text: &str| text.split('/').any(|segment| matches!(segment, "." | ".."));
    let inner = raw.strip_suffix('/').unwrap_or(raw);
    if unclean(raw) || inner.contains("//") || raw.ends_with("//") {
        let mut clean: Vec<&str> = Vec::new();
        for segment in raw.split('/') {
            match segment {
                "" | "." => {}
                ".." => {
                    clean.pop();
                }
                segment => clean.push(segment),
            }
        }
        let slash = if raw.ends_with('/') { "/" } else { "" };
        return Some(Detour::Redirect(format!("{}{slash}", clean.join("/"))));
    }
    if unclean(path) {
        return Some(Detour::Relative);
    }
    help.then_some(Detour::Help)
}

/// Where a mount ends nobody knows without the server: the first segment, or two below `auth/`.
fn mount(path: &str) -> String {
    let count = if path.starts_with("auth/") { 2 } else { 1 };
    let segments: Vec<_> = path.split('/').take(count).collect();
    format!("{}/", segments.join("/"))
}

/// Percent escapes undone where they are right; in a query a plus is a blank.
fn unescaped(text: &str, query: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes().iter();
    while let Some(&byte) = rest.next() {
        let ahead = rest.as_slice().get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = ahead.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(value) if byte == b'%' => {
                bytes.push(value);
                rest.nth(1);
            }
            _ if byte == b'+' && query => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
