//! The path blocks of all policies of a token, those of the same pattern made one rule.

use std::collections::{BTreeMap, HashMap};

use super::{AclError, Context, IdentityError, Kind, Origin, Pattern, Rule, Source, identity};
use crate::policy::{Capability, Constraints, Parameter, PathRule};

/// Merges in the order of the sources.
pub(super) fn rules(context: Context<'_>, sources: &[Source<'_>]) -> Result<Vec<Rule>, AclError> {
    let mut rules: Vec<Rule> = Vec::new();
    let mut known: HashMap<Pattern, usize> = HashMap::new();
    for (source, given) in sources.iter().enumerate() {
        for block in &given.policy.rules {
            let failed = |source| AclError { policy: given.name.to_owned(), path: block.path.clone(), source };
            // A template that gives no value drops its block, also one that denies.
            let Some(path) = identity::expand(&block.path, context, given).map_err(failed)? else { continue };
            if block.expired {
                continue;
            }
            let pattern = pattern(&path, given.namespace).map_err(failed)?;
            let origin = Origin {
                source,
                path: block.path.clone(),
                position: block.position,
                capabilities: block.capabilities.iter().copied().collect(),
            };
            match known.get(&pattern).and_then(|index| rules.get_mut(*index)) {
                Some(rule) => merge(rule, block, origin),
                None => {
                    known.insert(pattern.clone(), rules.len());
                    rules.push(Rule {
                        pattern,
                        capabilities: origin.capabilities,
                        constraints: block.constraints.clone(),
                        origins: vec![origin],
                    });
                }
            }
        }
    }
    Ok(rules)
}

fn pattern(path: &str, namespace: &str) -> Result<Pattern, IdentityError> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = if namespace.is_empty() { path.to_owned() } else { format!("{namespace}/{path}") };
    let pattern = Pattern::new(&path);
    // Only a template's value can bring it in: the parser refuses the rest.
    if pattern.kind == Kind::Segment && path.contains("+*") {
        return Err(IdentityError::Wildcards);
    }
    Ok(pattern)
}

fn merge(rule: &mut Rule, block: &PathRule, origin: Origin) {
    let new = origin.capabilities;
    rule.origins.push(origin);
    if rule.capabilities.contains(Capability::Deny) {
        return;
    }
    if new.contains(Capability::Deny) {
        rule.capabilities = new;
        rule.constraints.allowed.clear();
        rule.constraints.denied.clear();
        return;
    }
    rule.capabilities = rule.capabilities.union(new);
    constrain(&mut rule.constraints, &block.constraints);
}

fn constrain(old: &mut Constraints, new: &Constraints) {
    shorter(&mut old.max_wrapping_ttl, new.max_wrapping_ttl);
    shorter(&mut old.min_wrapping_ttl, new.min_wrapping_ttl);
    parameters(&mut old.allowed, &new.allowed);
    parameters(&mut old.denied, &new.denied);
    unite(&mut old.required, &new.required);
    unite(&mut old.mfa_methods, &new.mfa_methods);
    if new.pagination_limit > 0 && (old.pagination_limit <= 0 || new.pagination_limit < old.pagination_limit) {
        old.pagination_limit = new.pagination_limit;
    }
    if old.list_filter.is_none() {
        old.list_filter.clone_from(&new.list_filter);
    }
    old.control_group |= new.control_group;
}

/// The shorter one wins; a negative one that came first stays, as in the server.
fn shorter(old: &mut i128, new: i128) {
    if new > 0 && (*old == 0 || new < *old) {
        *old = new;
    }
}

/// Values add up, and no values (any value) wins.
fn parameters(old: &mut BTreeMap<String, Vec<Parameter>>, new: &BTreeMap<String, Vec<Parameter>>) {
    for (name, values) in new {
        match old.get_mut(name) {
            Some(old) if old.is_empty() || values.is_empty() => old.clear(),
            Some(old) => old.extend(values.iter().cloned()),
            None => {
                old.insert(name.clone(), values.clone());
            }
        }
    }
}

fn unite(old: &mut Vec<String>, new: &[String]) {
    for name in new {
        if !old.contains(name) {
            old.push(name.clone());
        }
    }
}
