//! Where two tokens differ: every kind of path that the rules of both can tell apart is asked about.
//!
//! Rules look at a path segment by segment, so it is enough to walk through all that their segments can tell apart: each
//! segment that is written out, each beginning before a star, the empty one, and one that nobody wrote.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use super::{Acl, Kind, Operation, Rule};
use crate::policy::{Capability, CapabilitySet};

/// A change, with the shortest path found that shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Change<'a> {
    /// A path that shows it.
    pub witness: String,
    /// What the second token may do there and the first may not.
    pub gained: CapabilitySet,
    /// What the first token may do there and the second may not.
    pub lost: CapabilitySet,
    /// The answering rules ask other conditions of requests, while both grant something.
    pub conditions: bool,
    /// The rule that answers to the first token.
    pub before: Option<&'a Rule>,
    /// The rule that answers to the second token.
    pub after: Option<&'a Rule>,
}

/// Every change, and whether all paths were looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference<'a> {
    /// One for each pair of rules that answer differently, in the order of the witnesses.
    pub changes: Vec<Change<'a>>,
    /// False when the rules tell more paths apart than can be walked through.
    pub complete: bool,
}

/// More segments than this nobody's rules need.
const MOST_STEPS: usize = 500_000;

/// Compares what two tokens may do.
#[must_use]
pub fn difference<'a>(before: &'a Acl, after: &'a Acl) -> Difference<'a> {
    let mut changes: BTreeMap<(Option<String>, Option<String>, bool), Change<'a>> = BTreeMap::new();
    let complete = walk(before, after, |path| {
        for change in at(before, after, path) {
            let name = |rule: Option<&Rule>| rule.map(|rule| rule.pattern.to_string());
            let listing = change.gained.contains(Capability::List) || change.lost.contains(Capability::List);
            changes.entry((name(change.before), name(change.after), listing)).or_insert(change);
        }
    });
    let mut changes: Vec<_> = changes.into_values().collect();
    changes.sort_by(|left, right| left.witness.cmp(&right.witness));
    Difference { changes, complete }
}

/// What a token may do at a path: lists follow rules of their own.
#[must_use]
pub fn effective(acl: &Acl, path: &str) -> CapabilitySet {
    part(acl.lookup(path, Operation::Read), false).union(part(acl.lookup(path, Operation::List), true))
}

/// What of a rule's capabilities counts for listing operations, or for the others.
fn part(rule: Option<&Rule>, listing: bool) -> CapabilitySet {
    let granted = rule.map(|rule| rule.capabilities.granted()).unwrap_or_default();
    granted.iter().filter(|one| matches!(one, Capability::List | Capability::Scan) == listing).collect()
}

/// The changes at one path: of the listing operations, and of the others.
fn at<'a>(before: &'a Acl, after: &'a Acl, path: &str) -> Vec<Change<'a>> {
    let mut changes: Vec<Change<'a>> = Vec::new();
    for (operation, listing) in [(Operation::Read, false), (Operation::List, true)] {
        let (old, new) = (before.lookup(path, operation), after.lookup(path, operation));
        let (had, has) = (part(old, listing), part(new, listing));
        let (gained, lost) = (has.without(had), had.without(has));
        let both = !had.is_empty() && !has.is_empty();
        let conditions = both && old.map(|rule| &rule.constraints) != new.map(|rule| &rule.constraints);
        if gained.is_empty() && lost.is_empty() && !conditions {
            continue;
        }
        let same = |change: &&mut Change<'a>| change.before == old && change.after == new;
        match changes.iter_mut().find(same) {
            Some(change) => {
                change.gained = change.gained.union(gained);
                change.lost = change.lost.union(lost);
                change.conditions |= conditions;
            }
            None => {
                changes.push(Change { witness: path.to_owned(), gained, lost, conditions, before: old, after: new })
            }
        }
    }
    changes
}

/// The patterns of both tokens, segment by segment.
#[derive(Default)]
struct Nodes {
    nodes: Vec<Node>,
}

#[derive(Default)]
struct Node {
    literal: BTreeMap<String, usize>,
    any: Option<usize>,
    /// What stands before a star, and the numbers of the patterns.
    open: BTreeMap<String, Vec<usize>>,
}

/// What is left to be decided behind some segments.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct State {
    /// Nodes that the segments lead to.
    alive: BTreeSet<usize>,
    /// The best pattern with a star that matches by now, of either token.
    open: [Option<usize>; 2],
}

/// Calls back for a path of every kind, shorter ones first. False when there are too many.
fn walk(before: &Acl, after: &Acl, mut visit: impl FnMut(&str)) -> bool {
    visit("");
    let nodes = Nodes::new([before, after]);
    let start = State { alive: BTreeSet::from([0]), open: [None, None] };
    let mut seen = HashSet::from([start.clone()]);
    let mut queue = VecDeque::from([(start, None::<String>)]);
    let mut steps = 0;
    while let Some((state, path)) = queue.pop_front() {
        for segment in nodes.segments(&state) {
            // A leading slash is cut off, so the first segment is never empty.
            if path.is_none() && segment.is_empty() {
                continue;
            }
            steps += 1;
            if steps > MOST_STEPS {
                return false;
            }
            let path = path.as_ref().map_or_else(|| segment.clone(), |path| format!("{path}/{segment}"));
            visit(&path);
            let next = nodes.step(&state, &segment);
            if !next.alive.is_empty() && seen.insert(next.clone()) {
                queue.push_back((next, Some(path)));
            }
        }
    }
    true
}

impl Nodes {
    fn new(acls: [&Acl; 2]) -> Self {
        let mut nodes = Self { nodes: vec![Node::default()] };
        for (side, acl) in acls.into_iter().enumerate() {
            for (rank, rule) in acl.ranked.iter().enumerate() {
                if let Some(rule) = acl.rules.get(*rule) {
                    nodes.insert(rule, rank * 2 + side);
                }
            }
            for rule in acl.rules.iter().filter(|rule| rule.pattern.kind == Kind::Exact) {
                nodes.insert(rule, 0);
            }
        }
        nodes
    }

    fn insert(&mut self, rule: &Rule, number: usize) {
        let pattern = &rule.pattern;
        let mut at = 0;
        let mut segments = pattern.text.split('/').peekable();
        while let Some(segment) = segments.next() {
            if pattern.open && segments.peek().is_none() {
                if let Some(node) = self.nodes.get_mut(at) {
                    node.open.entry(segment.to_owned()).or_default().push(number);
                }
                return;
            }
            at = self.child(at, segment, segment == "+" && pattern.kind == Kind::Segment);
        }
    }

    fn child(&mut self, at: usize, segment: &str, any: bool) -> usize {
        let new = self.nodes.len();
        let Some(node) = self.nodes.get_mut(at) else { return at };
        let child =
            if any { *node.any.get_or_insert(new) } else { *node.literal.entry(segment.to_owned()).or_insert(new) };
        if child == new {
            self.nodes.push(Node::default());
        }
        child
    }

    fn alive<'a>(&'a self, state: &'a State) -> impl Iterator<Item = &'a Node> {
        state.alive.iter().filter_map(|node| self.nodes.get(*node))
    }

    /// Segments of every kind that the patterns tell apart here.
    fn segments(&self, state: &State) -> BTreeSet<String> {
        let literals: BTreeSet<&str> =
            self.alive(state).flat_map(|node| node.literal.keys().map(String::as_str)).collect();
        let mut beginnings: BTreeSet<&str> =
            self.alive(state).flat_map(|node| node.open.keys().map(String::as_str)).collect();
        beginnings.insert("");
        let mut segments: BTreeSet<String> =
            literals.iter().chain(&beginnings).map(|text| (*text).to_owned()).collect();
        for beginning in &beginnings {
            // Goes on as nothing that is written down does.
            let mut fresh = format!("{beginning}x");
            let known = |text: &str| {
                let longer = |other: &&str| other.len() > beginning.len() && text.starts_with(*other);
                literals.contains(text) || text == "+" || beginnings.iter().any(longer)
            };
            for letter in ('a'..='z').cycle().take(200) {
                if !known(&fresh) {
                    break;
                }
                fresh = format!("{beginning}{letter}{}", "x".repeat(fresh.len() - beginning.len()));
            }
            segments.insert(fresh);
        }
        segments
    }

    fn step(&self, state: &State, segment: &str) -> State {
        let mut next = State { alive: BTreeSet::new(), open: state.open };
        for node in self.alive(state) {
            next.alive.extend(node.literal.get(segment).copied());
            next.alive.extend(node.any);
            for numbers in
                node.open.iter().filter(|(beginning, _)| segment.starts_with(*beginning)).map(|(_, numbers)| numbers)
            {
                for number in numbers {
                    if let Some(best) = next.open.get_mut(number % 2) {
                        *best = (*best).max(Some(*number));
                    }
                }
            }
        }
        next
    }
}
