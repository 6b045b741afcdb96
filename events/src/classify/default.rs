//! The table that holds when the configuration has none.

use crate::classify::{Fate, Glob, Row};

/// From the top: noise, which broader globs below would take; then what security wants to see at once; then changes.
const TABLE: [(Fate, &[&str]); 3] = [
    (
        Fate::Low,
        &[
            "*.code.added",
            "*.code.sent",
            "session.metadata.set",
            "session.lifetime.set",
            "session.webAuthN.challenged",
            "session.otp.*.challenged",
            "session.otp.*.sent",
            "session.notification.rejected",
            "user.human.avatar.*",
            "user.human.password.hash.updated",
            "*.policy.label.*",
            "*.customtext.*",
            "*.mail.*",
            "milestone.*",
        ],
    ),
    (
        Fate::High,
        &[
            "user.*.check.failed",
            "project.application.oidc.secret.check.failed",
            "project.application.api.secret.check.failed",
            "user.human.*.check.succeeded",
            "user.machine.secret.check.succeeded",
            "session.added",
            "session.terminated",
            "session.*.checked",
            "session.token.set",
            "oidc_session.*",
            "saml_session.*",
            "auth_request.*",
            "user.human.signed.out",
            "user.token.*",
            "user.locked",
            "user.unlocked",
            "user.impersonated",
            "user.human.password.changed",
            "user.human.mfa.*.added",
            "user.human.mfa.*.verified",
            "user.human.mfa.*.removed",
            "user.pat.*",
            "user.machine.key.*",
            "web_key.*",
        ],
    ),
    (
        Fate::Normal,
        &[
            "user.human.added",
            "user.human.selfregistered",
            "user.machine.added",
            "user.deactivated",
            "user.reactivated",
            "user.removed",
            "user.human.profile.changed",
            "user.human.email.*",
            "user.human.phone.*",
            "user.username.changed",
            "user.metadata.*",
            "user.grant.*",
            "org.*",
            "instance.*",
            "project.*",
            "action.*",
            "target.*",
            "execution.*",
        ],
    ),
];

/// The default table.
pub(crate) fn default_rows() -> Vec<Row> {
    let parse = |globs: &[&str]| globs.iter().filter_map(|glob| Glob::parse(glob).ok()).collect();
    TABLE.iter().map(|(to, globs)| Row { to: *to, types: parse(globs) }).collect()
}
