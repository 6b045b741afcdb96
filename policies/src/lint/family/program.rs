//! Rules that see more than one file: roles with the policies that they give.

use std::collections::BTreeMap;

use super::roles::policies_of;
use super::sets::{self, Member};
use crate::lint::access::{Access, Dialect};
use crate::lint::document::Document;
use crate::lint::model::PolicyFile;
use crate::lint::mounts::Mounts;
use crate::lint::program::Program;
use crate::policy::{Capability, nearest};
use crate::rules::{self, Finding};

/// Findings of all files, each with its file.
pub(in crate::lint) type Found = Vec<(String, Finding)>;

pub(in crate::lint) fn check(program: &Program, mounts: &Mounts, found: &mut Found) {
    for role in program.roles.iter().filter(|role| role.error.is_none()) {
        unknown_policy(program, role, found);
        let policies = given(program, role);
        no_default_policy(role, &policies, found);
        batch_token_with_leases(role, &policies, found);
        let members: Vec<_> = policies.iter().flat_map(|policy| Member::of(policy)).collect();
        let mut of_role = Found::new();
        sets::check_role(&role.name, mounts, &members, &mut of_role);
        found.extend(of_role);
    }
    dangling_service_account(program, found);
}

/// The policies that a role gives, as far as they are known here.
pub(super) fn given<'a>(program: &'a Program, role: &Document) -> Vec<&'a PolicyFile> {
    let mut names: Vec<_> = policies_of(role).into_iter().map(|(name, _)| name).collect();
    names.dedup();
    names.iter().filter_map(|name| program.policy(name)).collect()
}

fn unknown_policy(program: &Program, role: &Document, found: &mut Found) {
    if program.policies.is_empty() {
        return;
    }
    for (name, position) in policies_of(role) {
        if matches!(name.as_str(), "default" | "root") || program.policy(&name).is_some() {
            continue;
        }
        let known: Vec<_> = program.policies.iter().map(|policy| policy.name.as_str()).collect();
        let finding =
            Finding::new(rules::UNKNOWN_POLICY, position, format!("there is no policy {name:?}")).about(&name);
        let finding = match nearest(&name, &known) {
            Some(near) => finding.help(format!("did you mean {near}?")),
            None => finding,
        };
        found.push((role.file.clone(), finding));
    }
}

/// Engines whose `creds/` come with a lease, by the path alone.
fn leases(policies: &[&PolicyFile]) -> Option<String> {
    let rules = policies.iter().flat_map(|policy| policy.rules());
    let dynamic = rules.filter(|block| block.grants(Capability::Read)).find(|block| {
        let mut segments = block.pattern.text.split('/').skip(1);
        segments.next() == Some("creds") && segments.next().is_some()
    });
    dynamic.map(|block| block.path.clone())
}

fn no_default_policy(role: &Document, policies: &[&PolicyFile], found: &mut Found) {
    let lists_default = policies_of(role).iter().any(|(name, _)| name == "default");
    if role.flag("token_no_default_policy") != Some(true) || lists_default || policies.is_empty() {
        return;
    }
    let access = Access::new(policies.iter().flat_map(|policy| policy.rules()));
    let may = |path: &str, capability| access.grants(path, capability, Dialect::Openbao);
    if let Some(path) = leases(policies).filter(|_| !may("sys/leases/renew", Capability::Update)) {
        let message = format!("the default policy is off, and nothing lets the leases of {path:?} be renewed");
        let finding = role.at(rules::NO_LEASE_RENEW, "token_no_default_policy", message);
        found.push((role.file.clone(), finding.help("grant update on sys/leases/renew")));
    }
    let own = [
        ("auth/token/lookup-self", Capability::Read),
        ("auth/token/renew-self", Capability::Update),
        ("auth/token/revoke-self", Capability::Update),
    ];
    let missing: Vec<_> = own.iter().filter(|(path, capability)| !may(path, *capability)).collect();
    if let Some((path, capability)) = missing.first() {
        let message = "the default policy is off, and the token may not look after itself";
        let finding = role.at(rules::NO_SELF_MANAGEMENT, "token_no_default_policy", message);
        found.push((role.file.clone(), finding.help(format!("grant {} on {path}", capability.word()))));
    }
}

fn batch_token_with_leases(role: &Document, policies: &[&PolicyFile], found: &mut Found) {
    if role.string("token_type") != "batch" {
        return;
    }
    if let Some(path) = leases(policies) {
        let message = format!("leases of {path:?} end with a batch token, which cannot be renewed");
        found.push((role.file.clone(), role.at(rules::BATCH_TOKEN_DYNAMIC, "token_type", message)));
    }
}

/// Accounts that no manifest makes or uses, where the manifests make accounts at all.
fn dangling_service_account(program: &Program, found: &mut Found) {
    let mut namespaces: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for manifests in &program.manifests {
        for (namespace, name) in &manifests.accounts {
            namespaces.entry(namespace).or_default().push(name);
        }
    }
    let used = program.manifests.iter().flat_map(|manifests| &manifests.pods);
    let used: Vec<_> = used.map(|pod| (pod.namespace.as_str(), pod.account.as_str())).collect();
    for role in &program.roles {
        let bound = role.list("bound_service_account_namespaces");
        for (name, position) in role.list("bound_service_account_names") {
            let known = |namespace: &str| namespaces.get(namespace).map(|names| names.contains(&name.as_str()));
            let there = bound.iter().any(|(namespace, _)| {
                known(namespace).unwrap_or(true)
                    || used.contains(&(namespace.as_str(), name.as_str()))
                    || namespace.contains('*')
            });
            if !there && !bound.is_empty() && !name.contains('*') && name != "default" {
                let message = format!("no manifest makes or uses a service account {name:?} in these namespaces");
                let finding = Finding::new(rules::DANGLING_SERVICE_ACCOUNT, position, message).about(&name);
                found.push((role.file.clone(), finding));
            }
        }
    }
}
