//! What the agent tells about itself. Holds no secrets: paths, times and messages only.

use serde::{Deserialize, Serialize};

use crate::reload::ActionStatus;

/// The state of the agent at one moment.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Status {
    /// Every file was rendered at least once since the agent started.
    pub(crate) ready: bool,
    /// There is a token that has not ended.
    pub(crate) authenticated: bool,
    /// Seconds until the token ends; absent when it never does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token_ttl_seconds: Option<u64>,
    /// What is wrong with the login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) login_error: Option<String>,
    /// One per file.
    pub(crate) templates: Vec<TemplateStatus>,
    /// One per lease.
    pub(crate) leases: Vec<LeaseStatus>,
    /// What became of each reload action.
    #[serde(default)]
    pub(crate) reloads: Vec<ActionStatus>,
    /// Counts since the start.
    pub(crate) counters: Counters,
}

/// The state of one file.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct TemplateStatus {
    /// Path of the file.
    pub(crate) destination: String,
    /// What holds for it.
    pub(crate) state: TemplateState,
    /// Seconds since 1970 of the last rendering that was put in place (also when the bytes were the same).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_render: Option<u64>,
    /// What is wrong: with the template, with what it reads, or with the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_error: Option<String>,
}

/// What holds for a file.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TemplateState {
    /// The template or the file has an error; what was in place stays in place.
    Failed,
    /// Waits for what it reads; nothing was rendered yet.
    #[default]
    Pending,
    /// In place.
    Rendered,
    /// In place, but something it reads cannot be looked at now.
    Stale,
}

/// One lease.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct LeaseStatus {
    /// Path that it came from.
    pub(crate) path: String,
    /// Seconds until it ends.
    pub(crate) expires_seconds: u64,
}

/// Counts since the start.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Counters {
    /// Logins that worked.
    pub(crate) logins: u64,
    /// Renewals of the token that worked.
    pub(crate) token_renewals: u64,
    /// Requests for secrets that worked.
    pub(crate) fetches: u64,
    /// Requests for secrets that failed.
    pub(crate) fetch_errors: u64,
    /// Renewals of leases that worked.
    pub(crate) lease_renewals: u64,
    /// Leases obtained.
    pub(crate) leases_issued: u64,
    /// Templates executed.
    pub(crate) renders: u64,
    /// Templates or files with an error.
    pub(crate) render_errors: u64,
    /// Files whose bytes changed.
    pub(crate) files_changed: u64,
}
