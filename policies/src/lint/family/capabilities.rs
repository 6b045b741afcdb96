//! VP2: capabilities that do nothing, do too much, or are missing.

use std::collections::BTreeSet;

use crate::lint::catalog;
use crate::lint::model::Block;
use crate::lint::pattern::Pattern;
use crate::lint::view::{BlockRule, Out, View, listed};
use crate::policy::Capability::{self, Create, Delete, List, Patch, Read, Scan, Sudo, Update};
use crate::rules;

const RULES: [BlockRule; 11] = [
    no_capabilities,
    deny_with_others,
    duplicate_capability,
    capability_without_effect,
    missing_sudo,
    sudo_not_needed,
    sudo_on_wildcard,
    create_xor_update,
    dynamic_creds_verb,
    old_policy_form,
    kv2_metadata_delete,
];

pub(in crate::lint) fn check(view: &View<'_>, out: &mut Out) {
    view.each(&RULES, out);
}

fn no_capabilities(view: &View<'_>, block: &Block, out: &mut Out) {
    if block.granted.is_empty() {
        let message = format!("{:?} grants nothing, and hides what wider rules grant there", block.path);
        out.push(view.file.about(rules::NO_CAPABILITIES, block, message).help("name capabilities, or write deny"));
    }
}

fn deny_with_others(view: &View<'_>, block: &Block, out: &mut Out) {
    if block.deny_drops {
        let message = format!("deny drops the other capabilities of {:?}", block.path);
        let edits = if block.item("policy").is_some() { None } else { view.file.set_capabilities(block, &["deny"]) };
        let finding =
            view.file.about(rules::DENY_WITH_OTHERS, block, message).help("let deny stand alone, or leave it out");
        out.push(finding.fixed("let deny stand alone", edits));
    }
}

fn duplicate_capability(view: &View<'_>, block: &Block, out: &mut Out) {
    let mut seen: Vec<&str> = Vec::new();
    let mut twice = None;
    for (word, position) in &block.words {
        if seen.contains(&word.as_str()) {
            twice = twice.or(Some((word, *position)));
        } else {
            seen.push(word);
        }
    }
    if let Some((word, position)) = twice.filter(|_| !block.deny_drops) {
        let edits = view.file.set_capabilities(block, &seen);
        let finding = view.file.at(rules::DUPLICATE_CAPABILITY, block, position, format!("{word:?} stands twice"));
        out.push(finding.fixed("let it stand once", edits));
    }
}

fn capability_without_effect(view: &View<'_>, block: &Block, out: &mut Out) {
    let Some(place) = view.place(block).filter(|place| catalog::knows(&place.kind)) else { return };
    if block.denies() || block.is_templated() || matches!(place.rest, "" | "*" | "+" | "+/*") {
        return;
    }
    let Some(used) = view.mounts.used(&block.pattern.text) else { return };
    let fixed = if place.kind == "kv2" { [Scan, Sudo, List] } else { [Scan, Sudo, Sudo] };
    let idle = block.granted.iter().copied().filter(|one| !used.contains(one) && !fixed.contains(one));
    let idle: BTreeSet<_> = idle.collect();
    let open = || view.mounts.reached(&block.pattern.text).iter().all(|endpoint| endpoint.open);
    if idle.is_empty() || open() || hints_elsewhere(&place.kind, place.rest, &idle) {
        return;
    }
    let words = listed(idle.iter().map(|capability| capability.word()));
    let message = format!("{:?} makes no use of {words}", block.path);
    let edits = view.file.without_capabilities(block, &idle);
    out.push(
        view.file.about(rules::CAPABILITY_WITHOUT_EFFECT, block, message).fixed(format!("leave out {words}"), edits),
    );
}

/// What another rule says better: issuing with `create` only, credentials with the wrong verb, versions of KV v2.
fn hints_elsewhere(kind: &str, rest: &str, idle: &BTreeSet<Capability>) -> bool {
    let first = rest.split('/').next().unwrap_or_default();
    match kind {
        "pki" => matches!(first, "issue" | "sign") && idle.contains(&Create),
        "database" => matches!(first, "creds" | "static-creds") && idle.contains(&Update),
        "kv2" => matches!(first, "delete" | "undelete" | "destroy" | "data"),
        _ => false,
    }
}

fn missing_sudo(view: &View<'_>, block: &Block, out: &mut Out) {
    let protected = catalog::protected()
        .iter()
        .find(|protected| protected.pattern.contains(&block.pattern) && block.grants_any(protected.capabilities));
    if protected.is_some() && !block.grants(Sudo) {
        let message = format!("{:?} is protected: without sudo every request gets 403", block.path);
        let words: Vec<_> = block.words.iter().map(|(word, _)| word.as_str()).chain(["sudo"]).collect();
        let edits = view.file.set_capabilities(block, &words);
        out.push(view.file.about(rules::MISSING_SUDO, block, message).help("add sudo").fixed("add sudo", edits));
    }
}

fn sudo_matters(view: &View<'_>, block: &Block) -> bool {
    let place = view.place(block);
    let below = Pattern::new(place.as_ref().map_or("", |place| place.rest));
    catalog::sudo_matters(&block.pattern, place.as_ref().map(|place| place.kind.as_str()), &below)
}

fn sudo_not_needed(view: &View<'_>, block: &Block, out: &mut Out) {
    if block.grants(Sudo) && !sudo_matters(view, block) && !block.is_templated() {
        let message = format!("nothing at {:?} asks for sudo", block.path);
        // A mount that nobody knows could be a certificate authority's.
        let known = view.place(block).is_some();
        let edits = known.then(|| view.file.without_capabilities(block, &BTreeSet::from([Sudo]))).flatten();
        out.push(view.file.about(rules::SUDO_NOT_NEEDED, block, message).fixed("leave sudo out", edits));
    }
}

fn sudo_on_wildcard(view: &View<'_>, block: &Block, out: &mut Out) {
    if block.grants(Sudo) && !block.pattern.is_exact() && sudo_matters(view, block) {
        let path = &block.path;
        let message = format!("sudo on {path:?} covers every root-protected path it matches, those to come included");
        let help = "write one rule with sudo for each path that needs it";
        out.push(view.file.about(rules::SUDO_ON_WILDCARD, block, message).help(help));
    }
}

fn create_xor_update(view: &View<'_>, block: &Block, out: &mut Out) {
    let data = view.below(block, &["kv2"]).is_some_and(|rest| rest.starts_with("data/"));
    let plain = view.below(block, &["kv1"]).is_some();
    let (create, update) = (block.grants(Create), block.grants(Update));
    if !(data || plain) || create == update {
        return;
    }
    let (missing, fails) = if create { ("update", "every write but the first") } else { ("create", "the first write") };
    let message = format!("without {missing} {fails} to {:?} is denied", block.path);
    let words: Vec<_> = block.words.iter().map(|(word, _)| word.as_str()).chain([missing]).collect();
    let edits = view.file.set_capabilities(block, &words);
    let finding = view.file.about(rules::CREATE_XOR_UPDATE, block, message);
    out.push(finding.help(format!("add {missing}, unless that is meant")).fixed(format!("add {missing}"), edits));
}

/// Endpoints that answer to a write only.
const WRITTEN: [(&str, &[&str]); 3] = [
    ("pki", &["issue", "sign", "sign-verbatim", "revoke"]),
    ("ssh", &["creds", "issue", "sign", "verify"]),
    ("transit", &["datakey", "decrypt", "encrypt", "hmac", "rewrap", "sign", "verify"]),
];

fn dynamic_creds_verb(view: &View<'_>, block: &Block, out: &mut Out) {
    let Some(place) = view.place(block).filter(|_| !block.denies()) else { return };
    let (first, below) = place.rest.split_once('/').unwrap_or((place.rest, ""));
    if below.is_empty() {
        return;
    }
    let engine = ["consul", "database", "ldap", "nomad", "rabbitmq"].contains(&place.kind.as_str());
    let issued = engine && matches!(first, "creds" | "static-creds" | "static-cred");
    let written = WRITTEN.iter().any(|(kind, places)| place.kind == *kind && places.contains(&first));
    let (wrong, right) = if issued && block.grants_any(&[Create, Update]) && !block.grants(Read) {
        ("written", "read")
    } else if written && block.grants(Read) && !block.grants_any(&[Create, Update]) {
        ("read", "update")
    } else {
        return;
    };
    let message = format!("{:?} is never {wrong}: it takes {right}", block.path);
    let edits = view.file.set_capabilities(block, &[right]);
    out.push(view.file.about(rules::DYNAMIC_CREDS_VERB, block, message).fixed(format!("grant {right}"), edits));
}

fn old_policy_form(view: &View<'_>, block: &Block, out: &mut Out) {
    let Some(item) = block.item("policy") else { return };
    let Some(key) = item.keys.first() else { return };
    let words: Vec<_> = block.granted.iter().map(|capability| format!("\"{}\"", capability.word())).collect();
    let new = format!("capabilities = [{}]", words.join(", "));
    let lone = block.item("capabilities").is_none() && block.items("policy").nth(1).is_none() && !words.is_empty();
    let edits =
        lone.then(|| view.file.set(key.position.offset..view.file.end(item.value.position), new.as_str())).flatten();
    let message = "policy is the old form of capabilities; it knows neither patch nor scan";
    let finding = view.file.at(rules::OLD_POLICY_FORM, block, key.position, message).help(format!("write {new}"));
    out.push(finding.fixed(format!("write {new}"), edits));
}

fn kv2_metadata_delete(view: &View<'_>, block: &Block, out: &mut Out) {
    let metadata = view.below(block, &["kv2"]).is_some_and(|rest| rest.starts_with("metadata/"));
    if metadata && block.grants(Delete) {
        let message = format!("delete on {:?} takes a secret away with all its versions", block.path);
        let help = "data/ with delete hides the newest version only, and can be undone";
        out.push(view.file.about(rules::KV2_METADATA_DELETE, block, message).help(help));
    }
}

/// Writes of every kind.
pub(super) const WRITES: [Capability; 3] = [Create, Update, Patch];
