//! VM: manifests, and whether their pods get what their templates read.

use std::collections::{BTreeMap, BTreeSet};

use blinkchamber_contract::config::Template as AgentTemplate;
use blinkchamber_templates::{AccessKind, Dependencies, Options, Template};

use super::program::{Found, given};
use super::roles::{binds, policies_of};
use crate::compile::{CompileOptions, required};
use crate::lint::access::{Access, Dialect};
use crate::lint::model::Block;
use crate::lint::options::LintOptions;
use crate::lint::pattern::Pattern;
use crate::lint::program::Program;
use crate::lint::view::listed;
use crate::lint::workloads::Pod;
use crate::policy::nearest;
use crate::rules;

pub(in crate::lint) fn check(program: &Program, options: &LintOptions, found: &mut Found) {
    let compile = compile_options(options);
    for file in &program.manifests {
        for (position, unreadable) in &file.unreadable {
            let finding = rules::Finding::new(rules::UNREADABLE_MANIFEST, *position, unreadable.message.clone());
            found.push((file.file.clone(), finding.help(unreadable.help)));
        }
        for (position, key, object) in &file.misplaced {
            let message = format!("{key} on {object} itself does nothing: it belongs to the pod template");
            let finding = rules::Finding::new(rules::ANNOTATION_ON_WRONG_OBJECT, *position, message);
            found.push((file.file.clone(), finding.about(format!("{object} {key}"))));
        }
        for pod in &file.pods {
            let mut out = Vec::new();
            inject_without_role(pod, &mut out);
            tls_skip_verify(pod, &mut out);
            if let Some(role) = pod.role() {
                of_role(program, pod, &role, &compile, &mut out);
            }
            found.extend(out.into_iter().map(|finding| (pod.file.clone(), finding)));
        }
    }
    grant_not_used(program, &compile, found);
}

fn compile_options(options: &LintOptions) -> CompileOptions {
    let mounts = options.all_mounts();
    let of = |kind: &str| mounts.iter().filter(|(_, other)| *other == kind).map(|(mount, _)| mount.clone()).collect();
    CompileOptions { kv2: of("kv2"), kv1: of("kv1"), ..CompileOptions::default() }
}

fn inject_without_role(pod: &Pod, out: &mut Vec<rules::Finding>) {
    let wanted = pod.annotation("agent-inject").is_some_and(|value| value.parse() == Ok(true));
    let kubernetes = pod.annotation("auth-type").unwrap_or("kubernetes") == "kubernetes";
    let elsewhere = ["agent-configmap", "agent-inject-token"].iter().any(|suffix| pod.annotation(suffix).is_some());
    let missing = wanted && kubernetes && !elsewhere && pod.annotation("role").is_none_or(str::is_empty);
    if missing {
        let message = format!("{} is injected and names no role", pod.object);
        let finding = pod.at(rules::INJECT_WITHOUT_ROLE, "agent-inject", message);
        out.push(finding.help("add the annotation vault.hashicorp.com/role"));
    }
    for problem in pod.refusals.iter().filter(|problem| !(missing && problem.contains("role"))) {
        let suffix = problem.split(|read: char| read.is_whitespace() || "`\"':,".contains(read));
        let suffix =
            suffix.filter_map(|word| word.split_once('/')).map(|(_, suffix)| suffix).next().unwrap_or_default();
        out.push(pod.at(rules::REFUSED_ANNOTATION, suffix, problem.clone()));
    }
}

fn tls_skip_verify(pod: &Pod, out: &mut Vec<rules::Finding>) {
    if pod.annotation("tls-skip-verify").is_some_and(|value| value.parse() == Ok(true)) {
        let message = "the agent takes any server for the right one, and gives it the pod's token";
        out.push(pod.at(rules::TLS_SKIP_VERIFY, "tls-skip-verify", message).help("name the authority with ca-cert"));
    }
}

fn of_role(program: &Program, pod: &Pod, name: &str, compile: &CompileOptions, out: &mut Vec<rules::Finding>) {
    for (template, dependencies) in templates(pod) {
        for call in dependencies.dynamic.iter().filter(|call| call.kind != AccessKind::File) {
            let message =
                format!("line {} of the template: only running it tells the path of {}", call.line, call.excerpt);
            out.push(pod.at(rules::DYNAMIC_TEMPLATE_PATH, &annotation_of(pod, template), message));
        }
    }
    if program.roles.is_empty() {
        return;
    }
    let Some(role) = program.role(name) else {
        let known: Vec<_> = program.roles.iter().map(|role| role.name.as_str()).collect();
        let finding = pod.at(rules::ROLE_UNDEFINED, "role", format!("there is no role {name:?}"));
        out.push(match nearest(name, &known) {
            Some(near) => finding.help(format!("did you mean {near}?")),
            None => finding,
        });
        return;
    };
    if !binds(role, &pod.namespace, &pod.account) {
        let message = format!("role {name} does not let service account {}/{} log in", pod.namespace, pod.account);
        let finding = pod.at(rules::SERVICE_ACCOUNT_NOT_BOUND, "role", message);
        let names = role.field("bound_service_account_names").map(|field| field.position).unwrap_or_default();
        out.push(finding.related(rules::Related {
            file: role.file.clone(),
            position: names,
            message: "bound here".into(),
        }));
    }
    audience_not_projected(pod, &role.string("audience"), out);
    let policies = given(program, role);
    let known = policies_of(role).iter().all(|(policy, _)| policy == "default" || program.policy(policy).is_some());
    if known && !policies.is_empty() && policies.iter().all(|policy| policy.refusals.is_empty()) {
        path_not_granted(
            pod,
            name,
            &policies.iter().flat_map(|policy| policy.rules()).collect::<Vec<_>>(),
            compile,
            out,
        );
    }
}

/// The audience of the token that the pod gives, where the pod says which.
fn audience_not_projected(pod: &Pod, wanted: &str, out: &mut Vec<rules::Finding>) {
    let volume = pod.annotation("agent-service-account-token-volume-name");
    let (suffix, audience) = match (volume, pod.annotation("token-audience")) {
        (Some(name), _) => {
            let volume =
                pod.volumes().find(|volume| volume.get("name").and_then(serde_json::Value::as_str) == Some(name));
            let sources = volume.and_then(|volume| volume.get("projected")?.get("sources")?.as_array());
            let token = sources.into_iter().flatten().find_map(|source| source.get("serviceAccountToken"));
            let Some(token) = token else { return };
            let audience = token.get("audience").and_then(serde_json::Value::as_str).unwrap_or_default();
            ("agent-service-account-token-volume-name", audience)
        }
        (None, Some(audience)) => ("token-audience", audience),
        (None, None) => return,
    };
    if !wanted.is_empty() && audience != wanted {
        let message = format!("the pod's token is for {audience:?}, the role wants {wanted:?}: the login fails");
        out.push(pod.at(rules::AUDIENCE_NOT_PROJECTED, suffix, message));
    }
}

/// The templates of a pod whose text is known, and what they read.
fn templates(pod: &Pod) -> Vec<(&AgentTemplate, Dependencies)> {
    let all = pod.plan.iter().flat_map(|plan| &plan.config.templates);
    let read = all.filter_map(|template| {
        let options = Options {
            left_delimiter: template.left_delimiter.clone().unwrap_or_default(),
            right_delimiter: template.right_delimiter.clone().unwrap_or_default(),
            ..Options::default()
        };
        let compiled = Template::compile(template.contents.as_ref()?, &options).ok()?;
        Some((template, compiled.dependencies()))
    });
    read.collect()
}

/// The annotation that a template came from, without its prefix.
fn annotation_of(pod: &Pod, template: &AgentTemplate) -> String {
    let name = template.destination.rsplit('/').next().unwrap_or_default();
    let written = format!("agent-inject-template-{name}");
    if pod.annotation(&written).is_some() { written } else { format!("agent-inject-secret-{name}") }
}

fn path_not_granted(pod: &Pod, role: &str, rules_: &[&Block], compile: &CompileOptions, out: &mut Vec<rules::Finding>) {
    // A template in a path may come to what the pod reads.
    if rules_.iter().any(|block| block.is_templated()) {
        return;
    }
    let access = Access::new(rules_.iter().copied());
    for (template, dependencies) in templates(pod) {
        for call in dependencies.known {
            for (path, capabilities) in required(compile, call.kind, &call.path) {
                let may = |path: &str| capabilities.iter().all(|one| access.grants(path, *one, Dialect::Openbao));
                if may(&path) || long_form(&path).is_some_and(|path| may(&path)) {
                    continue;
                }
                let words = listed(capabilities.iter().map(|capability| capability.word()));
                let message = format!(
                    "line {} of the template needs {words} on {path:?}, and role {role} does not give it",
                    call.line
                );
                out.push(pod.at(rules::PATH_NOT_GRANTED, &annotation_of(pod, template), message));
            }
        }
    }
}

/// What the agent reads instead, where the mount turns out to be KV v2.
fn long_form(path: &str) -> Option<String> {
    let (mount, rest) = path.split_once('/')?;
    Some(format!("{mount}/data/{rest}"))
}

/// Rules that no template of any pod needs, where every user of the policy is known.
fn grant_not_used(program: &Program, compile: &CompileOptions, found: &mut Found) {
    let pods = program.manifests.iter().flat_map(|file| &file.pods);
    let mut by_role: BTreeMap<String, Vec<&Pod>> = BTreeMap::new();
    for pod in pods {
        if let Some(role) = pod.role() {
            by_role.entry(role).or_default().push(pod);
        }
    }
    for policy in program.policies.iter().filter(|policy| policy.refusals.is_empty()) {
        let lower = policy.name.to_lowercase();
        let users = program.roles.iter().filter(|role| policies_of(role).iter().any(|(name, _)| *name == lower));
        let users: Vec<_> = users.map(|role| by_role.get(&role.name.to_lowercase())).collect();
        let Some(pods) = users.into_iter().collect::<Option<Vec<_>>>().filter(|pods| !pods.is_empty()) else {
            continue;
        };
        let Some(needed) = needed(&pods.into_iter().flatten().copied().collect::<Vec<_>>(), compile) else { continue };
        for block in policy.rules().filter(|block| !block.is_templated() && !block.denies() && !is_upkeep(&block.path))
        {
            if !needed.iter().any(|path| block.pattern.matches(path)) {
                let message = format!("no template of the role's pods needs {:?}", block.path);
                found.push((policy.file.clone(), policy.about(rules::GRANT_NOT_USED, block, message)));
            }
        }
    }
}

/// Every path that pods need, and those beside that an agent looks at; nothing when a template hides some.
fn needed(pods: &[&Pod], compile: &CompileOptions) -> Option<BTreeSet<String>> {
    let mut paths = BTreeSet::new();
    for pod in pods {
        let all = pod.plan.as_ref().map_or(0, |plan| plan.config.templates.len());
        let templates = templates(pod);
        if templates.len() < all || templates.iter().any(|(_, read)| !read.dynamic.is_empty()) {
            return None;
        }
        for call in templates.into_iter().flat_map(|(_, dependencies)| dependencies.known) {
            for (path, _) in required(compile, call.kind, &call.path) {
                let long = long_form(&path);
                for path in long.into_iter().chain([path]) {
                    paths.insert(path.replacen("/data/", "/metadata/", 1));
                    paths.insert(path);
                }
            }
        }
    }
    Some(paths)
}

/// What an agent does with its token and its leases, which no template names.
fn is_upkeep(path: &str) -> bool {
    let paths = ["auth/token/+", "sys/leases/+", "sys/internal/ui/mounts/*", "sys/capabilities-self", "sys/tools/*"];
    paths.iter().any(|upkeep| Pattern::new(upkeep).matches(path))
}
