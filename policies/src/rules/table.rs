//! The table: a code and a name that never change, how bad a finding is, what can be mended, and one sentence.

use super::{Fixable, Rule, Severity};

macro_rules! rules {
    ($($constant:ident $code:literal $name:literal $severity:ident $fixable:ident $asked:literal $summary:literal;)*) => {
        $(#[doc = $summary] pub const $constant: &Rule = &Rule {
            code: $code,
            name: $name,
            severity: Severity::$severity,
            fixable: Fixable::$fixable,
            pedantic: $asked,
            summary: $summary,
            text: include_str!(concat!("../../tests/rules/", $code, ".txt")),
        };)*
        /// Every rule, by code.
        pub const ALL: &[&Rule] = &[$($constant),*];
    };
}

// Constant, code, name, severity, what can be mended, pedantic, summary.
rules! {
    DB_SUPERUSER "VD101" "db-superuser" Error No false "Database credentials that may do everything.";
    DB_NO_EXPIRY "VD102" "db-no-expiry" Warning No false "Database credentials without an end of their own.";
    DB_TTL "VD103" "db-ttl" Warning No false "Database credentials that live long, or a default above the maximum.";
    DB_UNKNOWN_CONNECTION "VD104" "db-unknown-connection" Warning No false "A database role with a connection that is not there.";
    PKI_ANY_NAME "VD201" "pki-any-name" Error No false "Certificates for names that nobody listed.";
    PKI_DEFAULTS "VD202" "pki-defaults" Info No false "A certificate role that leaves to the server what it is for.";
    PKI_LONG_TTL "VD203" "pki-long-ttl" Warning No false "Certificates that live long.";
    WILDCARD_SERVICE_ACCOUNT "VK101" "wildcard-service-account" Error No false "A role for every service account of a namespace.";
    WILDCARD_NAMESPACE "VK102" "wildcard-namespace" Error No false "A role for an account's name in every namespace.";
    ANY_IDENTITY "VK103" "any-identity" Error No false "A role for every pod of the cluster.";
    GLOB_BINDING "VK104" "glob-binding" Warning No false "A binding with a star in it.";
    DEFAULT_SERVICE_ACCOUNT "VK105" "default-service-account" Warning No false "A role for the account `default`.";
    MISSING_AUDIENCE "VK106" "missing-audience" Warning No false "A role that takes tokens for every audience.";
    AUDIENCE_NOT_PROJECTED "VK107" "audience-not-projected" Error No false "The pod's token is for another audience than the role wants.";
    CARTESIAN_BINDING "VK108" "cartesian-binding" Warning No false "Several accounts in several namespaces.";
    NO_TOKEN_TTL "VK109" "no-token-ttl" Warning No false "Tokens that live as long as the mount allows.";
    LONG_TTL "VK110" "long-ttl" Warning No false "Tokens that live long.";
    PERIODIC_TOKEN "VK111" "periodic-token" Warning No false "Tokens that can be renewed for ever.";
    TTL_ABOVE_MAX "VK112" "ttl-above-max" Error No false "`token_ttl` is longer than `token_max_ttl`.";
    MAX_TTL_ABOVE_MOUNT "VK113" "max-ttl-above-mount" Warning No false "`token_max_ttl` is more than the mount allows.";
    ROOT_POLICY "VK114" "root-policy" Error No false "A role with the policy root.";
    UNKNOWN_POLICY "VK115" "unknown-policy" Error No false "A role with a policy that is not there.";
    NO_POLICIES "VK116" "no-policies" Warning No false "A role without policies.";
    DEFAULT_POLICY "VK117" "default-policy" Info No true "Tokens that also get the default policy.";
    BATCH_TOKEN_DYNAMIC "VK118" "batch-token-dynamic" Error No false "Batch tokens where they cannot work.";
    ALIAS_BY_NAME "VK119" "alias-by-name" Warning No false "Identities by the name of the account.";
    LEGACY_FIELDS "VK120" "legacy-fields" Warning Safe false "Old names of fields.";
    UNKNOWN_FIELD "VK121" "unknown-field" Error Unsafe false "A field that the server does not know.";
    STAR_MIXED "VK122" "star-mixed" Error No false "`*` beside names.";
    ROLE_NAME "VK123" "role-name" Error No false "A name that no role can have, or that the server changes.";
    POLICY_NAME_NOT_NORMALISED "VK124" "policy-name-not-normalised" Warning Safe false "A policy's name with capitals or blanks in a role.";
    NUM_USES_WITH_AGENT "VK125" "num-uses-with-agent" Error No false "Tokens for a number of requests.";
    BAD_CIDR "VK126" "bad-cidr" Error No false "An address that is none, or two settings that exclude each other.";
    EMPTY_SELECTOR "VK127" "empty-selector" Error No false "A namespace selector that selects everything.";
    SHARED_ROLE "VK128" "shared-role" Warning No false "One role for several accounts.";
    DANGLING_SERVICE_ACCOUNT "VK129" "dangling-service-account" Warning No false "An account that no manifest makes or uses.";
    UNREADABLE_ROLE "VK130" "unreadable-role" Error No false "A role's file that is no JSON.";
    INJECT_WITHOUT_ROLE "VM101" "inject-without-role" Error No false "An injected pod that names no role.";
    ROLE_UNDEFINED "VM102" "role-undefined" Error No false "A pod with a role that is not there.";
    SERVICE_ACCOUNT_NOT_BOUND "VM103" "service-account-not-bound" Error No false "A pod whose account its role does not let in.";
    PATH_NOT_GRANTED "VM104" "path-not-granted" Error No false "A template reads what the role does not grant.";
    GRANT_NOT_USED "VM105" "grant-not-used" Warning No false "A policy grants what no template needs.";
    ANNOTATION_ON_WRONG_OBJECT "VM106" "annotation-on-wrong-object" Error No false "The injector's annotations on the object instead of on its pods.";
    DYNAMIC_TEMPLATE_PATH "VM107" "dynamic-template-path" Info No false "A template that makes a path when it runs.";
    TLS_SKIP_VERIFY "VM108" "tls-skip-verify" Warning No false "An agent that takes any server for the right one.";
    UNREADABLE_MANIFEST "VM110" "unreadable-manifest" Error No false "A document that is no manifest.";
    REFUSED_ANNOTATION "VM111" "refused-annotation" Error No false "Annotations with which the webhook refuses the pod.";
    SYNTAX "VP001" "syntax-error" Error No false "The text is neither HCL 1 nor its JSON.";
    UNKNOWN_KEY "VP002" "unknown-key" Error Unsafe false "A key that policies do not have.";
    INVALID_CAPABILITY "VP003" "invalid-capability" Error Unsafe false "A word that is no capability.";
    WRONG_TYPE "VP004" "wrong-type" Error No false "A value of a type that the key does not take.";
    INVALID_OLD_POLICY "VP005" "invalid-old-policy" Error Unsafe false "`policy` is none of deny, read, write, sudo.";
    PLUS_STAR "VP006" "plus-star" Error Unsafe false "`+*` in a path is refused.";
    UNBALANCED_TEMPLATE "VP007" "unbalanced-template" Error No false "`{{` and `}}` of a path do not pair.";
    BAD_DURATION "VP008" "bad-duration" Error No false "A wrapping TTL that is no duration, or a maximum below the minimum.";
    DUPLICATE_ATTRIBUTE "VP009" "duplicate-attribute" Error Safe false "The same attribute twice in a block.";
    NOT_IN_DIALECT "VP010" "key-not-in-dialect" Error No false "A key that only the other server knows.";
    CAPABILITY_NOT_IN_DIALECT "VP011" "capability-not-in-dialect" Error No false "A capability that only the other server knows.";
    EXTRA_LABEL "VP012" "extra-label" Warning Safe false "Only the first label of a path block counts.";
    MISSING_LABEL "VP013" "missing-label" Error No false "A path block without a label is a rule for the path `path`.";
    LENIENT_JSON "VP014" "lenient-json" Warning No false "JSON that is none, which the server reads all the same.";
    BASE64_BODY "VP015" "base64-body" Warning No false "A text that is valid base64 is decoded before it is read.";
    NOT_A_POLICY "VP016" "not-a-policy" Error No false "A file of another kind: Terraform, Sentinel, a server's or an agent's configuration.";
    CONTROL_CHARACTER "VP017" "bom-or-control-char" Error Safe false "A byte order mark, or a character in a path that cannot be seen.";
    UNRENDERED_PLACEHOLDER "VP018" "unrendered-placeholder" Error No false "A placeholder of a template engine that nobody filled.";
    EMPTY_POLICY "VP019" "empty-policy" Warning No false "A policy without a rule grants nothing; an empty text is refused.";
    BAD_LIMIT "VP020" "bad-limit" Error No false "An expiration or a pagination limit that the server cannot read.";
    BAD_CONTROL_GROUP "VP021" "bad-control-group" Error No false "A control group that the server refuses.";
    BAD_FILTER "VP022" "bad-list-filter" Error No false "A list filter that the server refuses.";
    STAR_NOT_AT_END "VP101" "star-not-at-end" Error Unsafe false "`*` is a wildcard at the end of a path only; elsewhere it matches a star.";
    GLOB_WITHOUT_SLASH "VP102" "glob-without-slash" Warning Unsafe false "A star behind a word also matches longer words.";
    LITERAL_PLUS "VP103" "literal-plus" Warning No false "`+` stands for a segment only when it is the whole segment.";
    LEADING_SLASH "VP104" "leading-slash" Style Safe false "The server drops one slash at the start of a path.";
    SPACE_IN_PATH "VP105" "space-in-path" Error Unsafe false "Blanks around a path are part of it and match nothing.";
    EMPTY_SEGMENT "VP106" "empty-segment" Warning Unsafe false "`//` in a path matches no request.";
    REGEX_IN_PATH "VP107" "regex-in-path" Error No false "A regular expression or a shell pattern in a path.";
    VERSION_PREFIX "VP108" "v1-prefix" Error Unsafe false "The path starts with v1/, which is part of the URL, not of the path.";
    TRAILING_SLASH_ON_ITEM "VP109" "trailing-slash-on-item" Warning No false "A rule whose path ends in a slash grants more than `list`.";
    UNKNOWN_MOUNT "VP110" "unknown-mount" Warning No false "A path in no mount that the configuration names.";
    UNKNOWN_ENDPOINT "VP111" "unknown-endpoint" Warning No false "A path at which the server serves nothing.";
    REMOVED_ENDPOINT "VP112" "removed-endpoint" Warning Unsafe false "An endpoint of leases that OpenBao 2.5.4 took away.";
    LEGACY_POLICY_ENDPOINT "VP113" "legacy-policy-endpoint" Info Unsafe false "The old way to policies.";
    UNAUTHENTICATED_ENDPOINT "VP114" "unauthenticated-endpoint" Info Safe false "A rule for an endpoint that needs no token.";
    FOLDER_WITHOUT_GLOB "VP115" "folder-without-glob" Info No false "A rule for one path that other rules use as a folder.";
    NO_CAPABILITIES "VP201" "no-capabilities" Warning No false "A rule without capabilities grants nothing and hides wider rules.";
    DENY_WITH_OTHERS "VP202" "deny-with-others" Warning Safe false "`deny` drops every other capability of its block.";
    DUPLICATE_CAPABILITY "VP203" "duplicate-capability" Style Safe false "The same capability twice.";
    CAPABILITY_WITHOUT_EFFECT "VP204" "capability-without-effect" Warning Safe false "A capability that the endpoint makes no use of.";
    MISSING_SUDO "VP205" "missing-sudo" Error Unsafe false "A protected endpoint without `sudo`.";
    SUDO_NOT_NEEDED "VP206" "sudo-not-needed" Warning Safe false "`sudo` where nothing asks for it.";
    SUDO_ON_WILDCARD "VP207" "sudo-on-wildcard" Error No false "`sudo` on a wildcard covers every root-protected path below it.";
    CREATE_XOR_UPDATE "VP208" "create-xor-update" Warning Unsafe false "A secret may be made and not changed, or changed and not made.";
    DYNAMIC_CREDS_VERB "VP209" "dynamic-creds-verb" Error Unsafe false "Credentials that are read are granted for writing, or the other way round.";
    OLD_POLICY_FORM "VP210" "old-policy-form" Style Safe false "`policy = \"...\"` instead of capabilities.";
    KV2_METADATA_DELETE "VP211" "kv2-metadata-delete" Warning No false "`delete` on KV v2 metadata takes all versions away.";
    DEAD_RULE "VP301" "dead-rule" Error Safe false "A rule that never answers, because another one wins for all of its paths.";
    INEFFECTIVE_DENY "VP302" "ineffective-deny" Error No false "A deny that loses against a rule that grants.";
    NARROWER_RULE_DROPS_CAPABILITIES "VP303" "narrower-rule-drops-capabilities" Warning No false "A narrower rule takes away what a wider one granted.";
    REDUNDANT_RULE "VP304" "redundant-rule" Info Unsafe false "A rule that grants the same as the wider rule would.";
    DUPLICATE_PATH "VP305" "duplicate-path" Warning Safe false "The same path twice in a policy.";
    LIST_DIALECT_DEPENDENT "VP306" "list-dialect-dependent" Warning No false "Servers do not agree whether a folder may be listed.";
    DENY_CANCELS_GRANT "VP307" "deny-cancels-grant" Error No false "One policy of a role denies what another one grants at the same path.";
    SURPRISING_WINNER "VP308" "surprising-winner" Info No false "A pattern that looks more exact loses.";
    EXPIRED_PATH "VP309" "expired-path" Warning Safe false "A rule whose `expiration` is over.";
    CONSTRAINT_LEAK "VP310" "constraint-leak" Warning No false "Limits of one policy hold for what another policy of the role grants.";
    ROOT_WILDCARD "VP401" "root-wildcard" Error No false "The rule covers every path of the server.";
    POLICY_WRITE "VP402" "policy-write" Error No false "Who may write policies may do everything.";
    AUTH_ROLE_WRITE "VP403" "auth-role-write" Error No false "Who may write roles or users of an auth method may bind any policy to himself.";
    TOKEN_CREATE "VP404" "token-create" Warning No false "Who may make tokens may outlive his own.";
    IDENTITY_WRITE "VP405" "identity-write" Error No false "Who may write entities or groups may attach any policy to one.";
    MOUNT_ADMIN "VP406" "mount-admin" Error No false "Who may change mounts may take away engines and auth methods.";
    AUDIT_ADMIN "VP407" "audit-admin" Error No false "Who may change audit devices may blind them, and make the server write files.";
    RAW_STORAGE "VP408" "raw-storage" Error No false "Access to the storage below every policy.";
    CLUSTER_OPS "VP409" "cluster-ops" Warning No false "Who may seal, step down, rotate or rekey may stop the server.";
    PLUGIN_CATALOG "VP410" "plugin-catalog" Error No false "Who may register plugins may have the server run a program.";
    MASS_REVOKE "VP411" "mass-revoke" Warning No false "Who may revoke by prefix may take away everybody's credentials.";
    WHOLE_MOUNT_READ "VP412" "whole-mount-read" Warning No false "Reading a whole mount of secrets.";
    ENGINE_CONFIG_ACCESS "VP413" "engine-config-access" Error No false "Access to an engine's own credentials.";
    ENGINE_ROLE_WRITE "VP414" "engine-role-write" Error No false "Who may write an engine's roles decides what its credentials may do.";
    PKI_CA_OPS "VP415" "pki-ca-ops" Error No false "Operations of a certificate authority that no role limits.";
    TRANSIT_KEY_MATERIAL "VP416" "transit-key-material" Error No false "Keys of transit that leave, come in or go away.";
    WILDCARD_ROLE_IN_CREDS "VP417" "wildcard-role-in-creds" Warning No false "Credentials of every role of an engine.";
    APPROLE_SECRET_ID "VP418" "approle-secret-id" Error No false "Secret ids that need not be wrapped.";
    OUTSIDE_OWNER_PREFIX "VP419" "outside-owner-prefix" Error No false "A rule outside of what the file's owner has.";
    TOKEN_ADMIN "VP420" "token-admin" Warning No false "Access to the tokens of others.";
    KV2_MISSING_DATA "VP501" "kv2-missing-data" Error Unsafe false "A path of a KV v2 mount without data/, metadata/, or the like.";
    KV1_WITH_DATA "VP502" "kv1-with-data" Error Unsafe false "`data/` or `metadata/` in a path of a KV v1 mount.";
    KV2_LIST_ON_DATA "VP503" "kv2-list-on-data" Warning Safe false "`list` below `data/` of KV v2.";
    KV2_VERSION_VERBS "VP504" "kv2-version-verbs" Error Unsafe false "Versions of KV v2 are deleted and brought back with a write.";
    ISSUE_CREATE_ONLY "VP505" "issue-create-only" Error Unsafe false "Certificates with `create` but without `update`.";
    LEASE_RENEW_INCREMENT "VP506" "lease-renew-increment" Error Unsafe false "Renewing is limited to a lease and clients send more than that.";
    NO_LEASE_RENEW "VP507" "no-lease-renew" Warning No false "Credentials with a lease that the role's tokens may not renew.";
    NO_SELF_MANAGEMENT "VP508" "no-self-management" Warning No false "A role whose tokens may not look after themselves.";
    TRANSIT_ENCRYPT_CREATE "VP509" "transit-encrypt-create" Warning Unsafe false "`create` on transit's encrypt makes keys.";
    INTERNAL_UI_MOUNTS "VP510" "internal-ui-mounts" Info Safe false "A rule for the endpoint that tells clients the version of a mount.";
    KV2_DOUBLE_DATA "VP511" "kv2-double-data" Warning No false "data/data/ under a KV v2 mount: the secret's own name begins with data/.";
    PARAMS_ON_KV2 "VP601" "params-on-kv2" Error No false "Limits on parameters that KV v2 does not send.";
    STAR_PARAM_WITH_VALUES "VP602" "star-param-with-values" Warning Safe false "Values behind the parameter `*`.";
    NUMBER_NEVER_MATCHES "VP603" "number-never-matches" Error Unsafe false "A number among a parameter's values.";
    DENIED_LIST_BYPASS "VP604" "denied-list-bypass" Warning No false "A denied value of a parameter that is a list.";
    REQUIRED_PARAM_CASE "VP605" "required-param-case" Error Safe false "A required parameter with capitals.";
    PARAMS_WITHOUT_EFFECT "VP606" "params-without-effect" Warning No false "Limits on parameters where none are looked at.";
    GLOB_VALUE_COMMA "VP607" "glob-value-comma" Info No false "A pattern among the values of a list also allows lists.";
    WRAPPING_FORCED "VP608" "wrapping-forced" Info No false "`max_wrapping_ttl` makes wrapping a must.";
    WRAPPING_NONPOSITIVE "VP609" "wrapping-nonpositive" Warning No false "A wrapping TTL of zero or less.";
    ALLOWED_AND_DENIED_OVERLAP "VP610" "allowed-and-denied-overlap" Warning No false "A parameter that is allowed and denied.";
    CONSTRAINT_WITHOUT_REQUIRED "VP611" "constraint-without-required" Info No false "A limit that is passed by leaving the parameter out.";
    UNKNOWN_TEMPLATE_VARIABLE "VP701" "unknown-template-variable" Error Unsafe false "A template that never resolves.";
    HARD_CODED_ACCESSOR "VP702" "hard-coded-accessor" Warning No false "The accessor of a mount in a template.";
    TEMPLATED_DENY "VP703" "templated-deny" Error No false "A deny with a template.";
    TEMPLATE_THEN_GLOB "VP704" "template-then-glob" Error Unsafe false "A template that runs into what follows.";
    TEMPLATE_UNTRUSTED_VALUE "VP705" "template-untrusted-value" Warning No false "A template whose value may hold `/`, `*` or `+`.";
    TEMPLATE_BY_NAME "VP706" "template-by-name" Info No true "A template with a name that can be given again.";
    TEMPLATE_IN_PARAMETER "VP707" "template-in-parameter" Error No false "A template among the values of a parameter.";
    TIME_TEMPLATE "VP708" "time-template" Error No false "The time in a path.";
    EMPTY_METADATA "VP709" "empty-metadata" Info No true "A template whose value may be empty.";
    RESERVED_POLICY_NAME "VP802" "reserved-policy-name" Error No false "A name that servers keep for themselves.";
    POLICY_NAME_CASE "VP803" "policy-name-case" Warning No false "A policy's name with capitals.";
    COMMENTED_OUT_RULE "VP804" "commented-out-rule" Info No false "A rule in a comment.";
    CAPABILITY_ORDER "VP805" "capability-order" Style Safe true "Capabilities in another than the usual order.";
    CRLF "VP806" "crlf" Style Safe false "Lines that end as on Windows.";
    UNUSED_IGNORE "VP901" "unused-ignore" Warning Safe false "An ignore that has nothing to ignore.";
    IGNORE_WITHOUT_REASON "VP902" "ignore-without-reason" Warning No false "An ignore that does not say why.";
}
