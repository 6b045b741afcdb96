use super::*;
use crate::lint::model::PolicyFile;

fn lists(policy: &str, path: &str) -> [bool; 3] {
    let file = PolicyFile::parse("p.hcl", policy, 0);
    let access = Access::new(&file.blocks);
    [Dialect::Openbao, Dialect::VaultLegacy, Dialect::VaultMerged]
        .map(|dialect| access.grants(path, Capability::List, dialect))
}

/// F06 to F08 and B06: OpenBao as recorded, Vault by its source.
#[test]
fn lists_differ_as_recorded() {
    let deny = "path \"kv/+\" { capabilities = [\"list\"] } path \"kv/private/*\" { capabilities = [\"deny\"] }";
    assert_eq!(lists(deny, "kv/private/"), [false, true, false]);
    assert_eq!(lists(deny, "kv/public/"), [true; 3]);
    let shadow = "path \"kv/*\" { capabilities = [\"list\"] } path \"kv/app/*\" { capabilities = [\"read\"] }";
    assert_eq!(lists(shadow, "kv/app/"), [false, true, true]);
    let plus = "path \"kv/+\" { capabilities = [\"read\"] } path \"kv/a/*\" { capabilities = [\"list\"] }";
    assert_eq!(lists(plus, "kv/a/"), [true, false, true]);
}

#[test]
fn exact_paths_first_and_deny_within_a_pattern() {
    let file = PolicyFile::parse(
        "p.hcl",
        "path \"s/*\" { capabilities = [\"deny\"] } path \"s/a\" { capabilities = [\"read\"] }
         path \"/s/a\" { capabilities = [\"update\"] } path \"s/b\" { capabilities = [\"read\"] }
         path \"s/b\" { capabilities = [\"deny\"] }",
        0,
    );
    let access = Access::new(&file.blocks);
    let grants = |path, capability| access.grants(path, capability, Dialect::Openbao);
    assert!(grants("s/a", Capability::Read) && grants("s/a", Capability::Update));
    assert!(!grants("s/b", Capability::Read) && !grants("s/c", Capability::Read) && !grants("t", Capability::Read));
}
