//! Rules that were thought of and are not here, and why: the numbers stay free.

/// A rule that is not here.
#[derive(Debug, Eq, PartialEq)]
pub struct LeftOut {
    /// Its code.
    pub code: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Why it is not here, and what does it instead.
    pub reason: &'static str,
}

/// Rules that files alone cannot decide, or that something else decides better.
pub const LEFT_OUT: &[LeftOut] = &[
    LeftOut {
        code: "VP801",
        name: "not-formatted",
        reason: "a form is right or not as a whole: `fmt --check` says it for a file and writes the right one",
    },
    LeftOut { code: "VL101", name: "drift", reason: "needs a live server: `apply --dry-run` shows the difference" },
    LeftOut {
        code: "VL102",
        name: "orphan-policy",
        reason: "needs a live server: entities, groups and token roles that files do not show may use a policy",
    },
    LeftOut {
        code: "VL103",
        name: "dangling-reference",
        reason: "needs a live server; for roles in files VK115 says it",
    },
    LeftOut { code: "VL104", name: "unmanaged", reason: "needs a live server: only it knows what nobody declared" },
    LeftOut {
        code: "VL105",
        name: "unused-grant",
        reason: "needs the audit log of a live server; for pods in files VM105 says it",
    },
    LeftOut {
        code: "VL106",
        name: "denied-in-practice",
        reason: "needs the audit log of a live server; for pods in files VM104 says it",
    },
    LeftOut {
        code: "VM109",
        name: "automount-disabled",
        reason: "no fault here: the webhook mounts a token of its own, whatever the pod does with the account's",
    },
];
