//! Looks at policies, roles and manifests together: what the server would refuse, and what it takes but can hardly be
//! meant.
//!
//! [`check`] is the whole of it: files go in, findings come out, always in the same order. Everything about the rules
//! stands in [`crate::rules`]; a rule's own code is in the file of its family below `family/`.

use std::collections::BTreeMap;
use std::num::NonZero;

use crate::rules::{self, Finding};

mod access;
pub(crate) mod baseline;
mod catalog;
pub(crate) mod config;
mod document;
mod family;
mod ignore;
mod model;
mod mounts;
mod options;
pub(crate) mod output;
mod pattern;
mod program;
mod render;
#[cfg(test)]
mod tests;
mod text;
mod view;
mod workloads;
mod yaml;

pub use options::{Limits, LintOptions, PathOptions, Selection, Selector, Target};

use family::{
    capabilities, engines, manifests, parameters, paths, power, resources, roles, sets, style, syntax, templates,
};
use model::PolicyFile;
use mounts::Mounts;
use program::Program;
use view::View;

/// A finding and its file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Located {
    /// The file, as it was given.
    pub file: String,
    /// What is there.
    pub finding: Finding,
}

/// Every finding of files, given as names and texts: in the order of the files, then of the text.
///
/// A name tells what is in a file: `.yaml` and `.yml` are manifests, `.json` is what its keys say, anything else a policy.
#[must_use]
pub fn check(files: &[(String, String)], options: &LintOptions) -> Vec<Located> {
    let program = Program::read(files, options);
    let mut mounts = Mounts::new(&options.all_mounts(), options.mounts_complete);
    for block in program.policies.iter().flat_map(|policy| &policy.blocks) {
        mounts.learn(&block.pattern.text);
    }
    let mut found: Vec<(String, Finding)> = Vec::new();
    found.extend(of_policies(&program.policies, options, &mounts));
    let mut out = Vec::new();
    for (documents, of) in
        [(&program.roles, "role"), (&program.database_roles, "database"), (&program.pki_roles, "pki")]
    {
        for document in documents {
            match of {
                "role" => roles::check(document, options, &mut out),
                "database" => resources::check_database(document, options, &program.connections, &mut out),
                _ => resources::check_pki(document, options, &mut out),
            }
            found.extend(out.drain(..).map(|finding| (document.file.clone(), finding)));
        }
    }
    family::program::check(&program, &mounts, &mut found);
    manifests::check(&program, options, &mut found);
    arranged(files, options, found)
}

/// Every finding of one policy's text, in the order of the text.
#[must_use]
pub fn lint(text: &str, options: &LintOptions) -> Vec<Finding> {
    let files = [("policy.hcl".to_owned(), text.to_owned())];
    check(&files, options).into_iter().map(|located| located.finding).collect()
}

/// Findings of policies, each by itself, on as many threads as there are processors.
fn of_policies(policies: &[PolicyFile], options: &LintOptions, mounts: &Mounts) -> Vec<(String, Finding)> {
    /// Fewer are not worth a thread.
    const LEAST: usize = 64;
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let share = policies.len().div_ceil(threads).max(LEAST);
    let of_share = |share: &[PolicyFile]| {
        let mut found = Vec::new();
        share.iter().for_each(|policy| of_policy(policy, options, mounts, &mut found));
        found
    };
    std::thread::scope(|scope| {
        let shares: Vec<_> = policies.chunks(share).collect();
        let (first, others) = shares.split_first().map_or((&[][..], &[][..]), |(first, others)| (*first, others));
        let running: Vec<_> = others.iter().map(|share| scope.spawn(|| of_share(share))).collect();
        let mut found = of_share(first);
        for thread in running {
            match thread.join() {
                Ok(more) => found.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        found
    })
}

fn of_policy(policy: &PolicyFile, options: &LintOptions, mounts: &Mounts, found: &mut Vec<(String, Finding)>) {
    let view = View { file: policy, options, mounts };
    let mut out = Vec::new();
    syntax::check(&view, &mut out);
    for family in [
        paths::check,
        capabilities::check,
        sets::check,
        power::check,
        engines::check,
        parameters::check,
        templates::check,
        style::check,
    ] {
        family(&view, &mut out);
    }
    if policy.decoded {
        for finding in &mut out {
            (finding.position, finding.fix) = (text::START, None);
        }
    }
    found.extend(out.into_iter().map(|finding| (policy.file.clone(), finding)));
}

/// Findings that are wanted, as bad as is wanted, without those that the files ignore, in order and once.
fn arranged(files: &[(String, String)], options: &LintOptions, found: Vec<(String, Finding)>) -> Vec<Located> {
    let mut by_file: BTreeMap<String, Vec<Finding>> = BTreeMap::new();
    for (file, finding) in found {
        if options.looks(finding.rule, &file) {
            by_file.entry(file).or_default().push(finding);
        }
    }
    let mut all = Vec::new();
    for (file, text) in files {
        let findings = by_file.remove(file).unwrap_or_default();
        let mut findings = ignore::without_ignored(file, text, findings, options);
        for finding in &mut findings {
            let wanted = options.severity(finding.rule, file);
            if wanted != finding.rule.severity {
                finding.severity = wanted;
            }
        }
        findings.sort_by(|left, right| key(left).cmp(&key(right)));
        findings.dedup();
        all.extend(findings.into_iter().map(|finding| Located { file: file.clone(), finding }));
    }
    all
}

fn key(finding: &Finding) -> (usize, &str, &str) {
    (finding.position.offset, finding.rule.code, &finding.message)
}

/// Makes the changes that findings propose, again and again until there is nothing left to change. Gives back the files
/// that changed, with how many changes were made.
#[must_use]
pub fn fix(files: &[(String, String)], options: &LintOptions, unsafe_too: bool) -> Vec<(String, String, usize)> {
    const ROUNDS: usize = 10;
    let mut texts = files.to_vec();
    let mut made = vec![0; texts.len()];
    for _ in 0..ROUNDS {
        let found = check(&texts, options);
        let mut changed = false;
        for ((file, text), made) in texts.iter_mut().zip(&mut made) {
            let of_file: Vec<_> = found.iter().filter(|one| one.file == *file).map(|one| &one.finding).collect();
            let (new, count) = text::apply(text, &of_file, unsafe_too);
            if count > 0 && new != *text {
                (*text, *made, changed) = (new, *made + count, true);
            }
        }
        if !changed {
            break;
        }
    }
    let changed = texts.into_iter().zip(made).filter(|(_, made)| *made > 0);
    changed.map(|((file, text), made)| (file, text, made)).collect()
}

/// True for a file in which nothing is looked at.
pub(crate) fn is_passed_over(file: &str, text: &str) -> bool {
    program::kind(file, text) == program::Kind::Other
}

/// How often each rule was met, by code.
pub(crate) fn statistics(found: &[Located]) -> Vec<(&'static rules::Rule, usize)> {
    let count = |rule: &'static rules::Rule| found.iter().filter(|one| one.finding.rule == rule).count();
    rules::ALL.iter().map(|rule| (*rule, count(rule))).filter(|(_, count)| *count > 0).collect()
}

/// Reads a configuration file's text.
///
/// # Errors
/// A sentence with the place, or with the word that is wrong.
pub fn options_of(text: &str) -> Result<LintOptions, String> {
    config::parse(text).map(|config| config.options)
}
