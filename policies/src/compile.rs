//! From manifests to least-privilege policies and roles.
//!
//! What a pod may read is what its templates read: the contract says which templates a pod's annotations make, the
//! template engine says which paths they read, and this module says what that takes on the server.

use std::collections::{BTreeMap, BTreeSet};

use blinkchamber_contract::plan::{Decision, Defaults, Plan, Request, plan};
use blinkchamber_templates::{Options as TemplateOptions, Template};
use serde_json::Value;

use crate::manifest::{self, Origin, Workload};
use crate::policy::Capability;
use crate::role::Role;

mod emit;
mod grant;
#[cfg(test)]
mod tests;

use grant::{Grants, Mounts};

/// What the compiler has to be told, because no manifest says it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CompileOptions {
    /// Mounts of KV version 2.
    pub kv2: BTreeSet<String>,
    /// Mounts of KV version 1.
    pub kv1: BTreeSet<String>,
    /// Namespace of objects that name none.
    pub namespace: String,
    /// Audience that tokens of service accounts must carry; empty for any.
    pub audience: String,
    /// Life of a token in seconds.
    pub token_ttl: u64,
    /// Longest life of a token in seconds.
    pub token_max_ttl: u64,
    /// Let the agent see the metadata of the KV v2 secrets it reads, so that it reads a secret only when there is a new
    /// version. It shows version numbers, times and custom metadata, no secret.
    pub metadata: bool,
    /// The injector's defaults; annotations stand above them.
    pub defaults: Defaults,
}

impl Default for CompileOptions {
    fn default() -> Self {
        Self {
            kv2: BTreeSet::from(["secret".to_owned()]),
            kv1: BTreeSet::new(),
            namespace: "default".to_owned(),
            audience: String::new(),
            token_ttl: 3600,
            token_max_ttl: 24 * 3600,
            metadata: true,
            defaults: Defaults::new("blinkchamber-agent", "https://vault.blinkchamber.svc:8200"),
        }
    }
}

/// What the manifests ask for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Compiled {
    /// HCL text by policy name.
    pub policies: BTreeMap<String, String>,
    /// Roles by name.
    pub roles: BTreeMap<String, Role>,
    /// What a person should know, such as a misspelt annotation or a pod whose auth method has no roles.
    pub notes: Vec<String>,
}

/// Something that stands in the way of a policy.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, thiserror::Error)]
#[error("{origin}: {message}")]
pub struct CompileError {
    /// The manifest.
    pub origin: Origin,
    /// What is wrong, with the template's line where there is one.
    pub message: String,
    /// How to mend it.
    pub help: String,
}

/// Every error of a compilation.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}", .0.iter().map(|error| format!("{error}\n  help: {}", error.help)).collect::<Vec<_>>().join("\n"))]
pub struct CompileErrors(pub Vec<CompileError>);

/// Compiles rendered manifests, given as file names and texts. The same input gives the same output, byte for byte.
///
/// # Errors
/// Everything that keeps a pod from a complete policy: unreadable documents, refused annotations, paths that only
/// running the template can tell, a role that two service accounts ask for.
pub fn compile(manifests: &[(String, String)], options: &CompileOptions) -> Result<Compiled, CompileErrors> {
    let mut compiler = Compiler {
        options,
        mounts: Mounts::new(options),
        accounts: BTreeMap::new(),
        notes: Vec::new(),
        errors: Vec::new(),
    };
    for (name, text) in manifests {
        let (workloads, unreadable) = manifest::read(name, text, &options.namespace);
        for one in unreadable {
            compiler.errors.push(CompileError { origin: one.origin, message: one.message, help: one.help.to_owned() });
        }
        for workload in workloads {
            compiler.workload(&workload);
        }
    }
    compiler.finish()
}

/// The rules that one call of a template takes, without what only saves the agent work; none for a path that no policy
/// can name.
pub(crate) fn required(
    options: &CompileOptions,
    kind: blinkchamber_templates::AccessKind,
    path: &str,
) -> Vec<(String, BTreeSet<Capability>)> {
    let options = CompileOptions { metadata: false, ..options.clone() };
    let mut grants = Grants::default();
    let known = grants.add(&Mounts::new(&options), kind, path, "").is_ok();
    let rules = if known { grants.rules } else { BTreeMap::new() };
    rules.into_iter().map(|(path, grant)| (path, grant.capabilities)).collect()
}

/// What is known of one role.
struct Account {
    namespace: String,
    service_account: String,
    auth_path: String,
    origin: Origin,
    grants: Grants,
}

struct Compiler<'a> {
    options: &'a CompileOptions,
    mounts: Mounts<'a>,
    accounts: BTreeMap<String, Account>,
    notes: Vec<String>,
    errors: Vec<CompileError>,
}

impl Compiler<'_> {
    fn workload(&mut self, workload: &Workload) {
        let request = Request { namespace: &workload.namespace, pod: &workload.pod };
        let outcome = match plan(request, &self.options.defaults) {
            Ok(outcome) => outcome,
            Err(refusal) => {
                for problem in refusal.problems {
                    self.error(&workload.origin, problem, "the webhook refuses this pod: mend the annotation");
                }
                return;
            }
        };
        self.notes.extend(outcome.warnings.iter().map(|warning| format!("{}: {warning}", workload.origin)));
        let Decision::Inject(plan) = outcome.decision else { return };
        let Some(role) = self.role(workload, &plan) else { return };
        let mut grants = Grants::default();
        for template in &plan.config.templates {
            self.template(workload, template, &mut grants);
        }
        if let Some(account) = self.accounts.get_mut(&role) {
            account.grants.extend(grants);
        }
    }

    /// Finds or makes the account of a pod's role, under the name that the server stores.
    fn role(&mut self, workload: &Workload, plan: &Plan) -> Option<String> {
        let origin = &workload.origin;
        let method = &plan.config.auto_auth.as_ref()?.method;
        if method.kind != "kubernetes" {
            self.notes.push(format!(
                "{origin}: {} auth has no roles of service accounts; nothing is compiled for this pod",
                method.kind
            ));
            return None;
        }
        let server_namespace = plan.config.vault.as_ref().and_then(|server| server.namespace.as_ref());
        if let Some(namespace) = server_namespace.or(method.namespace.as_ref()) {
            let message =
                format!("the pod uses the server's namespace {namespace:?}, for which nothing can be compiled");
            self.error(
                origin,
                message,
                "write the policy of this pod by hand in that namespace, or leave the annotation out",
            );
            return None;
        }
        let name = method.config.get("role").and_then(Value::as_str).unwrap_or_default();
        if !is_role_name(name) {
            let message = format!("{name:?} cannot name a role");
            self.error(
                origin,
                message,
                "a role's name is made of ASCII letters, digits, _ and, not at its ends, - and .",
            );
            return None;
        }
        if !(is_object_name(&workload.namespace) && is_object_name(&workload.service_account)) {
            // A `*` here would let every account of the cluster log in.
            let message =
                format!("{:?} in namespace {:?} is no service account", workload.service_account, workload.namespace);
            self.error(origin, message, "names are made of a-z, 0-9, and, not at their ends, - and .");
            return None;
        }
        let auth_path = method.mount_path.clone().unwrap_or_else(|| "auth/kubernetes".to_owned());
        let auth_path = auth_path.trim_matches('/').to_owned();
        let name = name.to_lowercase();
        let account = self.accounts.entry(name.clone()).or_insert_with(|| Account {
            namespace: workload.namespace.clone(),
            service_account: workload.service_account.clone(),
            auth_path: auth_path.clone(),
            origin: origin.clone(),
            grants: Grants::default(),
        });
        let same = (&account.namespace, &account.service_account) == (&workload.namespace, &workload.service_account);
        if !same {
            let message = format!(
                "role {name} is asked for by service account {}/{}, and by {}/{} ({})",
                workload.namespace,
                workload.service_account,
                account.namespace,
                account.service_account,
                account.origin
            );
            self.error(origin, message, "a role belongs to one service account: give each its own role annotation");
            return None;
        }
        if account.auth_path != auth_path {
            let message =
                format!("role {name} is asked for at {auth_path}, and at {} ({})", account.auth_path, account.origin);
            self.error(origin, message, "a role's name is used at one auth mount: rename one of the two");
            return None;
        }
        Some(name)
    }

    fn template(
        &mut self,
        workload: &Workload,
        template: &blinkchamber_contract::config::Template,
        grants: &mut Grants,
    ) {
        let origin = &workload.origin;
        let Some(contents) = &template.contents else {
            let source = template.source.as_deref().unwrap_or_default();
            let message = format!(
                "the template of {} is the file {source} of the pod, which no manifest shows",
                template.destination
            );
            self.error(origin, message, "put the template into an agent-inject-template- annotation");
            return;
        };
        let place = place(workload, template, contents);
        let delimiters = TemplateOptions {
            left_delimiter: template.left_delimiter.clone().unwrap_or_default(),
            right_delimiter: template.right_delimiter.clone().unwrap_or_default(),
            ..TemplateOptions::default()
        };
        let compiled = match Template::compile(contents, &delimiters) {
            Ok(compiled) => compiled,
            Err(error) => {
                let message = format!("{place}, line {}, column {}: {}", error.line, error.column, error.message);
                self.error(origin, message, "the agent cannot render this template either");
                return;
            }
        };
        let dependencies = compiled.dependencies();
        for call in dependencies.dynamic {
            if call.kind == blinkchamber_templates::AccessKind::File {
                continue;
            }
            let message = format!(
                "{place}, line {}, column {}: the path in {} is known only when the template runs",
                call.line, call.column, call.excerpt
            );
            self.error(origin, message, "write the path as a string, one call for each path");
        }
        for access in dependencies.known {
            let comment = format!("{}, {place}, line {}", origin.comment(), access.line);
            if let Err(problem) = grants.add(&self.mounts, access.kind, &access.path, &comment) {
                let message = format!("{place}, line {}, column {}: {}", access.line, access.column, problem.message);
                self.error(origin, message, problem.help);
            }
        }
    }

    fn error(&mut self, origin: &Origin, message: String, help: &str) {
        self.errors.push(CompileError { origin: origin.clone(), message, help: help.to_owned() });
    }

    fn finish(mut self) -> Result<Compiled, CompileErrors> {
        let mut compiled = Compiled::default();
        let mut owners: BTreeMap<String, String> = BTreeMap::new();
        for (name, account) in std::mem::take(&mut self.accounts) {
            let policy = policy_name(&name);
            if let Some(other) = owners.insert(policy.clone(), name.clone()) {
                let message = format!("roles {other} and {name} would share the policy {policy}");
                self.error(&account.origin, message, "rename one of the two roles");
                continue;
            }
            let header = format!("For service account {}/{}.", account.namespace, account.service_account);
            match emit::policy(&header, &account.grants) {
                Ok(text) => compiled.policies.insert(policy.clone(), text),
                Err(error) => {
                    self.error(&account.origin, error.to_string(), "a path is made of visible characters");
                    continue;
                }
            };
            compiled.roles.insert(name, self.emit_role(&account, policy));
        }
        if !self.errors.is_empty() {
            self.errors.sort();
            self.errors.dedup();
            return Err(CompileErrors(self.errors));
        }
        self.notes.sort();
        self.notes.dedup();
        compiled.notes = self.notes;
        Ok(compiled)
    }

    fn emit_role(&self, account: &Account, policy: String) -> Role {
        Role {
            auth_path: account.auth_path.clone(),
            bound_service_account_names: BTreeSet::from([account.service_account.clone()]),
            bound_service_account_namespaces: BTreeSet::from([account.namespace.clone()]),
            audience: self.options.audience.clone(),
            token_policies: BTreeSet::from([policy]),
            token_ttl: self.options.token_ttl,
            token_max_ttl: self.options.token_max_ttl,
        }
    }
}

/// `app-role` -> `app-policy`, `app` -> `app-policy`.
fn policy_name(role: &str) -> String {
    format!("{}-policy", role.strip_suffix("-role").unwrap_or(role))
}

/// A DNS-1123 subdomain, as the API server wants names of namespaces and service accounts to be.
fn is_object_name(name: &str) -> bool {
    let word = |read: char| read.is_ascii_lowercase() || read.is_ascii_digit();
    name.len() <= 253
        && name.starts_with(word)
        && name.ends_with(word)
        && name.chars().all(|read| word(read) || matches!(read, '.' | '-'))
}

/// The server's pattern for names in a path: `\w([\w.-]*\w)?`.
fn is_role_name(name: &str) -> bool {
    let word = |read: char| read == '_' || read.is_ascii_alphanumeric();
    name.starts_with(word) && name.ends_with(word) && name.chars().all(|read| word(read) || matches!(read, '.' | '-'))
}

/// The annotation that a template came from; its file, when it came from a default.
fn place(workload: &Workload, template: &blinkchamber_contract::config::Template, contents: &str) -> String {
    let annotations =
        workload.pod.get("metadata").and_then(|metadata| metadata.get("annotations")).and_then(Value::as_object);
    let written = annotations.into_iter().flatten().find(|(key, value)| {
        key.contains("agent-inject-template-") && value.as_str().is_some_and(|text| text == contents)
    });
    written.map_or_else(|| format!("template of {}", template.destination), |(key, _)| format!("annotation {key}"))
}
