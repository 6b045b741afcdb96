//! VD: roles of database engines and of certificate authorities.

use std::collections::BTreeSet;

use crate::lint::document::Document;
use crate::lint::options::LintOptions;
use crate::rules::{self, Finding};

type Out = Vec<Finding>;

pub(in crate::lint) fn check_database(
    role: &Document,
    options: &LintOptions,
    connections: &BTreeSet<String>,
    out: &mut Out,
) {
    if unreadable(role, out) {
        return;
    }
    superuser(role, out);
    no_expiry(role, out);
    database_ttl(role, options, out);
    unknown_connection(role, connections, out);
}

pub(in crate::lint) fn check_pki(role: &Document, options: &LintOptions, out: &mut Out) {
    if unreadable(role, out) {
        return;
    }
    any_name(role, out);
    defaults(role, out);
    certificate_ttl(role, options, out);
}

fn unreadable(role: &Document, out: &mut Out) -> bool {
    if let Some((position, error)) = &role.error {
        out.push(Finding::new(rules::UNREADABLE_ROLE, *position, error.clone()));
    }
    role.error.is_some()
}

const CREATION: &str = "creation_statements";

/// Statements with their blanks made one and in upper case. A comma does not end one, unlike in other fields.
fn statements(role: &Document) -> Vec<String> {
    let Some(field) = role.field(CREATION) else { return Vec::new() };
    let list = match &field.value.kind {
        blinkchamber_hcl::Kind::String(text) => vec![text.clone()],
        _ => role.list(CREATION).into_iter().map(|(text, _)| text).collect(),
    };
    list.iter().map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase()).collect()
}

fn superuser(role: &Document, out: &mut Out) {
    let powers = ["SUPERUSER", "CREATEROLE", "CREATEDB", "BYPASSRLS"];
    for text in statements(role) {
        let power = text.split(|read: char| !read.is_alphanumeric()).find(|word| powers.contains(word));
        let all = text.contains("GRANT ALL") && (text.contains(" ON ALL ") || text.contains(" ON *.*"));
        if power.is_some() || all {
            let message = format!("the credentials get {}", power.unwrap_or("every right on everything"));
            out.push(role.at(rules::DB_SUPERUSER, CREATION, message).help("grant what the program needs"));
            return;
        }
    }
}

fn no_expiry(role: &Document, out: &mut Out) {
    let text = statements(role).join("; ");
    let postgres = text.contains("CREATE ROLE") || text.contains("CREATE USER") && text.contains("WITH ");
    if postgres && !text.contains("{{EXPIRATION}}") && !text.contains("VALID UNTIL") {
        let message = "a user that is not dropped in time can log in for ever";
        let help = "add VALID UNTIL '{{expiration}}'";
        out.push(role.at(rules::DB_NO_EXPIRY, CREATION, message).help(help));
    }
}

fn database_ttl(role: &Document, options: &LintOptions, out: &mut Out) {
    let (ttl, max) = (role.seconds("default_ttl").unwrap_or(0), role.seconds("max_ttl").unwrap_or(0));
    let limit = options.limits.database_ttl;
    let hours = limit / 3600;
    let (field, message) = if ttl == 0 {
        ("default_ttl", "without default_ttl the credentials live as long as the mount allows".to_owned())
    } else if max > 0 && ttl > max {
        ("default_ttl", "default_ttl is longer than max_ttl, which the server takes without a word".to_owned())
    } else if ttl > limit || max > limit {
        (
            if ttl > limit { "default_ttl" } else { "max_ttl" },
            format!("the credentials may live longer than {hours} hours"),
        )
    } else {
        return;
    };
    out.push(role.at(rules::DB_TTL, field, message));
}

fn unknown_connection(role: &Document, connections: &BTreeSet<String>, out: &mut Out) {
    let name = role.string("db_name");
    if !connections.is_empty() && !connections.contains(&name) {
        let known: Vec<_> = connections.iter().map(String::as_str).collect();
        let message = format!("there is no connection {name:?}, and the server does not look");
        out.push(
            role.at(rules::DB_UNKNOWN_CONNECTION, "db_name", message).help(format!("there are {}", known.join(", "))),
        );
    }
}

fn any_name(role: &Document, out: &mut Out) {
    let wide = [("allow_any_name", true), ("enforce_hostnames", false), ("allow_glob_domains", true)];
    for (field, bad) in wide {
        if role.flag(field) == Some(bad) {
            let message = format!("with {field} = {bad} certificates may carry names that nobody listed");
            out.push(role.at(rules::PKI_ANY_NAME, field, message));
        }
    }
}

fn defaults(role: &Document, out: &mut Out) {
    let fields = ["allow_localhost", "allow_ip_sans", "client_flag", "server_flag"];
    let missing: Vec<_> = fields.into_iter().filter(|field| role.field(field).is_none()).collect();
    if !missing.is_empty() {
        let message = format!("the server takes true for {}", missing.join(", "));
        out.push(Finding::new(rules::PKI_DEFAULTS, crate::lint::text::START, message).help("say what is meant"));
    }
}

fn certificate_ttl(role: &Document, options: &LintOptions, out: &mut Out) {
    let limit = options.limits.certificate_ttl;
    let max = role.seconds("max_ttl").unwrap_or(0);
    let message = if max == 0 {
        "without max_ttl a certificate lives as long as the mount allows".to_owned()
    } else if max > limit {
        format!("a certificate may live longer than {} days", limit / 86_400)
    } else {
        return;
    };
    out.push(role.at(rules::PKI_LONG_TTL, "max_ttl", message));
}
