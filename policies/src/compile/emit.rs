//! Grants as HCL.

use blinkchamber_hcl::{Body, Item, Key, Kind, Position, PrintError, Value, print};

use super::grant::Grants;
use crate::policy::Capability;

/// The text of a policy: a heading, then one block for each path, each under the places that asked for it.
pub(super) fn policy(heading: &str, grants: &Grants) -> Result<String, PrintError> {
    let mut blocks: Vec<(Vec<String>, Item)> = Vec::new();
    for (path, grant) in &grants.rules {
        let body = vec![attribute("capabilities", words(grant.capabilities.iter().copied()))];
        blocks.push((grant.because.iter().cloned().collect(), block(path, body)));
    }
    if !grants.leases.is_empty() {
        let mut because =
            vec!["the agent gives back what it replaced; the default policy only lets it renew".to_owned()];
        because.extend(grants.leases.values().flatten().map(|place| format!("{place}: leases")));
        because.dedup();
        let prefixes = grants.leases.keys().map(|path| string(format!("{path}/*"))).collect();
        let parameters = Kind::Object(Body { items: vec![attribute("lease_id", Kind::List(prefixes))] });
        let body =
            vec![attribute("capabilities", words([Capability::Update])), attribute("allowed_parameters", parameters)];
        blocks.push((because, block("sys/leases/revoke", body)));
    }
    let rules = print(blocks.iter().map(|(because, item)| (because.as_slice(), item)))?;
    let gap = if rules.is_empty() { "" } else { "\n" };
    Ok(format!("# {heading}\n{gap}{rules}"))
}

fn words(capabilities: impl IntoIterator<Item = Capability>) -> Kind {
    Kind::List(capabilities.into_iter().map(|capability| string(capability.word().to_owned())).collect())
}

fn string(text: String) -> Value {
    value(Kind::String(text))
}

fn value(kind: Kind) -> Value {
    Value { kind, position: Position::default() }
}

fn attribute(name: &str, kind: Kind) -> Item {
    Item { keys: vec![key(name)], value: value(kind), assigned: true }
}

fn block(path: &str, items: Vec<Item>) -> Item {
    Item { keys: vec![key("path"), key(path)], value: value(Kind::Object(Body { items })), assigned: false }
}

fn key(text: &str) -> Key {
    Key { text: text.to_owned(), position: Position::default() }
}
