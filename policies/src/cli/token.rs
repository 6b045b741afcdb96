//! What `eval`, `request`, `explain` and `diff` share: a token made of policy files.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;

use super::{Exit, Stopped, Streams, read_all, text};
use crate::evaluate::{Acl, Context, Identity, Origin, Rule, Source, default_policy};
use crate::policy::{self, Dialect, Policy};
use crate::rules::Finding;

/// Whose policies they are.
#[derive(Args)]
pub(super) struct Holder {
    /// The server that is imitated
    #[arg(long, value_enum, default_value = "openbao")]
    pub(super) dialect: Dialect,
    /// The token has the server's default policy as well
    #[arg(long)]
    with_default: bool,
    /// Entity and groups for templated paths: JSON, see the reference
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// Namespace that the policies live in
    #[arg(long, value_name = "NAMESPACE", default_value = "")]
    policy_namespace: String,
}

/// A policy file that was read.
pub(super) struct Read {
    pub(super) name: String,
    pub(super) policy: Policy,
}

/// The policies of a token, and whether the server takes them all.
pub(super) struct Token {
    pub(super) policies: Vec<Read>,
    identity: Option<Identity>,
    dialect: Dialect,
    namespace: String,
    /// A policy that only the other server takes was used all the same.
    pub(super) foreign: bool,
}

impl Holder {
    /// True when somebody's templates are filled in.
    pub(super) fn has_identity(&self) -> bool {
        self.identity.is_some()
    }

    /// Reads policies: files, directories of .hcl and .json files, or `-`.
    pub(super) fn read(&self, names: &[String], streams: &mut Streams<'_>) -> Result<Token, Stopped> {
        let mut policies = Vec::new();
        let mut foreign = false;
        for (name, bytes) in read_all(names, &["hcl", "json"], streams.input)? {
            let text = text(&name, bytes)?;
            let policy = match policy::parse_for(self.dialect, &text, now()) {
                Ok(policy) => policy,
                Err(findings) => {
                    for finding in &findings {
                        writeln!(streams.errors, "{}", line(&name, finding))?;
                    }
                    foreign = true;
                    // What the server refuses is not there, and a token may name a policy that is not there.
                    if text.is_empty() {
                        continue;
                    }
                    self.as_the_other(&name, &text)?
                }
            };
            policies.push(Read { name, policy });
        }
        if policies.is_empty() && !foreign {
            return Err(Stopped::usage(format!("no policy in {}", names.join(", "))));
        }
        if self.with_default {
            policies.push(Read { name: "default".to_owned(), policy: default_policy(self.dialect) });
        }
        let identity = self.identity.as_deref().map(identity).transpose()?;
        let namespace = self.policy_namespace.trim_matches('/').to_owned();
        Ok(Token { policies, identity, dialect: self.dialect, namespace, foreign })
    }

    /// What the server refuses the other one may take; its answers are of use when policies move from one to the other.
    fn as_the_other(&self, name: &str, text: &str) -> Result<Policy, Stopped> {
        let other = if self.dialect == Dialect::OpenBao { Dialect::Vault } else { Dialect::OpenBao };
        policy::parse_for(other, text, now())
            .map_err(|_| Stopped { exit: Exit::Findings, message: format!("{name}: the server refuses this policy") })
    }
}

impl Token {
    /// Compiles the policies for the identity.
    pub(super) fn acl(&self) -> Result<Acl, Stopped> {
        self.compiled(false)
    }

    /// Compiles the policies with templates that stand for themselves.
    pub(super) fn as_written(&self) -> Result<Acl, Stopped> {
        self.compiled(true)
    }

    fn compiled(&self, as_written: bool) -> Result<Acl, Stopped> {
        let source = |read| source(read, &self.namespace);
        let sources: Vec<_> = self.policies.iter().map(source).collect();
        let identity = self.identity.as_ref();
        let context = Context { dialect: self.dialect, identity, now: now(), as_written };
        Acl::new(context, &sources).map_err(|error| Stopped {
            exit: Exit::Findings,
            message: format!("the server refuses every request of this token: {error}"),
        })
    }

    /// How the command ends when nothing else was found.
    pub(super) fn exit(&self) -> Exit {
        if self.foreign { Exit::Findings } else { Exit::Success }
    }
}

/// Where the blocks of a rule stand: `file:line:column`, or the name of the server's own policy.
pub(super) fn places(acl: &Acl, rule: &Rule) -> Vec<String> {
    let place = |origin: &Origin| {
        let (name, place) = (acl.name(origin.source), origin.position);
        if name == "default" { name.to_owned() } else { format!("{name}:{}:{}", place.line, place.column) }
    };
    rule.origins.iter().map(place).collect()
}

/// A finding on one line, with what mends it.
pub(super) fn line(name: &str, finding: &Finding) -> String {
    let place = finding.position;
    let help = finding.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    format!("{name}:{}:{}: {} {}{help}", place.line, place.column, finding.rule.code, finding.message)
}

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
}

fn source<'a>(read: &'a Read, namespace: &'a str) -> Source<'a> {
    Source { namespace, ..Source::new(&read.name, &read.policy) }
}

fn identity(path: &Path) -> Result<Identity, Stopped> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| Stopped::failure(format!("{shown}: {error}")))?;
    serde_json::from_str(&text).map_err(|error| Stopped::usage(format!("{shown}: {error}")))
}
