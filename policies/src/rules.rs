//! The rules of the linter: one row each, with a code that never changes.

use blinkchamber_hcl::Position;
use serde::Serialize;

#[cfg(test)]
mod tests;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The server refuses the policy, or the rule cannot do what it says.
    Error,
    /// The server takes it; it rarely means what was wanted.
    Warning,
}

/// A rule: what is looked for.
#[derive(Debug, Eq, PartialEq)]
pub struct Rule {
    /// Stable code, such as `VP003`.
    pub code: &'static str,
    /// Stable name, such as `invalid-capability`.
    pub name: &'static str,
    /// How bad a finding is.
    pub severity: Severity,
    /// One sentence.
    pub summary: &'static str,
}

macro_rules! rules {
    ($($constant:ident $code:literal $name:literal $severity:ident $summary:literal;)*) => {
        $(#[doc = $summary] pub const $constant: &Rule =
            &Rule { code: $code, name: $name, severity: Severity::$severity, summary: $summary };)*
        /// Every rule, by code.
        pub const ALL: &[&Rule] = &[$($constant),*];
    };
}

rules! {
    SYNTAX "VP001" "syntax-error" Error "The text is neither HCL 1 nor its JSON.";
    UNKNOWN_KEY "VP002" "unknown-key" Error "A key that policies do not have.";
    INVALID_CAPABILITY "VP003" "invalid-capability" Error "A word that is no capability.";
    WRONG_TYPE "VP004" "wrong-type" Error "A value of a type that the key does not take.";
    INVALID_OLD_POLICY "VP005" "invalid-old-policy" Error "`policy` is none of deny, read, write, sudo.";
    PLUS_STAR "VP006" "plus-star" Error "`+*` in a path is refused.";
    UNBALANCED_TEMPLATE "VP007" "unbalanced-template" Error "`{{` and `}}` of a path do not pair.";
    BAD_DURATION "VP008" "bad-duration" Error "A wrapping TTL that is no duration, or a maximum below the minimum.";
    NOT_IN_DIALECT "VP010" "key-not-in-dialect" Error "A key or capability that only the other server knows.";
    EXTRA_LABEL "VP012" "extra-label" Warning "Only the first label of a path block counts.";
    MISSING_LABEL "VP013" "missing-label" Error "A path block without a label is a rule for the path `path`.";
    BASE64_BODY "VP015" "base64-body" Warning "A text that is valid base64 is decoded before it is read.";
    EMPTY_POLICY "VP019" "empty-policy" Warning "A policy without a rule grants nothing; an empty text is refused.";
    BAD_LIMIT "VP020" "bad-limit" Error "An expiration or a pagination limit that the server cannot read.";
    BAD_CONTROL_GROUP "VP021" "bad-control-group" Error "A control group that the server refuses.";
    BAD_FILTER "VP022" "bad-list-filter" Error "A list filter that the server refuses.";
    STAR_NOT_AT_END "VP101" "star-not-at-end" Error "`*` is a wildcard at the end of a path only; elsewhere it matches a star.";
    LITERAL_PLUS "VP103" "literal-plus" Warning "`+` stands for a segment only when it is the whole segment.";
    SPACE_IN_PATH "VP105" "space-in-path" Error "Blanks around a path are part of it and match nothing.";
    EMPTY_SEGMENT "VP106" "empty-segment" Warning "`//` in a path matches no request.";
    VERSION_PREFIX "VP108" "v1-prefix" Error "The path starts with v1/, which is part of the URL, not of the path.";
    NO_CAPABILITIES "VP201" "no-capabilities" Warning "A rule without capabilities grants nothing and hides wider rules.";
    DENY_WITH_OTHERS "VP202" "deny-with-others" Warning "`deny` drops every other capability of its block.";
    SUDO_ON_WILDCARD "VP207" "sudo-on-wildcard" Error "`sudo` on a wildcard covers every root-protected path below it.";
    ROOT_WILDCARD "VP401" "root-wildcard" Error "The rule covers every path of the server.";
    KV2_MISSING_DATA "VP501" "kv2-missing-data" Error "A path of a KV v2 mount without data/, metadata/, or the like.";
    KV2_DOUBLE_DATA "VP511" "kv2-double-data" Warning "data/data/ under a KV v2 mount: the secret's own name begins with data/.";
}

/// A rule met at a place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// Where.
    pub position: Position,
    /// What is wrong, naming the thing.
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
    /// What OpenBao answers, when it refuses the policy for this.
    pub server: Option<String>,
}

impl Finding {
    pub(crate) fn new(rule: &'static Rule, position: Position, message: impl Into<String>) -> Self {
        Self { rule, position, message: message.into(), help: None, server: None }
    }

    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    pub(crate) fn refused(self, server: impl Into<String>) -> Self {
        Self { server: Some(server.into()), ..self }
    }
}
