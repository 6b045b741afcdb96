//! `control_group`, as OpenBao 2.7 checks it.

use blinkchamber_hcl::{Body, Item, Kind, Position, Value};

use super::{Capability, decode, duration, first, items};

#[cfg(test)]
mod tests;

/// The place and the server's words for what is wrong, one for each of its errors.
///
/// The server reads every factor before it looks at what the group says.
pub(super) fn check(value: &Value) -> Result<(), (Position, Vec<String>)> {
    let at = |line: String| (value.position, vec![line]);
    let Kind::Object(body) = &value.kind else {
        return Err(at(format!("cannot check HCL keys of type {}", decode::go_type(value))));
    };
    keys(body, &["ttl", "self_auth_allowed", "factor"], value.position)?;
    let factors: Vec<_> = items(body, "factor").collect();
    let unread: Vec<_> = factors.iter().filter_map(|item| read(item).err()).collect();
    if let Some((position, _)) = unread.first() {
        let lines = unread.iter().flat_map(|(_, lines)| lines);
        let lines: Vec<_> = lines.map(|line| format!("path control_group factor: {line}")).collect();
        return Err((*position, vec![format!("error handling control_group factor: {}", decode::errors(&lines))]));
    }
    for item in items(body, "self_auth_allowed") {
        let truth = match &item.value.kind {
            Kind::Bool(_) => true,
            Kind::String(text) | Kind::Number(text) => matches!(text.as_str(), "true" | "false" | "0" | "1"),
            _ => false,
        };
        if !truth {
            let Position { line, column, .. } = item.value.position;
            let kind = decode::go_type(&item.value);
            return Err(at(format!(
                "path control_group: At {line}:{column}: root.self_auth_allowed: unknown type {kind}"
            )));
        }
    }
    for item in items(body, "ttl") {
        duration::parse(&item.value).map_err(|reason| at(format!("path control_group: invalid ttl: {reason}")))?;
    }
    if factors.is_empty() {
        return Err(at("requires at least one factor but had none".to_owned()));
    }
    for (index, item) in factors.into_iter().enumerate() {
        factor(item, index).map_err(|line| (item.value.position, vec![line]))?;
    }
    Ok(())
}

/// What the server's decoder takes for a factor.
fn read(item: &Item) -> Result<(), (Position, Vec<String>)> {
    let position = item.value.position;
    let at = |line: String| (position, vec![line]);
    let Kind::Object(body) = &item.value.kind else {
        return Err(at(format!("cannot check HCL keys of type {}", decode::go_type(&item.value))));
    };
    keys(body, &["controlled_capabilities", "identity"], position)?;
    if item.keys.len() < 2 {
        return Err(at("require name key".to_owned()));
    }
    for list in items(body, "controlled_capabilities") {
        decode::strings(list, "root.controlled_capabilities").map_err(|wrong| at(wrong.said()))?;
    }
    for identity in items(body, "identity") {
        let Some(body) = object(identity) else {
            let Position { line, column, .. } = identity.value.position;
            let kind = decode::go_type(&identity.value);
            return Err(at(format!("At {line}:{column}: root.Identity: not an object type for struct ({kind})")));
        };
        for list in items(body, "group_names") {
            decode::strings(list, "root.Identity.group_names").map_err(|wrong| at(wrong.said()))?;
        }
        for count in items(body, "approvals") {
            decode::integer(&count.value, "root.Identity.approvals").map_err(|wrong| at(wrong.said()))?;
        }
    }
    Ok(())
}

/// What a factor must say.
fn factor(item: &Item, index: usize) -> Result<(), String> {
    let empty = Body::default();
    let body = object(item).unwrap_or(&empty);
    let lists = items(body, "controlled_capabilities").filter_map(|list| decode::strings(list, "").ok());
    let controlled: Vec<String> = lists.flatten().map(|(word, _)| word).collect();
    if controlled.is_empty() {
        return Err(format!("factor {index}: missing controlled capabilities"));
    }
    let valid =
        |word: &String| Capability::parse(word).is_some_and(|one| !matches!(one, Capability::Deny | Capability::Sudo));
    if let Some(unknown) = controlled.iter().find(|word| !valid(word)) {
        return Err(format!("path control_group Operation(s) not valid: {unknown}"));
    }
    let identity: Vec<_> = items(body, "identity").filter_map(object).collect();
    let approvals = identity.iter().flat_map(|body| items(body, "approvals"));
    let approved = approvals.into_iter().any(|item| decode::integer(&item.value, "").is_ok_and(|count| count > 0));
    if !identity.is_empty() && !approved {
        return Err(format!("factor {index}: missing required approvals"));
    }
    let groups = identity.iter().flat_map(|body| items(body, "group_names"));
    if !groups.into_iter().any(|item| matches!(&item.value.kind, Kind::List(list) if !list.is_empty())) {
        return Err(format!("factor {index}: missing approving groups"));
    }
    Ok(())
}

fn object(item: &Item) -> Option<&Body> {
    match &item.value.kind {
        Kind::Object(body) => Some(body),
        _ => None,
    }
}

fn keys(body: &Body, known: &[&str], position: Position) -> Result<(), (Position, Vec<String>)> {
    let unknown: Vec<_> = body.items.iter().filter(|item| !known.contains(&first(item))).collect();
    let lines: Vec<_> = unknown.iter().map(|item| decode::invalid_key(item)).collect();
    match unknown.first().and_then(|item| item.keys.first()) {
        Some(key) => Err((key.position, lines)),
        None if lines.is_empty() => Ok(()),
        None => Err((position, lines)),
    }
}
