//! VP6: limits on parameters and on wrapping.

use blinkchamber_hcl::{Item, Kind};

use super::engines::{WITH_PARAMETERS, WITHOUT_PARAMETERS};
use crate::lint::model::{Block, Parameter, strings};
use crate::lint::view::{BlockRule, Out, View};
use crate::policy::{self, Capability};
use crate::rules::{self, Related};

const RULES: [BlockRule; 11] = [
    params_on_kv2,
    star_param_with_values,
    number_never_matches,
    denied_list_bypass,
    required_param_case,
    params_without_effect,
    glob_value_comma,
    wrapping_forced,
    wrapping_nonpositive,
    allowed_and_denied_overlap,
    constraint_without_required,
];

const LISTS: [&str; 2] = ["allowed_parameters", "denied_parameters"];

pub(in crate::lint) fn check(view: &View<'_>, out: &mut Out) {
    view.each(&RULES, out);
}

fn first_limit<'a>(block: &'a Block, names: &[&str]) -> Option<&'a Item> {
    names.iter().find_map(|name| block.item(name))
}

fn params_on_kv2(view: &View<'_>, block: &Block, out: &mut Out) {
    let data = view.below(block, &["kv2"]).is_some_and(|rest| rest.starts_with("data/"));
    let parameters = LISTS.iter().flat_map(|list| block.parameters(list));
    let mut inner = parameters.filter(|parameter| !["data", "options", "version", "*"].contains(&parameter.name));
    if let Some(parameter) = inner.next().filter(|_| data) {
        let message = format!("KV v2 sends data, options and version only: {} is never seen", parameter.name);
        out.push(view.file.at(rules::PARAMS_ON_KV2, block, parameter.position, message));
    }
}

fn star_param_with_values(view: &View<'_>, block: &Block, out: &mut Out) {
    for list in LISTS {
        for parameter in block.parameters(list).iter().filter(|one| one.name == "*" && !one.values.is_empty()) {
            let end = view.file.end(parameter.list);
            let edits = view.file.set(parameter.list.offset..end, "[]");
            let message = format!("{list}: the values of \"*\" are not looked at");
            let finding = view.file.at(rules::STAR_PARAM_WITH_VALUES, block, parameter.position, message);
            out.push(finding.fixed("leave the values out", edits));
        }
    }
}

fn number_never_matches(view: &View<'_>, block: &Block, out: &mut Out) {
    for list in LISTS {
        for parameter in block.parameters(list) {
            let number = parameter.values.iter().find_map(|value| match &value.kind {
                Kind::Number(number) => Some((number, value.position)),
                _ => None,
            });
            if let Some((number, position)) = number {
                let range = position.offset..view.file.end(position);
                let edits = view.file.set(range, format!("\"{number}\""));
                let message = format!("{}: the number {number} equals no value of a request", parameter.name);
                let finding = view.file.at(rules::NUMBER_NEVER_MATCHES, block, position, message);
                out.push(finding.help(format!("write \"{number}\"")).fixed(format!("write \"{number}\""), edits));
            }
        }
    }
}

/// Parameters that are lists in the server's own endpoints, or come as comma strings.
fn is_list_parameter(name: &str) -> bool {
    let name = name.to_lowercase();
    name.ends_with("policies")
        || name.ends_with("_names")
        || name.ends_with("domains")
        || name.ends_with("cidrs")
        || name.ends_with("groups")
}

fn denied_list_bypass(view: &View<'_>, block: &Block, out: &mut Out) {
    for parameter in
        block.parameters("denied_parameters").iter().filter(|one| !one.values.is_empty() && is_list_parameter(one.name))
    {
        let message =
            format!("{} is a list and is compared as a whole: a denied value passes beside another", parameter.name);
        let help = format!("deny {} altogether with [], or allow the lists that may be", parameter.name);
        out.push(view.file.at(rules::DENIED_LIST_BYPASS, block, parameter.position, message).help(help));
    }
}

fn required_param_case(view: &View<'_>, block: &Block, out: &mut Out) {
    for (name, position) in block.items("required_parameters").flat_map(|item| strings(&item.value)) {
        let lower = name.to_lowercase();
        if lower != name {
            let message = format!("the server looks for {lower:?} when {name:?} is required");
            let edits = view.file.set_string(position, &lower);
            let finding = view.file.at(rules::REQUIRED_PARAM_CASE, block, position, message);
            out.push(finding.fixed(format!("write {lower:?}"), edits));
        }
    }
}

fn params_without_effect(view: &View<'_>, block: &Block, out: &mut Out) {
    let limits = ["allowed_parameters", "denied_parameters", "required_parameters"];
    let Some(key) = first_limit(block, &limits).and_then(|item| item.keys.first()) else { return };
    if block.grants_any(&WITHOUT_PARAMETERS) && !block.grants_any(&WITH_PARAMETERS) {
        let words = WITHOUT_PARAMETERS.iter().filter(|one| block.grants(**one)).map(|one| one.word());
        let words = words.collect::<Vec<_>>().join(" and ");
        let message = format!("parameters are not looked at for {words}");
        out.push(view.file.at(rules::PARAMS_WITHOUT_EFFECT, block, key.position, message));
    }
}

fn glob_value_comma(view: &View<'_>, block: &Block, out: &mut Out) {
    for parameter in block.parameters("allowed_parameters").iter().filter(|one| is_list_parameter(one.name)) {
        let glob = parameter.values.iter().find_map(|value| match &value.kind {
            Kind::String(text) if text.ends_with('*') && text != "*" => Some((text, value.position)),
            _ => None,
        });
        if let Some((text, position)) = glob {
            let start = text.trim_end_matches('*');
            let message = format!("{}: {text:?} also allows {:?}", parameter.name, format!("{start},anything"));
            out.push(view.file.at(rules::GLOB_VALUE_COMMA, block, position, message));
        }
    }
}

fn wrapping_forced(view: &View<'_>, block: &Block, out: &mut Out) {
    let Some(key) = block.item("max_wrapping_ttl").and_then(|item| item.keys.first()) else { return };
    if block.item("min_wrapping_ttl").is_none()
        && wrapping_seconds(block, "max_wrapping_ttl").is_some_and(|seconds| seconds > 0)
    {
        let message = "max_wrapping_ttl does more than limit: without wrapping the request is denied";
        out.push(view.file.at(rules::WRAPPING_FORCED, block, key.position, message));
    }
}

fn wrapping_seconds(block: &Block, name: &str) -> Option<i128> {
    match &block.item(name)?.value.kind {
        Kind::String(text) | Kind::Number(text) => policy::seconds(text).ok(),
        _ => None,
    }
}

fn wrapping_nonpositive(view: &View<'_>, block: &Block, out: &mut Out) {
    for name in ["min_wrapping_ttl", "max_wrapping_ttl"] {
        let Some(key) = block.item(name).and_then(|item| item.keys.first()) else { continue };
        if wrapping_seconds(block, name).is_some_and(|seconds| seconds <= 0) {
            let message = format!("{name} of zero or less is no limit");
            out.push(view.file.at(rules::WRAPPING_NONPOSITIVE, block, key.position, message));
        }
    }
}

fn allowed_and_denied_overlap(view: &View<'_>, block: &Block, out: &mut Out) {
    let (allowed, denied) = (block.parameters("allowed_parameters"), block.parameters("denied_parameters"));
    for parameter in &denied {
        if parameter.name == "*" {
            let message = "denied_parameters \"*\" denies every request that has a body";
            out.push(view.file.at(rules::ALLOWED_AND_DENIED_OVERLAP, block, parameter.position, message));
        } else if let Some(other) = allowed.iter().find(|other| other.name.eq_ignore_ascii_case(parameter.name))
            && overlap(other, parameter)
        {
            let message = format!("{} is allowed and denied: denied wins", parameter.name);
            let finding = view.file.at(rules::ALLOWED_AND_DENIED_OVERLAP, block, parameter.position, message);
            out.push(finding.related(Related {
                file: view.file.file.clone(),
                position: other.position,
                message: "allowed here".to_owned(),
            }));
        }
    }
}

/// True when denying takes away all that is allowed, or the very same value stands in both.
fn overlap(allowed: &Parameter<'_>, denied: &Parameter<'_>) -> bool {
    let same = |value: &blinkchamber_hcl::Value| denied.values.iter().any(|other| other.kind == value.kind);
    denied.values.is_empty() || allowed.values.iter().any(same)
}

/// Parameters that the server fills in with something stronger than what a rule allows, when a request leaves them out.
const DEFAULTED: [&str; 7] = ["display_name", "no_parent", "no_default_policy", "policies", "period", "ttl", "type"];

fn constraint_without_required(view: &View<'_>, block: &Block, out: &mut Out) {
    let required = block.items("required_parameters").flat_map(|item| strings(&item.value));
    let required: Vec<_> = required.map(|(name, _)| name.to_lowercase()).collect();
    let limited = block.parameters("allowed_parameters").into_iter().find(|parameter| {
        DEFAULTED.contains(&parameter.name.to_lowercase().as_str())
            && !parameter.values.is_empty()
            && !required.contains(&parameter.name.to_lowercase())
    });
    if let Some(parameter) = limited.filter(|_| block.grants_any(&[Capability::Create, Capability::Update])) {
        let message = format!("who leaves {} out gets the server's default, whatever is allowed here", parameter.name);
        let help = format!("add {} to required_parameters", parameter.name);
        out.push(view.file.at(rules::CONSTRAINT_WITHOUT_REQUIRED, block, parameter.position, message).help(help));
    }
}
