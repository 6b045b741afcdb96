use super::*;

fn said(group: &str) -> Result<(), String> {
    let body = blinkchamber_hcl::parse(&format!("control_group = {{ {group} }}")).unwrap();
    check(&body.items[0].value).map_err(|(_, lines)| format!("* {}", lines.join(" ")))
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
    assert_eq!(
        refused("factor { } factor \"x\" { bogus = 1 } ttl = \"zz\""),
        "* error handling control_group factor: 2 errors occurred:\n\t* path control_group factor: require name key\n\t\
         * path control_group factor: invalid key \"bogus\" on line 1\n\n",
        "factors are read first, all of them"
    );
    assert_eq!(
        refused("self_auth_allowed = [] factor \"x\" {}"),
        "* path control_group: At 1:39: root.self_auth_allowed: unknown type *ast.ListType"
    );
    let denies = format!("factor \"x\" {{ controlled_capabilities = [\"deny\"] {identity} }}");
    assert_eq!(refused(&denies), "* path control_group Operation(s) not valid: deny");
}
