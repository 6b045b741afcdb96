//! VK: roles of the Kubernetes auth method.

use std::net::IpAddr;

use crate::lint::document::Document;
use crate::lint::options::LintOptions;
use crate::policy::nearest;
use crate::rules::{self, Finding, Rule};

type Out = Vec<Finding>;
type RoleRule = fn(&Document, &LintOptions, &mut Out);

const RULES: [RoleRule; 20] = [
    bindings,
    glob_binding,
    default_service_account,
    missing_audience,
    cartesian_binding,
    shared_role,
    no_token_ttl,
    long_ttl,
    periodic_token,
    ttl_above_max,
    max_ttl_above_mount,
    policies,
    default_policy,
    batch_token,
    alias_by_name,
    legacy_fields,
    star_mixed,
    role_name,
    num_uses,
    addresses,
];

const NAMES: &str = "bound_service_account_names";
const NAMESPACES: &str = "bound_service_account_namespaces";
const SELECTOR: &str = "bound_service_account_namespace_selector";

/// Fields that the server knows, and the one with which a compiled role says where it belongs.
const FIELDS: [&str; 21] = [
    "alias_name_source",
    "audience",
    "auth_path",
    NAMES,
    SELECTOR,
    NAMESPACES,
    "bound_cidrs",
    "max_ttl",
    "num_uses",
    "period",
    "policies",
    "token_bound_cidrs",
    "token_explicit_max_ttl",
    "token_max_ttl",
    "token_no_default_policy",
    "token_num_uses",
    "token_period",
    "token_policies",
    "token_strictly_bind_ip",
    "token_ttl",
    "ttl",
];

const LEGACY: [(&str, &str); 6] = [
    ("bound_cidrs", "token_bound_cidrs"),
    ("max_ttl", "token_max_ttl"),
    ("num_uses", "token_num_uses"),
    ("period", "token_period"),
    ("policies", "token_policies"),
    ("ttl", "token_ttl"),
];

pub(in crate::lint) fn check(role: &Document, options: &LintOptions, out: &mut Out) {
    if let Some((position, error)) = &role.error {
        out.push(Finding::new(rules::UNREADABLE_ROLE, *position, error.clone()));
        return;
    }
    for rule in RULES {
        rule(role, options, out);
    }
    selector(role, out);
    unknown_fields(role, out);
}

/// The policies of a role, in lower case as the server looks them up, and where they stand.
pub(in crate::lint) fn policies_of(role: &Document) -> Vec<(String, blinkchamber_hcl::Position)> {
    let lists = ["token_policies", "policies"].into_iter().flat_map(|field| role.list(field));
    lists.map(|(name, position)| (name.to_lowercase(), position)).collect()
}

/// True when a role lets a service account log in; the namespaces that a selector adds are not known here.
pub(in crate::lint) fn binds(role: &Document, namespace: &str, account: &str) -> bool {
    let any = |field, word: &str| role.list(field).iter().any(|(bound, _)| glob(bound, word));
    let selected = !role.string(SELECTOR).is_empty();
    any(NAMES, account) && (selected || any(NAMESPACES, namespace))
}

/// As the server compares: a star at the start, at the end or at both.
fn glob(pattern: &str, word: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(""), _) => true,
        (Some(rest), Some(_)) => word.contains(rest.trim_end_matches('*')),
        (Some(end), None) => word.ends_with(end),
        (None, Some(start)) => word.starts_with(start),
        (None, None) => pattern == word,
    }
}

fn has(role: &Document, field: &str, wanted: &str) -> bool {
    role.list(field).iter().any(|(word, _)| word == wanted)
}

fn bindings(role: &Document, _: &LintOptions, out: &mut Out) {
    let found: (&'static Rule, &str, &str) = match (has(role, NAMES, "*"), has(role, NAMESPACES, "*")) {
        (true, true) => (rules::ANY_IDENTITY, NAMES, "every pod of the cluster may log in"),
        (true, false) => {
            (rules::WILDCARD_SERVICE_ACCOUNT, NAMES, "every service account of these namespaces may log in")
        }
        (false, true) => {
            (rules::WILDCARD_NAMESPACE, NAMESPACES, "whoever can make a namespace can make such an account")
        }
        (false, false) => return,
    };
    out.push(role.at(found.0, found.1, found.2).help("name the accounts and the namespaces"));
}

fn glob_binding(role: &Document, _: &LintOptions, out: &mut Out) {
    for field in [NAMES, NAMESPACES] {
        let glob = role.list(field).into_iter().find(|(word, _)| word.contains('*') && word != "*");
        if let Some((word, position)) = glob {
            let message = format!("{word:?} matches every name of that shape, those to come included");
            out.push(Finding::new(rules::GLOB_BINDING, position, message).about(field));
        }
    }
}

fn default_service_account(role: &Document, _: &LintOptions, out: &mut Out) {
    if let Some((_, position)) = role.list(NAMES).into_iter().find(|(word, _)| word == "default") {
        let message = "default is the account of every pod that has none of its own";
        out.push(Finding::new(rules::DEFAULT_SERVICE_ACCOUNT, position, message).about(NAMES));
    }
}

fn missing_audience(role: &Document, _: &LintOptions, out: &mut Out) {
    if role.string("audience").is_empty() {
        let message =
            "without an audience every token of the service account is taken, one made for another server too";
        out.push(role.at(rules::MISSING_AUDIENCE, "audience", message).help("write \"audience\": \"vault\""));
    }
}

fn cartesian_binding(role: &Document, _: &LintOptions, out: &mut Out) {
    let (names, namespaces) = (role.list(NAMES).len(), role.list(NAMESPACES).len());
    if names > 1 && namespaces > 1 {
        let message = format!(
            "{names} names in {namespaces} namespaces are {} pairs, not only the wanted ones",
            names * namespaces
        );
        out.push(role.at(rules::CARTESIAN_BINDING, NAMES, message).help("write one role for each account"));
    }
}

fn shared_role(role: &Document, _: &LintOptions, out: &mut Out) {
    let (names, namespaces) = (role.list(NAMES).len(), role.list(NAMESPACES).len());
    if names.max(namespaces) > 1 && names.min(namespaces) == 1 {
        let message = format!("{} accounts share the role, and each has what any of them needs", names.max(namespaces));
        out.push(role.at(rules::SHARED_ROLE, if names > 1 { NAMES } else { NAMESPACES }, message));
    }
}

/// The field in which a value stands, under its new name or its old.
fn written(role: &Document, new: &'static str) -> &'static str {
    let old = LEGACY.iter().find(|(_, name)| *name == new).map_or(new, |(old, _)| *old);
    role.first(&[new, old]).unwrap_or(new)
}

fn no_token_ttl(role: &Document, _: &LintOptions, out: &mut Out) {
    let field = written(role, "token_ttl");
    let period = role.seconds(written(role, "token_period")).unwrap_or(0);
    if role.seconds(field).unwrap_or(0) == 0 && period == 0 {
        let message = "without token_ttl a token lives as long as the mount allows: 32 days, where nobody changed it";
        out.push(role.at(rules::NO_TOKEN_TTL, field, message).help("write \"token_ttl\": \"1h\""));
    }
}

fn long_ttl(role: &Document, options: &LintOptions, out: &mut Out) {
    let limits = [("token_ttl", options.limits.token_ttl), ("token_max_ttl", options.limits.token_max_ttl)];
    for (name, limit) in limits {
        let field = written(role, name);
        if role.seconds(field).is_some_and(|seconds| seconds > limit) {
            let message = format!("{field} is longer than {} hours", limit / 3600);
            out.push(role.at(rules::LONG_TTL, field, message));
        }
    }
}

fn periodic_token(role: &Document, _: &LintOptions, out: &mut Out) {
    let field = written(role, "token_period");
    if role.seconds(field).is_some_and(|seconds| seconds > 0) {
        out.push(role.at(rules::PERIODIC_TOKEN, field, "a periodic token can be renewed for ever"));
    }
}

fn ttl_above_max(role: &Document, _: &LintOptions, out: &mut Out) {
    let (ttl, max) = (written(role, "token_ttl"), written(role, "token_max_ttl"));
    if let (Some(short), Some(long)) = (role.seconds(ttl), role.seconds(max).filter(|max| *max > 0))
        && short > long
    {
        let server = "'token_ttl' cannot be greater than 'token_max_ttl'";
        out.push(role.at(rules::TTL_ABOVE_MAX, ttl, format!("{ttl} is longer than {max}")).refused(server));
    }
}

fn max_ttl_above_mount(role: &Document, options: &LintOptions, out: &mut Out) {
    let field = written(role, "token_max_ttl");
    let limit = options.limits.mount_max_ttl;
    if role.seconds(field).is_some_and(|seconds| seconds > limit) {
        let message = format!("{field} is more than the mount allows; tokens end after {} hours", limit / 3600);
        out.push(role.at(rules::MAX_TTL_ABOVE_MOUNT, field, message));
    }
}

fn policies(role: &Document, _: &LintOptions, out: &mut Out) {
    let policies = policies_of(role);
    if policies.is_empty() {
        let message = "the role gives no policy but the default one";
        out.push(role.at(rules::NO_POLICIES, written(role, "token_policies"), message));
    }
    for field in ["token_policies", "policies"] {
        for (name, position) in role.list(field) {
            let lower = name.trim().to_lowercase();
            if lower == "root" {
                let message = "a login never makes a token with root: it is answered with an error";
                out.push(Finding::new(rules::ROOT_POLICY, position, message).about(field));
            } else if lower != name {
                let message = format!("the policy is called {lower:?}; the role would keep {name:?}");
                let edits = role.field(field).filter(|field| field.value.position != position);
                let edits = edits.and_then(|_| role.replace(position, &lower));
                let finding = Finding::new(rules::POLICY_NAME_NOT_NORMALISED, position, message).about(field);
                out.push(finding.fixed(format!("write {lower:?}"), edits));
            }
        }
    }
}

fn default_policy(role: &Document, _: &LintOptions, out: &mut Out) {
    if role.flag("token_no_default_policy") != Some(true) {
        let message = "tokens also get the default policy";
        out.push(role.at(rules::DEFAULT_POLICY, "token_no_default_policy", message));
    }
}

fn batch_token(role: &Document, _: &LintOptions, out: &mut Out) {
    if role.string("token_type") != "batch" {
        return;
    }
    let counted = ["token_period", "token_num_uses"].map(|name| written(role, name));
    if let Some(field) = counted.into_iter().find(|field| role.seconds(field).is_some_and(|value| value > 0)) {
        let message = format!("a batch token cannot have {field}");
        let what = if field.contains("period") { "periodic tokens" } else { "tokens with limited use count" };
        let server = format!("'token_type' cannot be 'batch' or 'default_batch' when set to generate {what}");
        out.push(role.at(rules::BATCH_TOKEN_DYNAMIC, "token_type", message).refused(server));
    }
}

fn alias_by_name(role: &Document, _: &LintOptions, out: &mut Out) {
    if role.string("alias_name_source") == "serviceaccount_name" {
        let message = "an account that is made again under the same name is the same to the server";
        out.push(role.at(rules::ALIAS_BY_NAME, "alias_name_source", message));
    }
}

fn legacy_fields(role: &Document, _: &LintOptions, out: &mut Out) {
    for (old, new) in LEGACY {
        if let Some(field) = role.field(old) {
            let message = format!("{old} is the old name of {new}");
            let edits = if role.field(new).is_none() { role.rename(field.position, new) } else { None };
            out.push(role.at(rules::LEGACY_FIELDS, old, message).fixed(format!("write {new}"), edits));
        }
    }
}

fn star_mixed(role: &Document, _: &LintOptions, out: &mut Out) {
    for field in [NAMES, NAMESPACES] {
        if has(role, field, "*") && role.list(field).len() > 1 {
            let message = format!("{field} has * beside names");
            out.push(role.at(rules::STAR_MIXED, field, message).refused("can not mix \"*\" with values"));
        }
    }
}

fn role_name(role: &Document, _: &LintOptions, out: &mut Out) {
    let word = |read: char| read == '_' || read.is_ascii_alphanumeric();
    let name = role.name.as_str();
    let fits =
        name.starts_with(word) && name.ends_with(word) && name.chars().all(|read| word(read) || "-.".contains(read));
    let message = if !fits {
        format!("{name:?} cannot name a role")
    } else if name.chars().any(char::is_uppercase) {
        format!("the server calls this role {:?}", name.to_lowercase())
    } else {
        return;
    };
    let help = "a role's name is made of a-z, 0-9, _ and, not at its ends, - and .";
    out.push(Finding::new(rules::ROLE_NAME, crate::lint::text::START, message).about(name).help(help));
}

fn num_uses(role: &Document, _: &LintOptions, out: &mut Out) {
    let field = written(role, "token_num_uses");
    if role.seconds(field).is_some_and(|uses| uses > 0) {
        let message = "an agent asks again and again; its token would be used up";
        out.push(role.at(rules::NUM_USES_WITH_AGENT, field, message));
    }
}

fn addresses(role: &Document, _: &LintOptions, out: &mut Out) {
    let field = written(role, "token_bound_cidrs");
    for (text, position) in role.list(field) {
        let (address, bits) =
            text.split_once('/').map_or((text.as_str(), None), |(address, bits)| (address, Some(bits)));
        let most = match address.parse() {
            Ok(IpAddr::V4(_)) => 32,
            Ok(IpAddr::V6(_)) => 128,
            Err(_) => 0,
        };
        if most == 0 || bits.is_some_and(|bits| bits.parse::<u8>().map_or(true, |bits| bits > most)) {
            let message = format!("{text:?} is no address and no network");
            out.push(Finding::new(rules::BAD_CIDR, position, message).about(field));
        }
    }
    if role.flag("token_strictly_bind_ip") == Some(true) && !role.list(field).is_empty() {
        let server = "'token_strictly_bind_ip' conflicts with 'token_bound_cidrs'; set only one";
        let message = format!("token_strictly_bind_ip and {field} exclude each other");
        out.push(role.at(rules::BAD_CIDR, "token_strictly_bind_ip", message).refused(server));
    }
}

fn selector(role: &Document, out: &mut Out) {
    let text = role.string(SELECTOR);
    let bare: String = text.chars().filter(|read| !read.is_whitespace()).collect();
    let empty = matches!(bare.as_str(), "{}" | "{\"matchLabels\":{}}" | "{\"matchExpressions\":[]}" | "matchLabels:{}");
    if empty {
        let message = "an empty selector selects every namespace";
        let help = "name labels; the server also needs the right to get namespaces";
        out.push(role.at(rules::EMPTY_SELECTOR, SELECTOR, message).help(help));
    }
}

fn unknown_fields(role: &Document, out: &mut Out) {
    for field in role.fields() {
        if FIELDS.contains(&field.name) || field.name == "token_type" {
            continue;
        }
        let message = format!("the server passes over {:?} without a word", field.name);
        let near = nearest(field.name, &FIELDS);
        let edits = near.filter(|near| role.field(near).is_none()).and_then(|near| role.rename(field.position, near));
        let finding = Finding::new(rules::UNKNOWN_FIELD, field.position, message).about(field.name);
        let finding = match near {
            Some(near) => finding.help(format!("did you mean {near}?")),
            None => finding,
        };
        out.push(finding.fixed(format!("write {}", near.unwrap_or_default()), edits));
    }
}
