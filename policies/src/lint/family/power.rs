//! VP4: rules that give away more than they seem to.

use std::sync::LazyLock;

use super::capabilities::WRITES;
use crate::lint::model::Block;
use crate::lint::pattern::Pattern;
use crate::lint::view::{BlockRule, Out, View};
use crate::policy::Capability::{self, Create, Delete, List, Patch, Read, Sudo, Update};
use crate::rules::{self, Finding, Rule, Severity};

/// A rule that needs no more than paths, the capabilities that matter there, and a sentence.
struct Power {
    rule: &'static Rule,
    /// `*` and `+` as in policies.
    paths: &'static [&'static str],
    capabilities: &'static [Capability],
    /// What the holder can do.
    can: &'static str,
}

const CHANGES: &[Capability] = &[Create, Update, Patch, Delete];
const ANYTHING: &[Capability] = &[Create, Read, Update, Patch, Delete, List];

const POWERS: [Power; 10] = [
    Power {
        rule: rules::POLICY_WRITE,
        paths: &["sys/policies/acl/*", "sys/policy/*"],
        capabilities: &WRITES,
        can: "can write himself any policy",
    },
    Power {
        rule: rules::AUTH_ROLE_WRITE,
        paths: &[
            "auth/+/role/+",
            "auth/+/role/+/policies",
            "auth/+/role/+/token-policies",
            "auth/token/roles/+",
            "auth/+/users/+",
            "auth/+/users/+/password",
            "auth/+/users/+/policies",
            "auth/+/groups/+",
            "auth/+/certs/+",
            "auth/+/map/+/+",
        ],
        capabilities: &WRITES,
        can: "can bind any policy to an identity of his",
    },
    Power {
        rule: rules::IDENTITY_WRITE,
        paths: &[
            "identity/entity",
            "identity/entity/*",
            "identity/entity-alias",
            "identity/entity-alias/*",
            "identity/group",
            "identity/group/*",
            "identity/group-alias",
            "identity/group-alias/*",
            "identity/alias",
            "identity/alias/*",
        ],
        capabilities: &WRITES,
        can: "can attach any policy to an entity or a group",
    },
    Power {
        rule: rules::MOUNT_ADMIN,
        paths: &["sys/mounts/*", "sys/auth/*", "sys/remount"],
        capabilities: CHANGES,
        can: "can add, move and remove engines and auth methods, with all that is in them",
    },
    Power {
        rule: rules::AUDIT_ADMIN,
        paths: &["sys/audit/*"],
        capabilities: CHANGES,
        can: "can switch auditing off, and make the server write files",
    },
    Power {
        rule: rules::RAW_STORAGE,
        paths: &["sys/raw", "sys/raw/*", "sys/storage/raft/snapshot*"],
        capabilities: ANYTHING,
        can: "gets at the storage below every policy",
    },
    Power {
        rule: rules::CLUSTER_OPS,
        paths: &[
            "sys/seal",
            "sys/step-down",
            "sys/rekey/*",
            "sys/rekey-recovery-key/*",
            "sys/rotate",
            "sys/rotate/*",
            "sys/generate-root/*",
            "sys/generate-root-token/*",
        ],
        capabilities: CHANGES,
        can: "can stop the server or change its keys",
    },
    Power {
        rule: rules::PLUGIN_CATALOG,
        paths: &["sys/plugins/catalog/*", "sys/plugins/reload/*", "sys/plugins/runtimes/*"],
        capabilities: CHANGES,
        can: "can have the server run a program",
    },
    Power {
        rule: rules::MASS_REVOKE,
        paths: &[
            "sys/leases/revoke-prefix/*",
            "sys/leases/revoke-force/*",
            "sys/revoke-prefix/*",
            "sys/revoke-force/*",
        ],
        capabilities: &WRITES,
        can: "can revoke the credentials of everybody below a path",
    },
    Power {
        rule: rules::TOKEN_ADMIN,
        paths: &[
            "auth/token/accessors",
            "auth/token/accessors/",
            "auth/token/lookup",
            "auth/token/lookup-accessor",
            "auth/token/renew-accessor",
            "auth/token/revoke",
            "auth/token/revoke-accessor",
            "auth/token/revoke-orphan",
        ],
        capabilities: ANYTHING,
        can: "gets at the tokens of others",
    },
];

/// The paths of each, read once.
static PATHS: LazyLock<Vec<Vec<Pattern>>> =
    LazyLock::new(|| POWERS.iter().map(|power| power.paths.iter().map(|path| Pattern::new(path)).collect()).collect());

const RULES: [BlockRule; 9] = [
    root_wildcard,
    token_create,
    whole_mount_read,
    engine_config_access,
    engine_role_write,
    pki_ca_ops,
    transit_key_material,
    wildcard_role_in_creds,
    approle_secret_id,
];

pub(in crate::lint) fn check(view: &View<'_>, out: &mut Out) {
    view.each(&RULES, out);
    for (power, paths) in POWERS.iter().zip(PATHS.iter()) {
        for block in view.file.rules().filter(|block| !is_root(block) && block.grants_any(power.capabilities)) {
            if paths.iter().any(|path| path.meets(&block.pattern)) {
                let message = format!("who has {:?} {}", block.path, power.can);
                out.push(view.file.about(power.rule, block, message));
            }
        }
    }
    for block in view.file.rules() {
        outside_owner_prefix(view, block, out);
    }
}

/// A rule for the whole server is said once, not once for each thing in it.
fn is_root(block: &Block) -> bool {
    matches!(block.pattern.text.as_str(), "*" | "+/*")
}

fn root_wildcard(view: &View<'_>, block: &Block, out: &mut Out) {
    if is_root(block) && !block.denies() && !block.granted.is_empty() {
        let message = format!("{:?} covers the whole server", block.path);
        out.push(view.file.about(rules::ROOT_WILDCARD, block, message).help("name the paths that are needed"));
    }
}

fn token_create(view: &View<'_>, block: &Block, out: &mut Out) {
    let create = ["auth/token/create", "auth/token/create-orphan"].map(Pattern::new);
    if is_root(block) || !block.grants_any(&[Create, Update]) || !create.iter().any(|path| path.meets(&block.pattern)) {
        return;
    }
    let sudo = block.grants(Sudo);
    let can = if sudo { "any policy but root, and without end" } else { "the holder's policies, and other lives" };
    let message = format!("{:?} makes tokens with {can}", block.path);
    let finding = view.file.about(rules::TOKEN_CREATE, block, message);
    let severity = if sudo { Severity::Error } else { finding.severity };
    let help = "write auth/token/create/ROLE, and limit the tokens in that role";
    out.push(Finding { severity, ..finding }.help(help));
}

fn whole_mount_read(view: &View<'_>, block: &Block, out: &mut Out) {
    let segments = block.pattern.literal_segments();
    let (mount, whole) = match segments.as_slice() {
        [mount] => (*mount, block.pattern.text == format!("{mount}/*")),
        [mount, "data"] => (*mount, block.pattern.text == format!("{mount}/data/*")),
        _ => return,
    };
    let harmless = ["sys", "auth", "identity", "cubbyhole", "pki", "ssh", "transit", "totp"];
    let kind = view.place(block).map(|place| place.kind).unwrap_or_default();
    if whole && block.grants(Read) && !harmless.contains(&mount) && !harmless.contains(&kind.as_str()) {
        let message = format!("{:?} reads every secret of {mount}", block.path);
        out.push(view.file.about(rules::WHOLE_MOUNT_READ, block, message).help("name the folders that are needed"));
    }
}

/// Engines that hold a credential of their own.
const WITH_CREDENTIALS: [&str; 12] = [
    "alicloud",
    "aws",
    "azure",
    "consul",
    "database",
    "gcp",
    "kubernetes",
    "ldap",
    "mongodbatlas",
    "nomad",
    "rabbitmq",
    "terraform",
];

fn meets_below(view: &View<'_>, block: &Block, kinds: &[&str], paths: &[&str]) -> bool {
    let Some(rest) = view.below(block, kinds).filter(|_| !block.is_templated()) else { return false };
    let pattern = Pattern::new(rest);
    paths.iter().any(|path| Pattern::new(path).meets(&pattern))
}

fn engine_config_access(view: &View<'_>, block: &Block, out: &mut Out) {
    if block.grants_any(ANYTHING)
        && !block.denies()
        && meets_below(view, block, &WITH_CREDENTIALS, &["config", "config/*"])
    {
        let only_list = block.granted.iter().all(|capability| *capability == List);
        if !only_list {
            let message = format!("{:?} reaches the engine's own credentials", block.path);
            out.push(view.file.about(rules::ENGINE_CONFIG_ACCESS, block, message));
        }
    }
}

fn engine_role_write(view: &View<'_>, block: &Block, out: &mut Out) {
    let kinds: Vec<_> = WITH_CREDENTIALS.into_iter().chain(["pki", "ssh"]).collect();
    let roles = ["roles/*", "role/*", "static-roles/*", "roleset/*", "static-role/*"];
    if block.grants_any(&WRITES) && meets_below(view, block, &kinds, &roles) {
        let message = format!("who has {:?} decides what the engine's credentials may do", block.path);
        out.push(view.file.about(rules::ENGINE_ROLE_WRITE, block, message));
    }
}

fn pki_ca_ops(view: &View<'_>, block: &Block, out: &mut Out) {
    let paths = [
        "root",
        "root/*",
        "intermediate/*",
        "sign-verbatim",
        "sign-verbatim/*",
        "sign-intermediate",
        "sign-self-issued",
        "issuers/*",
        "issuer/+",
        "issuer/+/sign-intermediate",
        "issuer/+/sign-verbatim",
        "issuer/+/sign-verbatim/+",
        "issuer/+/sign-self-issued",
        "keys/*",
        "key/+",
        "config/ca",
        "config/issuers",
        "config/keys",
    ];
    if block.grants_any(CHANGES) && meets_below(view, block, &["pki"], &paths) {
        let message = format!("who has {:?} can sign what no role allows, or change the authority", block.path);
        out.push(view.file.about(rules::PKI_CA_OPS, block, message));
    }
}

fn transit_key_material(view: &View<'_>, block: &Block, out: &mut Out) {
    let table: [(&[&str], &[Capability]); 4] = [
        (&["export/*", "byok-export/*", "backup/*"], &[Read]),
        (&["restore", "restore/*"], &WRITES),
        (&["keys/+/config"], &WRITES),
        (&["keys/+"], &[Delete]),
    ];
    let met = table
        .iter()
        .any(|(paths, capabilities)| block.grants_any(capabilities) && meets_below(view, block, &["transit"], paths));
    if met {
        let message = format!("{:?} gets keys out, in or away", block.path);
        out.push(view.file.about(rules::TRANSIT_KEY_MATERIAL, block, message));
    }
}

fn wildcard_role_in_creds(view: &View<'_>, block: &Block, out: &mut Out) {
    let Some(start) = block.pattern.text.strip_suffix('*').or_else(|| block.pattern.text.strip_suffix('+')) else {
        return;
    };
    let Some(start) = start.strip_suffix('/') else { return };
    let Some((mount, place)) = start.rsplit_once('/').filter(|(mount, _)| !mount.contains(['+', '*'])) else { return };
    let kind = view.place(block).map(|place| place.kind).unwrap_or_default();
    let reads = matches!(place, "creds" | "static-creds" | "sts") && !mount.contains('/') && kind != "kv2";
    let issues = matches!(place, "issue" | "sign") && kind == "pki";
    if (reads && block.grants(Read)) || (issues && block.grants_any(&[Create, Update])) {
        let message = format!("{:?} is every role of {mount}, those to come included", block.path);
        out.push(view.file.about(rules::WILDCARD_ROLE_IN_CREDS, block, message).help("name the roles that are needed"));
    }
}

fn approle_secret_id(view: &View<'_>, block: &Block, out: &mut Out) {
    let path = Pattern::new("auth/+/role/+/secret-id");
    if !is_root(block)
        && block.grants_any(&[Create, Update])
        && path.contains(&block.pattern)
        && block.item("min_wrapping_ttl").is_none()
    {
        let message = format!("a secret id of {:?} may be asked for in the clear", block.path);
        let help = "add min_wrapping_ttl and max_wrapping_ttl: then it comes wrapped only";
        out.push(view.file.about(rules::APPROLE_SECRET_ID, block, message).help(help));
    }
}

fn outside_owner_prefix(view: &View<'_>, block: &Block, out: &mut Out) {
    let prefixes = view.options.prefixes(&view.file.file);
    let body = block.pattern.body();
    if prefixes.is_empty() || block.denies() || prefixes.iter().any(|prefix| body.starts_with(prefix.as_str())) {
        return;
    }
    let message = format!("{:?} lies outside of what this file's owner has", block.path);
    let help = format!("its rules begin with {}", prefixes.join(" or "));
    out.push(view.file.about(rules::OUTSIDE_OWNER_PREFIX, block, message).help(help));
}
