//! Static analysis: the paths a template reads, for whoever writes its policy.

use std::collections::BTreeSet;

use crate::error::position;
use crate::eval::constant_call;
use crate::syntax::{Branch, Command, Node, Offset, Operand, OperandKind, Pipeline, Trees};
use crate::value::Value;

/// How a path is used.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum AccessKind {
    /// `file`: a path on the file system, no matter of a policy.
    File,
    /// `secrets`: LIST.
    List,
    /// `pkiCert`: a write to an issuing path.
    PkiCert,
    /// `secret` with a path only: GET.
    Read,
    /// `secret` with data: PUT.
    Write,
}

/// A call whose path is known.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub struct Access {
    /// Path as written, trimmed of spaces and slashes; KV v2's `data/` may be missing in it.
    pub path: String,
    /// What is done there.
    pub kind: AccessKind,
    /// 1-based.
    pub line: u32,
    /// 1-based, in characters.
    pub column: u32,
}

/// A call whose path depends on data or environment.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub struct DynamicAccess {
    /// What is done there.
    pub kind: AccessKind,
    /// 1-based.
    pub line: u32,
    /// 1-based, in characters.
    pub column: u32,
    /// The call as the template writes it, shortened.
    pub excerpt: String,
}

/// What a template reads, in the order of the source.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Dependencies {
    /// Calls with a path that is written in the template.
    pub known: Vec<Access>,
    /// Calls that only running the template can resolve.
    pub dynamic: Vec<DynamicAccess>,
}

/// Excerpts are cut here, in characters.
const EXCERPT: usize = 120;

/// Finds every call in every named template, used or not.
pub(crate) fn analyse(trees: &Trees, source: &str) -> Dependencies {
    let mut reassigned = BTreeSet::new();
    for body in trees.values() {
        collect_assigned(body, &mut reassigned);
    }
    let mut analysis = Analysis { source, reassigned, constants: Vec::new(), found: Dependencies::default() };
    for body in trees.values() {
        analysis.nodes(body);
        analysis.constants.clear();
    }
    let mut found = analysis.found;
    found.known.sort_by_key(|access| (access.line, access.column));
    found.dynamic.sort_by_key(|access| (access.line, access.column));
    found
}

/// Names that `=` gives a second value.
fn collect_assigned<'t>(nodes: &'t [Node], names: &mut BTreeSet<&'t str>) {
    let mut of_pipeline = |pipeline: &'t Pipeline| {
        if pipeline.assigns {
            names.extend(pipeline.targets.iter().map(|name| &**name));
        }
    };
    for node in nodes {
        match node {
            Node::Action(pipeline) => of_pipeline(pipeline),
            Node::If(branch) | Node::With(branch) | Node::Range(branch) => of_pipeline(&branch.condition),
            _ => {}
        }
    }
    for node in nodes {
        if let Node::If(branch) | Node::With(branch) | Node::Range(branch) = node {
            collect_assigned(&branch.body, names);
            collect_assigned(branch.otherwise.as_deref().unwrap_or_default(), names);
        }
    }
}

struct Analysis<'t> {
    source: &'t str,
    reassigned: BTreeSet<&'t str>,
    /// Variables in scope, with their value when it is always the same.
    constants: Vec<(&'t str, Option<Value<'t>>)>,
    found: Dependencies,
}

impl<'t> Analysis<'t> {
    fn nodes(&mut self, nodes: &'t [Node]) {
        for node in nodes {
            match node {
                Node::Action(pipeline) => self.pipeline(pipeline, false),
                Node::If(branch) | Node::With(branch) => self.branch(branch, false),
                Node::Range(branch) => self.branch(branch, true),
                Node::Template { argument: Some(pipeline), .. } => self.pipeline(pipeline, false),
                _ => {}
            }
        }
    }

    fn branch(&mut self, branch: &'t Branch, is_range: bool) {
        let scope = self.constants.len();
        self.pipeline(&branch.condition, is_range);
        let inner = self.constants.len();
        self.nodes(&branch.body);
        self.constants.truncate(inner);
        self.nodes(branch.otherwise.as_deref().unwrap_or_default());
        self.constants.truncate(scope);
    }

    /// Reports the calls in a pipeline and remembers its variables. In a range they take other values than the pipeline's.
    fn pipeline(&mut self, pipeline: &'t Pipeline, is_range: bool) {
        let mut last = None;
        for (index, command) in pipeline.commands.iter().enumerate() {
            self.command(command, index > 0, last.as_ref(), pipeline.end);
            last = self.constant_command(command, index > 0, last);
        }
        if !pipeline.assigns {
            for name in &pipeline.targets {
                self.constants.push((name, last.clone().filter(|_| !is_range)));
            }
        }
    }

    fn command(&mut self, command: &'t Command, is_piped: bool, last: Option<&Value<'t>>, end: Offset) {
        if let OperandKind::Function(function) = &command.first.kind {
            let count = command.arguments.len() + usize::from(is_piped);
            let kind = match (function.name, count) {
                ("file", _) => Some(AccessKind::File),
                ("secrets", _) => Some(AccessKind::List),
                ("pkiCert", 1..) => Some(AccessKind::PkiCert),
                ("secret", 1) => Some(AccessKind::Read),
                ("secret", 2..) => Some(AccessKind::Write),
                _ => None,
            };
            if let Some(kind) = kind {
                let path = match command.arguments.first() {
                    Some(operand) => self.constant(operand),
                    None => last.cloned(),
                };
                self.report(kind, path.as_ref(), command.first.at, end);
            }
        }
        self.operand(&command.first);
        for operand in &command.arguments {
            self.operand(operand);
        }
    }

    fn operand(&mut self, operand: &'t Operand) {
        match &operand.kind {
            OperandKind::Parenthesis(pipeline) => self.pipeline(pipeline, false),
            OperandKind::Chain(inner, _) => self.operand(inner),
            _ => {}
        }
    }

    fn report(&mut self, kind: AccessKind, path: Option<&Value<'t>>, at: Offset, end: Offset) {
        let (line, column) = position(self.source, at);
        let path = path.and_then(Value::string_kind).map(|path| {
            let path = path.lossy();
            let path = path.trim();
            if kind == AccessKind::File { path.to_owned() } else { path.trim_matches('/').to_owned() }
        });
        match path {
            Some(path) => self.found.known.push(Access { path, kind, line, column }),
            None => {
                let call = self.source.get(at as usize..end as usize).unwrap_or_default();
                let call = call.split_whitespace().collect::<Vec<_>>().join(" ");
                let excerpt = call.chars().take(EXCERPT).collect();
                self.found.dynamic.push(DynamicAccess { kind, line, column, excerpt });
            }
        }
    }

    fn constant(&self, operand: &'t Operand) -> Option<Value<'t>> {
        match &operand.kind {
            OperandKind::Text(text) => Some(Value::text(&**text)),
            OperandKind::Number(number) => number.int.filter(|_| !number.written_as_float).map(Value::int),
            OperandKind::Variable(name, path) if path.is_empty() && !self.reassigned.contains(&**name) => {
                self.constants.iter().rev().find(|(known, _)| *known == &**name)?.1.clone()
            }
            OperandKind::Parenthesis(pipeline) => {
                let mut last = None;
                for (index, command) in pipeline.commands.iter().enumerate() {
                    last = Some(self.constant_command(command, index > 0, last)?);
                }
                last
            }
            _ => None,
        }
    }

    fn constant_command(&self, command: &'t Command, is_piped: bool, last: Option<Value<'t>>) -> Option<Value<'t>> {
        let OperandKind::Function(function) = &command.first.kind else {
            return if command.arguments.is_empty() && !is_piped { self.constant(&command.first) } else { None };
        };
        let mut arguments =
            command.arguments.iter().map(|operand| self.constant(operand)).collect::<Option<Vec<_>>>()?;
        if is_piped {
            arguments.push(last?);
        }
        constant_call(function, arguments)
    }
}

#[cfg(test)]
mod tests;
