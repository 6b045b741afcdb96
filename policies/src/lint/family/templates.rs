//! VP7: templates in paths.

use crate::lint::model::Block;
use crate::lint::view::{BlockRule, Out, View};
use crate::policy::nearest;
use crate::rules;

const RULES: [BlockRule; 9] = [
    unknown_template_variable,
    hard_coded_accessor,
    templated_deny,
    template_then_glob,
    template_untrusted_value,
    template_by_name,
    template_in_parameter,
    time_template,
    empty_metadata,
];

pub(in crate::lint) fn check(view: &View<'_>, out: &mut Out) {
    view.each(&RULES, out);
}

/// The selectors of a path, trimmed as the server trims them; what another tool fills in is none.
fn selectors(path: &str) -> Vec<&str> {
    let inner = path.split("{{").skip(1).filter_map(|rest| rest.split_once("}}")).map(|(inner, _)| inner.trim());
    inner.filter(|inner| !inner.trim_start_matches(['-', ' ']).starts_with(['.', '$'])).collect()
}

/// What a selector is, word by word.
fn parts(selector: &str) -> Vec<&str> {
    selector.split('.').collect()
}

fn is_known(selector: &str) -> bool {
    match parts(selector).as_slice() {
        ["identity", "entity", "id" | "name"] => true,
        ["identity", "entity", "metadata", rest @ ..] => !rest.is_empty(),
        ["identity", "entity", "aliases", rest @ ..] => alias(rest),
        ["identity", "groups", "ids", _, "name"] => true,
        ["identity", "groups", "names", .., "id"] => true,
        ["identity", "groups", "ids" | "names", _, .., "metadata", _] => true,
        ["time", "now", ..] => true,
        _ => false,
    }
}

/// `ACCESSOR.id`, `ACCESSOR.metadata.KEY`; a placeholder for the accessor may have dots.
fn alias(rest: &[&str]) -> bool {
    matches!(rest, [_, .., "id" | "name"] | [_, .., "metadata" | "custom_metadata", _])
}

const KNOWN: [&str; 5] = [
    "identity.entity.id",
    "identity.entity.name",
    "identity.entity.metadata.KEY",
    "identity.groups.ids.ID.name",
    "identity.groups.names.NAME.id",
];

fn unknown_template_variable(view: &View<'_>, block: &Block, out: &mut Out) {
    for selector in selectors(&block.path).into_iter().filter(|selector| !is_known(selector)) {
        let message = format!("{{{{{selector}}}}} never resolves, so the rule never counts");
        let finding = view.file.about(rules::UNKNOWN_TEMPLATE_VARIABLE, block, message);
        let near = nearest(selector, &KNOWN);
        let help =
            near.map_or_else(|| format!("there are {}", KNOWN.join(", ")), |near| format!("did you mean {near}?"));
        let path =
            near.filter(|near| !near.contains(char::is_uppercase)).map(|near| block.path.replace(selector, near));
        let edits = path.as_ref().and_then(|path| view.file.set_path(block, path));
        out.push(finding.help(help).fixed("write the selector that is nearest", edits));
    }
}

/// `auth_kubernetes_1a2b3c4d`: the kind of the mount and eight hexadecimal digits.
fn is_accessor(word: &str) -> bool {
    let random = word.rsplit_once('_').map(|(_, random)| random);
    word.starts_with("auth_")
        && random.is_some_and(|random| random.len() >= 8 && random.chars().all(|read| read.is_ascii_hexdigit()))
}

fn hard_coded_accessor(view: &View<'_>, block: &Block, out: &mut Out) {
    let found = selectors(&block.path).into_iter().flat_map(parts).find(|part| is_accessor(part));
    if let Some(accessor) = found {
        let message = format!("{accessor} is another on every server");
        let help = "write a placeholder such as ${auth/kubernetes/@accessor}, and fill it in when it is applied";
        out.push(view.file.about(rules::HARD_CODED_ACCESSOR, block, message).help(help));
    }
}

fn templated_deny(view: &View<'_>, block: &Block, out: &mut Out) {
    if block.denies() && !selectors(&block.path).is_empty() {
        let message = format!("where {:?} does not resolve, the deny is gone", block.path);
        let help = "grant what is wanted with a template instead, and deny nothing";
        out.push(view.file.about(rules::TEMPLATED_DENY, block, message).help(help));
    }
}

fn template_then_glob(view: &View<'_>, block: &Block, out: &mut Out) {
    let after = block.path.split("}}").skip(1).find(|rest| !(rest.is_empty() || rest.starts_with('/')));
    if selectors(&block.path).is_empty() || after.is_none() {
        return;
    }
    let path = block.path.replace("}}*", "}}/*");
    let edits = (path != block.path).then(|| view.file.set_path(block, &path)).flatten();
    let message =
        format!("a value in {:?} runs into what follows: for bob it is also what begins with bob", block.path);
    let finding = view.file.about(rules::TEMPLATE_THEN_GLOB, block, message).help("put a / behind the template");
    out.push(finding.fixed(format!("write {path:?}"), edits));
}

/// Alias metadata that Kubernetes writes and whose values are names of its objects.
const OF_KUBERNETES: [&str; 4] =
    ["service_account_name", "service_account_namespace", "service_account_secret_name", "service_account_uid"];

fn template_untrusted_value(view: &View<'_>, block: &Block, out: &mut Out) {
    let untrusted = selectors(&block.path).into_iter().find(|selector| match parts(selector).as_slice() {
        ["identity", "entity", "metadata", ..] => true,
        ["identity", "entity", "aliases", .., "name"] => true,
        ["identity", "entity", "aliases", .., "metadata" | "custom_metadata", key] => !OF_KUBERNETES.contains(key),
        _ => false,
    });
    if let Some(selector) = untrusted {
        let message = format!("a /, * or + in {selector} makes OpenBao refuse the whole token");
        let help = "use an id, or metadata whose values cannot hold them";
        out.push(view.file.about(rules::TEMPLATE_UNTRUSTED_VALUE, block, message).help(help));
    }
}

fn template_by_name(view: &View<'_>, block: &Block, out: &mut Out) {
    let named = selectors(&block.path).into_iter().find(|selector| match parts(selector).as_slice() {
        ["identity", "groups", "names", ..] => true,
        [.., last] => matches!(*last, "name" | "service_account_name"),
        [] => false,
    });
    if let Some(selector) = named {
        let message = format!("{selector}: whoever gets the name later gets what lies there");
        out.push(view.file.about(rules::TEMPLATE_BY_NAME, block, message).help("use an id"));
    }
}

fn template_in_parameter(view: &View<'_>, block: &Block, out: &mut Out) {
    for list in ["allowed_parameters", "denied_parameters"] {
        for parameter in block.parameters(list) {
            let template = parameter.values.iter().find(|value| {
                matches!(&value.kind, blinkchamber_hcl::Kind::String(text) if text.contains("{{") && text.contains("}}"))
            });
            if let Some(value) = template {
                let message = format!("{}: only the path of a rule is a template, this stays as it is", parameter.name);
                out.push(view.file.at(rules::TEMPLATE_IN_PARAMETER, block, value.position, message));
            }
        }
    }
}

fn time_template(view: &View<'_>, block: &Block, out: &mut Out) {
    if selectors(&block.path).iter().any(|selector| selector.starts_with("time.")) {
        let message = format!("the time in {:?} is another at every request", block.path);
        out.push(view.file.about(rules::TIME_TEMPLATE, block, message));
    }
}

fn empty_metadata(view: &View<'_>, block: &Block, out: &mut Out) {
    let metadata = selectors(&block.path).into_iter().find(|selector| {
        matches!(parts(selector).as_slice(), ["identity", "entity" | "groups", .., "metadata" | "custom_metadata", key] if !OF_KUBERNETES.contains(key))
    });
    if let Some(selector) = metadata {
        let message = format!("where {selector} is there and empty, {:?} has nothing in its place", block.path);
        out.push(view.file.about(rules::EMPTY_METADATA, block, message));
    }
}
