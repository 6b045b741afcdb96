//! VP8: names, comments and form.

use crate::lint::model::Block;
use crate::lint::text::{self, START};
use crate::lint::view::{BlockRule, Out, View};
use crate::policy::Capability;
use crate::rules::{self, Edit, Finding};

const RULES: [BlockRule; 1] = [capability_order];

pub(in crate::lint) fn check(view: &View<'_>, out: &mut Out) {
    view.each(&RULES, out);
    reserved_policy_name(view, out);
    policy_name_case(view, out);
    commented_out_rule(view, out);
    crlf(view, out);
}

/// Names that servers keep for themselves.
const RESERVED: [&str; 4] = ["default", "default-ceiling", "response-wrapping", "root"];

fn reserved_policy_name(view: &View<'_>, out: &mut Out) {
    let name = view.file.name.to_lowercase();
    if RESERVED.contains(&name.as_str()) {
        let message = format!("the server keeps the policy {name} for itself");
        out.push(Finding::new(rules::RESERVED_POLICY_NAME, START, message).about(name));
    }
}

fn policy_name_case(view: &View<'_>, out: &mut Out) {
    let lower = view.file.name.to_lowercase();
    if lower != view.file.name {
        let message = format!("the server calls this policy {lower:?}");
        out.push(Finding::new(rules::POLICY_NAME_CASE, START, message).help("rename the file").about(lower));
    }
}

fn commented_out_rule(view: &View<'_>, out: &mut Out) {
    if view.file.json || view.file.decoded {
        return;
    }
    for range in text::comments(&view.file.text) {
        let comment = view.file.text.get(range.clone()).unwrap_or_default();
        let inner = comment.trim_start_matches(['#', '/', '*', ' ', '\t']);
        let rule =
            inner.strip_prefix("path").is_some_and(|rest| rest.trim_start().starts_with('"') && rest.contains('{'));
        if rule {
            let position = text::position(&view.file.text, range.start);
            let subject = inner.split('"').nth(1).unwrap_or_default();
            let message = format!("a rule for {subject:?} is commented out");
            out.push(Finding::new(rules::COMMENTED_OUT_RULE, position, message).about(subject));
        }
    }
}

fn capability_order(view: &View<'_>, block: &Block, out: &mut Out) {
    let words: Option<Vec<_>> = block.words.iter().map(|(word, _)| Capability::parse(word)).collect();
    let Some(words) = words else { return };
    let mut sorted = words.clone();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() == words.len() && sorted != words && !block.deny_drops {
        let sorted: Vec<_> = sorted.into_iter().map(Capability::word).collect();
        let Some((_, position)) = block.words.first() else { return };
        let message = format!("the usual order is {}", sorted.join(", "));
        let edits = view.file.set_capabilities(block, &sorted);
        out.push(view.file.at(rules::CAPABILITY_ORDER, block, *position, message).fixed("sort them", edits));
    }
}

fn crlf(view: &View<'_>, out: &mut Out) {
    let text = &view.file.text;
    let returns: Vec<_> = text.match_indices("\r\n").map(|(at, _)| at).collect();
    let Some(first) = returns.first().filter(|_| !view.file.decoded) else { return };
    let edits = returns.iter().map(|at| Edit { range: *at..at + 1, text: String::new() }).collect();
    let message = "lines end as on Windows; the server keeps that, and every comparison shows it";
    let finding = Finding::new(rules::CRLF, text::position(text, *first), message);
    out.push(finding.fixed("end lines with a line feed", Some(edits)));
}
