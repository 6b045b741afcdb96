//! Everything that is looked at together: policies, roles, connections and manifests.

use std::collections::BTreeSet;

use super::document::Document;
use super::model::PolicyFile;
use super::options::LintOptions;
use super::workloads::ManifestFile;

/// The files of a run, by what they are.
#[derive(Default)]
pub(super) struct Program {
    pub(super) policies: Vec<PolicyFile>,
    pub(super) roles: Vec<Document>,
    pub(super) database_roles: Vec<Document>,
    pub(super) pki_roles: Vec<Document>,
    pub(super) manifests: Vec<ManifestFile>,
    /// Connections of database engines, by the names of their files.
    pub(super) connections: BTreeSet<String>,
}

/// What a file holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Policy,
    Role,
    DatabaseRole,
    DatabaseConnection,
    PkiRole,
    Manifests,
    /// The index of a compiled set, and JSON that is none of the others.
    Other,
}

impl Program {
    pub(super) fn read(files: &[(String, String)], options: &LintOptions) -> Self {
        let mut program = Self { connections: options.database_connections.clone(), ..Self::default() };
        for (file, text) in files {
            match kind(file, text) {
                Kind::Policy => program.policies.push(PolicyFile::parse(file, text, options.now)),
                Kind::Role => program.roles.push(Document::parse(file, text)),
                Kind::DatabaseRole => program.database_roles.push(Document::parse(file, text)),
                Kind::PkiRole => program.pki_roles.push(Document::parse(file, text)),
                Kind::Manifests => program.manifests.push(ManifestFile::parse(file, text)),
                Kind::DatabaseConnection => {
                    program.connections.insert(Document::parse(file, text).name);
                }
                Kind::Other => {}
            }
        }
        program
    }

    /// The policy of a name, given in lower case.
    pub(super) fn policy(&self, name: &str) -> Option<&PolicyFile> {
        self.policies.iter().find(|policy| policy.name.to_lowercase() == name)
    }

    /// The role of a name, given in lower case.
    pub(super) fn role(&self, name: &str) -> Option<&Document> {
        self.roles.iter().find(|role| role.name.to_lowercase() == name)
    }
}

/// What a file holds, by its name and its keys.
pub(super) fn kind(file: &str, text: &str) -> Kind {
    match file.rsplit_once('.').map(|(_, extension)| extension) {
        Some("yaml" | "yml") => Kind::Manifests,
        Some("json") => of_json(file, text),
        _ => Kind::Policy,
    }
}

fn of_json(file: &str, text: &str) -> Kind {
    let folder = |name: &str| file.split('/').rev().nth(1) == Some(name);
    let Ok(value) = serde_json::from_str::<serde_json::Value>(text) else {
        // The server reads some of what is no JSON as a policy.
        return if folder("roles") { Kind::Role } else { Kind::Policy };
    };
    let has = |keys: &[&str]| keys.iter().any(|key| value.get(key).is_some());
    if has(&["path"]) || folder("policies") {
        Kind::Policy
    } else if has(&["apiVersion", "items"]) {
        Kind::Manifests
    } else if has(&["creation_statements", "db_name"]) {
        Kind::DatabaseRole
    } else if has(&["plugin_name", "connection_url"]) {
        Kind::DatabaseConnection
    } else if has(&["allowed_domains", "allow_any_name", "allow_subdomains", "allow_bare_domains", "key_type"]) {
        Kind::PkiRole
    } else if has(&["bound_service_account_names", "bound_service_account_namespaces", "token_policies"])
        || folder("roles")
    {
        Kind::Role
    } else {
        Kind::Other
    }
}
