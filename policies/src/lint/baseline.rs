//! Findings that were there before: a file of them, so that only new ones are spoken of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Located;

#[cfg(test)]
mod tests;

/// Findings that are known, each as often as it was there.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Baseline {
    version: u32,
    findings: Vec<Entry>,
}

#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    file: String,
    code: String,
    /// Path or field that the finding is about, for people who read the file.
    subject: String,
    fingerprint: String,
    count: usize,
}

impl Baseline {
    pub(crate) fn of(found: &[Located]) -> Self {
        let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
        for one in found {
            let fingerprint = fingerprint(one);
            let entry = entries.entry(fingerprint.clone()).or_insert_with(|| Entry {
                file: one.file.clone(),
                code: one.finding.rule.code.to_owned(),
                subject: one.finding.subject.clone(),
                fingerprint,
                count: 0,
            });
            entry.count += 1;
        }
        let mut findings: Vec<_> = entries.into_values().collect();
        findings.sort();
        Self { version: 1, findings }
    }

    /// Reads a baseline.
    ///
    /// # Errors
    /// A sentence with the place.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let baseline: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if baseline.version != 1 {
            return Err(format!("version {} is not known; write it again with --write-baseline", baseline.version));
        }
        Ok(baseline)
    }

    /// The findings that the baseline does not have, and how many of its own are gone.
    pub(crate) fn subtract(&self, found: Vec<Located>) -> (Vec<Located>, usize) {
        let known = self.findings.iter().map(|entry| (entry.fingerprint.clone(), entry.count));
        let mut known: BTreeMap<String, usize> = known.collect();
        let is_new = |one: &Located| match known.get_mut(&fingerprint(one)) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        };
        let mut is_new = is_new;
        let new = found.into_iter().filter(|one| is_new(one)).collect();
        (new, known.into_values().sum())
    }
}

/// What stays the same when the text around a finding moves: FNV-1a of its file, rule, subject and message.
pub(crate) fn fingerprint(one: &Located) -> String {
    let parts = [one.file.as_str(), one.finding.rule.code, &one.finding.subject, &one.finding.message];
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}
