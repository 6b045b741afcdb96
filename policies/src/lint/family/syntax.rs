//! VP0: what the server refuses, and what it reads in a way nobody expects.

use blinkchamber_hcl::{Kind, Position};

use crate::lint::model::{Block, strings};
use crate::lint::options::Target;
use crate::lint::text::{self, START};
use crate::lint::view::{Out, View};
use crate::policy::{Capability, nearest};
use crate::rules::{self, Edit, Finding};

pub(in crate::lint) fn check(view: &View<'_>, out: &mut Out) {
    for refusal in &view.file.refusals {
        refused(view, refusal.clone(), out);
    }
    if view.file.decoded {
        let message = "the text is valid base64, so the server decodes it";
        out.push(Finding::new(rules::BASE64_BODY, START, message));
    }
    lenient_json(view, out);
    if view.file.refusals.is_empty() && view.file.blocks.is_empty() {
        out.push(Finding::new(rules::EMPTY_POLICY, START, "no path block: the policy grants nothing"));
    }
    for block in view.file.blocks.iter().filter(|block| !block.broken) {
        duplicate_attribute(view, block, out);
        not_in_dialect(view, block, out);
        missing_label(view, block, out);
        extra_label(view, block, out);
        control_character(view, block, out);
        unrendered_placeholder(view, block, out);
    }
}

/// Words that begin other files of the same syntax.
const OTHER_FILES: [&str; 21] = [
    "api_addr",
    "audit",
    "auto_auth",
    "cluster_addr",
    "data",
    "import",
    "initialize",
    "listener",
    "locals",
    "main",
    "module",
    "output",
    "provider",
    "resource",
    "rule",
    "seal",
    "storage",
    "telemetry",
    "terraform",
    "variable",
    "vault",
];

/// What the server refuses, under the rule that says it best, and with a change where there is one.
fn refused(view: &View<'_>, mut finding: Finding, out: &mut Out) {
    let file = view.file;
    let subject = file.blocks.iter().find(|block| block.range.contains(&finding.position.offset));
    finding.subject = subject.map(|block| block.path.clone()).unwrap_or_default();
    let vault_only = [rules::NOT_IN_DIALECT, rules::CAPABILITY_NOT_IN_DIALECT].contains(&finding.rule);
    if vault_only && view.options.target == Target::Vault {
        return;
    }
    let word = written(view, finding.position);
    let top = file.top.iter().any(|(_, position)| *position == finding.position);
    if finding.rule == rules::UNKNOWN_KEY && top && OTHER_FILES.contains(&word.as_str()) {
        finding.rule = rules::NOT_A_POLICY;
        finding.message = format!("{word:?} belongs into another kind of file: this is no policy");
        finding.help = Some("a policy holds path blocks only".to_owned());
    } else if finding.rule == rules::SYNTAX && file.text.starts_with('\u{feff}') {
        finding.rule = rules::CONTROL_CHARACTER;
        finding.message = "the text begins with a byte order mark, which the server refuses".to_owned();
        finding = finding.fixed("leave it out", file.set(0..'\u{feff}'.len_utf8(), ""));
    } else if finding.rule == rules::UNKNOWN_KEY {
        finding = misspelt_key(view, finding, &word, top);
    } else if finding.rule == rules::INVALID_CAPABILITY {
        finding = misspelt_capability(view, finding, &word);
    } else if finding.rule == rules::INVALID_OLD_POLICY {
        let near = nearest(&word, &["deny", "read", "sudo", "write"]);
        let edits = near.and_then(|near| file.set_string(finding.position, near));
        finding = finding.fixed("write the word that is nearest", edits);
    } else if finding.rule == rules::PLUS_STAR
        && let Some(block) = subject
    {
        let path =
            block.path.strip_suffix("+*").map_or_else(|| block.path.replace("+*", "+"), |start| format!("{start}*"));
        finding = finding.fixed(format!("write {path:?}"), file.set_path(block, &path)).help(format!("write {path:?}"));
    }
    out.push(finding);
}

/// The word or string at a place, unquoted.
fn written(view: &View<'_>, position: Position) -> String {
    let range = position.offset..view.file.end(position);
    view.file.text.get(range).unwrap_or_default().trim_matches('"').to_owned()
}

fn misspelt_key(view: &View<'_>, finding: Finding, word: &str, top: bool) -> Finding {
    let known: &[&str] = if top { &crate::policy::TOP_KEYS } else { &crate::policy::PATH_KEYS };
    let Some(near) = nearest(word, known) else { return finding };
    let range = finding.position.offset..view.file.end(finding.position);
    let edits = view.file.set(range, near);
    finding.fixed(format!("write {near}"), edits)
}

fn misspelt_capability(view: &View<'_>, finding: Finding, word: &str) -> Finding {
    let lower = word.trim().to_lowercase();
    let words: Vec<&str> = match lower.as_str() {
        "write" => vec!["create", "update"],
        "*" | "all" | "root" => return finding,
        _ => nearest(&lower, &Capability::ALL.map(Capability::word)).into_iter().collect(),
    };
    if words.is_empty() {
        return finding;
    }
    let range = finding.position.offset..view.file.end(finding.position);
    let new = words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
    let edits = view.file.set(range, new);
    finding.fixed(format!("write {}", words.join(", ")), edits)
}

fn lenient_json(view: &View<'_>, out: &mut Out) {
    if !view.file.json || !view.file.refusals.is_empty() {
        return;
    }
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&view.file.text) {
        let offset: usize =
            view.file.text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let position =
            text::position(&view.file.text, (offset + error.column().saturating_sub(1)).min(view.file.text.len()));
        let message = "this is not JSON; the server reads it all the same, up to here".to_owned();
        out.push(Finding::new(rules::LENIENT_JSON, position, message).help(error.to_string()));
    }
}

fn duplicate_attribute(view: &View<'_>, block: &Block, out: &mut Out) {
    let mut seen: Vec<&str> = Vec::new();
    for item in block.body.items.iter().filter(|item| item.assigned) {
        let Some(key) = item.keys.first() else { continue };
        if !seen.contains(&key.text.as_str()) {
            seen.push(&key.text);
            continue;
        }
        let message =
            format!("{} stands twice: OpenBao {}, Vault refuses the policy", key.text, combines(&item.value.kind));
        let edits = merged(view, block, &key.text);
        out.push(view.file.at(rules::DUPLICATE_ATTRIBUTE, block, key.position, message).fixed("leave one", edits));
    }
}

fn combines(kind: &Kind) -> &'static str {
    if matches!(kind, Kind::List(_)) { "adds the lists up" } else { "takes the last" }
}

/// One attribute in the place of several: of lists the sum in the first, of others the last.
fn merged(view: &View<'_>, block: &Block, name: &str) -> Option<Vec<Edit>> {
    let items: Vec<_> = block.items(name).collect();
    let lists = items.iter().all(|item| matches!(item.value.kind, Kind::List(_)));
    if items.iter().any(|item| matches!(item.value.kind, Kind::Object(_))) || view.file.json || view.file.decoded {
        return None;
    }
    let keep = if lists { items.first()? } else { items.last()? };
    let mut edits = Vec::new();
    if lists {
        let mut words: Vec<String> = Vec::new();
        for (word, _) in items.iter().flat_map(|item| strings(&item.value)) {
            if !words.contains(&word) {
                words.push(word);
            }
        }
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        edits.extend(text::rewrite_list(&view.file.text, keep.value.position.offset, &words)?);
    }
    for item in items.iter().filter(|item| item.value.position != keep.value.position) {
        let start = item.keys.first()?.position.offset;
        edits.extend(text::remove(&view.file.text, start..view.file.end(item.value.position)));
    }
    Some(edits)
}

/// Keys that Vault does not have.
const OPENBAO_KEYS: [&str; 3] = ["expiration", "list_scan_response_keys_filter_path", "pagination_limit"];

fn not_in_dialect(view: &View<'_>, block: &Block, out: &mut Out) {
    if view.options.target == Target::Openbao {
        return;
    }
    for key in block.body.items.iter().filter_map(|item| item.keys.first()) {
        if OPENBAO_KEYS.contains(&key.text.as_str()) {
            let message = format!("only OpenBao knows {}", key.text);
            out.push(view.file.at(rules::NOT_IN_DIALECT, block, key.position, message));
        }
    }
    if let Some((_, position)) = block.words.iter().find(|(word, _)| word == "scan") {
        let message = "only OpenBao knows the capability \"scan\"";
        out.push(view.file.at(rules::CAPABILITY_NOT_IN_DIALECT, block, *position, message));
    }
}

fn missing_label(view: &View<'_>, block: &Block, out: &mut Out) {
    if !block.labelled {
        let message = "path without a label is a rule for the path \"path\"";
        out.push(view.file.about(rules::MISSING_LABEL, block, message));
    }
}

fn extra_label(view: &View<'_>, block: &Block, out: &mut Out) {
    let Some(position) = block.extra_labels.first() else { return };
    let end = block.extra_labels.last().map_or(position.offset, |last| view.file.end(*last));
    // With the blank before it.
    let edits = view.file.set(view.file.end(block.position)..end, "");
    let message = format!("only the first label counts: {:?}", block.path);
    let finding = view.file.at(rules::EXTRA_LABEL, block, *position, message).help("write one block for each path");
    out.push(finding.fixed("leave the others out", edits));
}

fn control_character(view: &View<'_>, block: &Block, out: &mut Out) {
    if block.path.chars().any(|read| read.is_control() || read == '\u{feff}') {
        let path: String = block.path.chars().filter(|read| !read.is_control() && *read != '\u{feff}').collect();
        let message = format!("{:?} holds a character that cannot be seen", block.path);
        let edits = view.file.set_path(block, &path);
        out.push(view.file.about(rules::CONTROL_CHARACTER, block, message).fixed(format!("write {path:?}"), edits));
    }
}

fn unrendered_placeholder(view: &View<'_>, block: &Block, out: &mut Out) {
    let found = placeholder(&block.path).or_else(|| {
        let found = view.options.placeholders.iter().find_map(|regex| regex.find(&block.path));
        found.map(|found| found.as_str().to_owned())
    });
    if let Some(found) = found {
        let message = format!("{found} in {:?} is a placeholder that nobody filled", block.path);
        let help = "render the policy first, or leave this file out";
        out.push(view.file.about(rules::UNRENDERED_PLACEHOLDER, block, message).help(help));
    }
}

/// What other tools would have replaced: `${x}`, `<X>`, `%X%`, `{{ .x }}`; not the accessors that apply fills in.
fn placeholder(path: &str) -> Option<String> {
    let between = |open: &str, close: &str, fits: fn(&str) -> bool| {
        let (_, rest) = path.split_once(open)?;
        let (inner, _) = rest.split_once(close)?;
        fits(inner).then(|| format!("{open}{inner}{close}"))
    };
    let word =
        |inner: &str| !inner.is_empty() && inner.chars().all(|read| read.is_alphanumeric() || "_-. ".contains(read));
    between("${", "}", |inner| !inner.ends_with("/@accessor"))
        .or_else(|| between("<", ">", word))
        .or_else(|| between("%", "%", word))
        .or_else(|| between("{{", "}}", |inner| inner.trim_start_matches(['-', ' ']).starts_with(['.', '$'])))
}
