use super::*;

fn said(group: &str) -> Result<(), String> {
    let body = blinkchamber_hcl::parse(&format!("control_group = {{ {group} }}")).unwrap();
    check(&body.items[0].value).map_err(|(_, text)| text.lines().nth(1).unwrap_or_default().trim().to_owned())
}

#[test]
fn complete_groups_pass() {
    let factor =
        "factor \"x\" { controlled_capabilities = [\"read\"] identity { group_names = [\"g\"] approvals = 1 } }";
    assert_eq!(said(factor), Ok(()));
    assert_eq!(said(&format!("ttl = \"4h\" {factor}")), Ok(()));
}

#[test]
fn what_is_missing_is_named() {
    let refused = |group: &str| said(group).unwrap_err();
    assert_eq!(refused(""), "* requires at least one factor but had none");
    assert_eq!(refused("ttl = \"zz\""), "* path control_group: invalid ttl: time: invalid duration \"zz\"");
    assert_eq!(refused("foo = 1"), "* invalid key \"foo\" on line 1");
    assert_eq!(refused("factor \"x\" {}"), "* factor 0: missing controlled capabilities");
    let capabilities = "controlled_capabilities = [\"read\"]";
    assert_eq!(refused(&format!("factor \"x\" {{ {capabilities} }}")), "* factor 0: missing approving groups");
    let identity = "identity { group_names = [\"g\"] approvals = 0 }";
    assert_eq!(
        refused(&format!("factor \"x\" {{ {capabilities} {identity} }}")),
        "* factor 0: missing required approvals"
    );
    let banana = "factor \"x\" { controlled_capabilities = [\"banana\"] }";
    assert_eq!(refused(banana), "* path control_group Operation(s) not valid: banana");
}
