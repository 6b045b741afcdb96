//! VP5: paths and verbs of engines.

use std::collections::BTreeSet;

use crate::lint::model::Block;
use crate::lint::mounts::KV2_PLACES;
use crate::lint::view::{BlockRule, Out, View};
use crate::policy::Capability::{Create, Delete, List, Patch, Read, Scan, Update};
use crate::rules;

const RULES: [BlockRule; 9] = [
    kv2_missing_data,
    kv1_with_data,
    kv2_list_on_data,
    kv2_version_verbs,
    issue_create_only,
    lease_renew_increment,
    transit_encrypt_create,
    internal_ui_mounts,
    kv2_double_data,
];

pub(in crate::lint) fn check(view: &View<'_>, out: &mut Out) {
    view.each(&RULES, out);
}

/// A block's path below a mount that is declared as KV v2.
fn declared_kv2<'a>(view: &View<'a>, block: &'a Block) -> Option<(&'a str, &'a str)> {
    let mounts: Vec<&str> = view.mounts.of_kind("kv2").collect();
    let rest = |mount: &&'a str| block.pattern.text.strip_prefix(*mount)?.strip_prefix('/');
    mounts.into_iter().filter_map(|mount| Some((mount, rest(&mount)?))).max_by_key(|(mount, _)| mount.len())
}

fn kv2_missing_data(view: &View<'_>, block: &Block, out: &mut Out) {
    let Some((mount, rest)) = declared_kv2(view, block).filter(|(_, rest)| !in_kv2_place(rest)) else { return };
    let place =
        if block.granted.iter().all(|capability| [List, Scan].contains(capability)) { "metadata" } else { "data" };
    let path = format!("{mount}/{place}/{rest}");
    let message = format!("{mount} is KV v2, and nothing is served at {:?}", block.path);
    let finding = view.file.about(rules::KV2_MISSING_DATA, block, message);
    let finding = finding.help(format!("for the secret itself write {path:?}"));
    out.push(finding.fixed(format!("write {path:?}"), view.file.set_path(block, &path)));
}

/// True when the rule can match a place that KV v2 serves.
fn in_kv2_place(rest: &str) -> bool {
    let first = rest.split('/').next().unwrap_or_default();
    match first.strip_suffix('*') {
        Some(prefix) if first.len() == rest.len() => KV2_PLACES.iter().any(|place| place.starts_with(prefix)),
        _ => first.is_empty() || first == "+" || first.contains("{{") || KV2_PLACES.contains(&first),
    }
}

fn kv2_double_data(view: &View<'_>, block: &Block, out: &mut Out) {
    let Some((_, rest)) = declared_kv2(view, block).filter(|(_, rest)| rest.starts_with("data/data/")) else { return };
    let message = format!("{:?} has data/ twice", block.path);
    let help = format!("for the secret {:?} write one data/ less", rest.trim_start_matches("data/"));
    out.push(view.file.about(rules::KV2_DOUBLE_DATA, block, message).help(help));
}

fn kv1_with_data(view: &View<'_>, block: &Block, out: &mut Out) {
    let Some(place) = view.place(block).filter(|place| place.kind == "kv1") else { return };
    let Some(rest) = ["data/", "metadata/"].iter().find_map(|start| place.rest.strip_prefix(start)) else { return };
    let path = format!("{}/{rest}", place.mount);
    let message = format!("{} is KV v1, where {:?} is a secret in a folder of that name", place.mount, block.path);
    let finding = view.file.about(rules::KV1_WITH_DATA, block, message).help(format!("write {path:?}"));
    out.push(finding.fixed(format!("write {path:?}"), view.file.set_path(block, &path)));
}

fn kv2_list_on_data(view: &View<'_>, block: &Block, out: &mut Out) {
    let Some(place) = view.place(block).filter(|place| place.kind == "kv2" && place.rest.starts_with("data/")) else {
        return;
    };
    if block.grants(List) {
        let list = format!("{}/metadata/{}", place.mount, place.rest.strip_prefix("data/").unwrap_or_default());
        let message = format!("{:?} cannot be listed: KV v2 lists below metadata/", block.path);
        let edits = view.file.without_capabilities(block, &BTreeSet::from([List]));
        let finding = view.file.about(rules::KV2_LIST_ON_DATA, block, message);
        out.push(finding.help(format!("grant list on {list:?}")).fixed("leave list out", edits));
    }
}

fn kv2_version_verbs(view: &View<'_>, block: &Block, out: &mut Out) {
    let rest = view.below(block, &["kv2"]).unwrap_or_default();
    let versions = ["delete/", "undelete/", "destroy/"].iter().any(|place| rest.starts_with(place));
    if versions && !block.denies() && !block.granted.is_empty() && !block.grants(Update) {
        let message = format!("{:?} is written: it takes update", block.path);
        let edits = view.file.set_capabilities(block, &["update"]);
        out.push(view.file.about(rules::KV2_VERSION_VERBS, block, message).fixed("grant update", edits));
    }
}

fn issue_create_only(view: &View<'_>, block: &Block, out: &mut Out) {
    let rest = view.below(block, &["pki", "ssh"]).unwrap_or_default();
    let issues = ["issue/", "sign/", "sign-verbatim/"].iter().any(|place| rest.starts_with(place));
    if issues && block.grants(Create) && !block.grants(Update) {
        let message = format!("{:?} takes update: with create alone every request is denied", block.path);
        let words: Vec<_> =
            block.words.iter().map(|(word, _)| if word == "create" { "update" } else { word }).collect();
        let edits = view.file.set_capabilities(block, &words);
        out.push(view.file.about(rules::ISSUE_CREATE_ONLY, block, message).fixed("grant update", edits));
    }
}

fn lease_renew_increment(view: &View<'_>, block: &Block, out: &mut Out) {
    let renew =
        matches!(block.pattern.text.trim_end_matches('*'), "sys/leases/renew" | "sys/leases/renew/" | "sys/renew");
    let parameters = block.parameters("allowed_parameters");
    let named = |name: &str| parameters.iter().find(|parameter| parameter.name.eq_ignore_ascii_case(name));
    let (true, Some(lease), None, None) = (renew, named("lease_id"), named("increment"), named("*")) else { return };
    let end = view.file.end(lease.list);
    let line_start =
        view.file.text.get(..lease.position.offset).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let indent = view.file.text.get(line_start..lease.position.offset).unwrap_or_default();
    let alone = indent.trim().is_empty();
    let separator = if alone { format!("\n{indent}") } else { ", ".to_owned() };
    let edits = view.file.set(end..end, format!("{separator}\"increment\" = []"));
    let message = "clients that renew a lease also send increment, and are denied here";
    let finding = view.file.at(rules::LEASE_RENEW_INCREMENT, block, lease.position, message);
    out.push(finding.help("add increment = [], which allows any value").fixed("allow increment", edits));
}

fn transit_encrypt_create(view: &View<'_>, block: &Block, out: &mut Out) {
    let encrypts = view.below(block, &["transit"]).is_some_and(|rest| rest.starts_with("encrypt/"));
    if encrypts && block.grants(Create) {
        let message = format!("create on {:?} makes a key of every name that is misspelt", block.path);
        let edits = view.file.without_capabilities(block, &BTreeSet::from([Create])).filter(|_| block.grants(Update));
        let finding = view.file.about(rules::TRANSIT_ENCRYPT_CREATE, block, message).help("grant update only");
        out.push(finding.fixed("leave create out", edits));
    }
}

fn internal_ui_mounts(view: &View<'_>, block: &Block, out: &mut Out) {
    if block.pattern.text.starts_with("sys/internal/ui/mounts") && !block.denies() {
        let message = "the endpoint looks at the rights on the mount itself, and at no rule of its own";
        let edits = view.file.without(block);
        out.push(view.file.about(rules::INTERNAL_UI_MOUNTS, block, message).fixed("leave the rule out", edits));
    }
}

/// Capabilities on which the server looks at parameters.
pub(super) const WITH_PARAMETERS: [crate::policy::Capability; 4] = [Create, Read, Update, Patch];

/// Capabilities on which it does not.
pub(super) const WITHOUT_PARAMETERS: [crate::policy::Capability; 3] = [Delete, List, Scan];
