//! Executes a tree the way Go's `text/template/exec` does, against a snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::error::Fault;
use crate::functions::random::Random;
use crate::syntax::{Branch, Node, Offset, Pipeline, Trees};
use crate::value::{List, Value};
use crate::{Dependency, FileWrite, Options, Snapshot, format};

mod call;
mod field;

pub(crate) use call::constant_call;

/// Steps of one rendering: about a second of work.
const MAX_STEPS: u64 = 10_000_000;
/// Bytes of one string and of the output.
pub(crate) const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Elements of one list.
pub(crate) const MAX_ITEMS: usize = 1_000_000;
/// Nested bodies and parentheses, over all templates that call each other.
const MAX_DEPTH: usize = 400;

/// One execution.
pub(crate) struct Eval<'a> {
    pub(crate) options: &'a Options,
    pub(crate) snapshot: &'a Snapshot,
    trees: &'a Trees,
    /// Where the execution is, for the error.
    pub(crate) at: Offset,
    pub(crate) output: Vec<u8>,
    variables: Vec<(&'a str, Value<'a>)>,
    steps: u64,
    depth: usize,
    pub(crate) scratch: BTreeMap<Vec<u8>, Value<'a>>,
    pub(crate) random: Option<Random>,
    pub(crate) known: BTreeMap<Dependency, Value<'a>>,
    pub(crate) missing: BTreeSet<Dependency>,
    pub(crate) used: BTreeSet<Dependency>,
    pub(crate) writes: Vec<FileWrite>,
}

/// How a node ended.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Flow {
    Next,
    Break,
    Continue,
}

impl<'a> Eval<'a> {
    pub(crate) fn new(trees: &'a Trees, options: &'a Options, snapshot: &'a Snapshot) -> Self {
        Self {
            options,
            snapshot,
            trees,
            at: 0,
            output: Vec::new(),
            variables: Vec::new(),
            steps: 0,
            depth: 0,
            scratch: BTreeMap::new(),
            random: snapshot.seed.map(Random::new),
            known: BTreeMap::new(),
            missing: BTreeSet::new(),
            used: BTreeSet::new(),
            writes: Vec::new(),
        }
    }

    /// Runs a named template with its own variables; output goes where output goes.
    pub(crate) fn run(&mut self, name: &str, dot: Value<'a>) -> Result<(), Fault> {
        let body = self.trees.get(name).ok_or_else(|| Fault::UndefinedTemplate(name.to_owned()))?;
        let outer = std::mem::replace(&mut self.variables, vec![("$", dot.clone())]);
        let result = self.walk(&dot, body);
        self.variables = outer;
        result.map(|_| ())
    }

    /// Counts work that a function is about to do.
    pub(crate) fn spend(&mut self, steps: usize) -> Result<(), Fault> {
        self.steps = self.steps.saturating_add(steps as u64);
        if self.steps > MAX_STEPS { Err(Fault::Limit("work: 10 million steps")) } else { Ok(()) }
    }

    fn walk(&mut self, dot: &Value<'a>, nodes: &'a [Node]) -> Result<Flow, Fault> {
        self.deeper()?;
        for node in nodes {
            let flow = self.node(dot, node)?;
            if flow != Flow::Next {
                self.depth -= 1;
                return Ok(flow);
            }
        }
        self.depth -= 1;
        Ok(Flow::Next)
    }

    fn deeper(&mut self) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            Err(Fault::Limit("depth: 400 nested blocks, templates and parentheses"))
        } else {
            Ok(())
        }
    }

    fn node(&mut self, dot: &Value<'a>, node: &'a Node) -> Result<Flow, Fault> {
        self.spend(1)?;
        match node {
            Node::Text(text) => self.emit(text.as_bytes())?,
            Node::Action(pipeline) => {
                let value = self.pipeline(dot, pipeline)?;
                if pipeline.targets.is_empty() {
                    self.print(&value)?;
                }
            }
            Node::If(branch) => return self.branch(dot, branch, false),
            Node::With(branch) => return self.branch(dot, branch, true),
            Node::Range(branch) => return self.range(dot, branch),
            Node::Template { at, name, argument } => {
                let dot = match argument {
                    Some(pipeline) => self.pipeline(dot, pipeline)?,
                    None => Value::Invalid,
                };
                self.at = *at;
                self.run(name, dot)?;
            }
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn print(&mut self, value: &Value<'a>) -> Result<(), Fault> {
        let text = format::printed(value)?;
        self.emit(&text)
    }

    fn emit(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if self.output.len() + bytes.len() > MAX_BYTES {
            return Err(Fault::Limit("output: 16 MiB"));
        }
        self.output.extend_from_slice(bytes);
        Ok(())
    }

    fn branch(&mut self, dot: &Value<'a>, branch: &'a Branch, changes_dot: bool) -> Result<Flow, Fault> {
        let scope = self.variables.len();
        self.at = branch.at;
        let value = self.pipeline(dot, &branch.condition)?;
        let flow = match (value.truth(), &branch.otherwise) {
            (true, _) => self.walk(if changes_dot { &value } else { dot }, &branch.body)?,
            (false, Some(body)) => self.walk(dot, body)?,
            (false, None) => Flow::Next,
        };
        self.variables.truncate(scope);
        Ok(flow)
    }

    fn range(&mut self, dot: &Value<'a>, branch: &'a Branch) -> Result<Flow, Fault> {
        let scope = self.variables.len();
        self.at = branch.at;
        let value = self.pipeline(dot, &branch.condition)?;
        self.at = branch.condition.at;
        let ran = match &value {
            Value::List(list) => self.range_list(branch, list)?,
            Value::Map(map) => {
                let entries: Vec<_> = map.entries.borrow().iter().map(|(k, v)| (k.value(), v.clone())).collect();
                let any = !entries.is_empty();
                for (key, value) in entries {
                    if self.iteration(branch, key, value)? == Flow::Break {
                        break;
                    }
                }
                any
            }
            Value::Loop(channel) => {
                let mut index = 0;
                loop {
                    let (next, end) = channel.get();
                    if next >= end {
                        break;
                    }
                    channel.set((next + 1, end));
                    let flow = self.iteration(branch, Value::int(index), Value::int64(next))?;
                    index += 1;
                    if flow == Flow::Break {
                        break;
                    }
                }
                index > 0
            }
            Value::Int(..) | Value::Uint(..) => self.range_number(branch, &value)?,
            Value::Invalid => false,
            other => return Err(Fault::Range(other.type_name())),
        };
        let flow = match (&branch.otherwise, ran) {
            (Some(body), false) => self.walk(dot, body)?,
            _ => Flow::Next,
        };
        self.variables.truncate(scope);
        Ok(flow)
    }

    fn range_list(&mut self, branch: &'a Branch, list: &Rc<List<'a>>) -> Result<bool, Fault> {
        for (index, item) in list.items.iter().enumerate() {
            let index = Value::int(i64::try_from(index).unwrap_or(i64::MAX));
            if self.iteration(branch, index, item.clone())? == Flow::Break {
                break;
            }
        }
        Ok(!list.items.is_empty())
    }

    fn range_number(&mut self, branch: &'a Branch, count: &Value<'a>) -> Result<bool, Fault> {
        if branch.condition.targets.len() > 1 {
            return Err(Fault::Range("integer with two variables"));
        }
        let mut next = 0;
        loop {
            let item = match count {
                Value::Int(end, of) if next < *end => Value::Int(next, *of),
                Value::Uint(end, of) if next.unsigned_abs() < *end => Value::Uint(next.unsigned_abs(), *of),
                _ => return Ok(next > 0),
            };
            next += 1;
            if self.iteration(branch, Value::Invalid, item)? == Flow::Break {
                return Ok(true);
            }
        }
    }

    fn iteration(&mut self, branch: &'a Branch, index: Value<'a>, item: Value<'a>) -> Result<Flow, Fault> {
        self.spend(1)?;
        let scope = self.variables.len();
        match branch.condition.targets.as_slice() {
            [one] => self.set(one, item.clone(), branch.condition.assigns)?,
            [first, second] => {
                self.set(first, index, branch.condition.assigns)?;
                self.set(second, item.clone(), branch.condition.assigns)?;
            }
            _ => {}
        }
        let flow = self.walk(&item, &branch.body)?;
        self.variables.truncate(scope);
        Ok(flow)
    }

    fn pipeline(&mut self, dot: &Value<'a>, pipeline: &'a Pipeline) -> Result<Value<'a>, Fault> {
        self.spend(1)?;
        self.deeper()?;
        self.at = pipeline.at;
        let mut value = None;
        for command in &pipeline.commands {
            value = Some(self.command(dot, command, value)?.dug());
        }
        let value = value.unwrap_or(Value::Invalid);
        for target in &pipeline.targets {
            self.set(target, value.clone(), pipeline.assigns)?;
        }
        self.depth -= 1;
        Ok(value)
    }

    fn set(&mut self, name: &'a str, value: Value<'a>, assigns: bool) -> Result<(), Fault> {
        if !assigns {
            self.variables.push((name, value));
            return Ok(());
        }
        let slot = self.variables.iter_mut().rev().find(|(known, _)| *known == name);
        let (_, slot) = slot.ok_or_else(|| Fault::UndefinedVariable(name.to_owned()))?;
        *slot = value;
        Ok(())
    }

    fn variable(&self, name: &str) -> Result<Value<'a>, Fault> {
        let found = self.variables.iter().rev().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.clone()).ok_or_else(|| Fault::UndefinedVariable(name.to_owned()))
    }
}
