//! Manifests with the places of their keys.

use blinkchamber_hcl::Position;
use granit_parser::{Event, Parser, Span};

/// A value of a YAML document.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) position: Position,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Map(Vec<(Node, Node)>),
    List(Vec<Node>),
    Scalar(String),
    Alias,
}

/// Deeper than any manifest.
const MAX_DEPTH: usize = 64;

/// The first document of a text, if it can be read; places count from the start of the file.
pub(super) fn parse(text: &str, lines_before: usize, bytes_before: usize) -> Option<Node> {
    let options = granit_parser::options! { emit_comments: false, block_scalar_eof_without_line_feed: true };
    let mut reader =
        Reader { parser: Parser::new_from_str_with_options(text, options), text, lines_before, bytes_before };
    loop {
        match reader.next()? {
            (Event::StreamStart | Event::DocumentStart(..), _) => {}
            (Event::StreamEnd, _) => return None,
            (event, span) => return reader.node(event, span, 0),
        }
    }
}

struct Reader<'t> {
    parser: Parser<'t, granit_parser::StrInput<'t>>,
    text: &'t str,
    lines_before: usize,
    bytes_before: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Option<(Event<'t>, Span)> {
        self.parser.next_event()?.ok()
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Option<Node> {
        if depth > MAX_DEPTH {
            return None;
        }
        let position = self.position(span);
        let kind = match event {
            Event::Scalar(text, ..) => Kind::Scalar(text.into_owned()),
            Event::Alias(_) => Kind::Alias,
            Event::SequenceStart(..) => {
                let mut list = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break Kind::List(list),
                        (event, span) => list.push(self.node(event, span, depth + 1)?),
                    }
                }
            }
            Event::MappingStart(..) => {
                let mut map = Vec::new();
                loop {
                    match self.next()? {
                        (Event::MappingEnd, _) => break Kind::Map(map),
                        (event, span) => {
                            let key = self.node(event, span, depth + 1)?;
                            let (event, span) = self.next()?;
                            map.push((key, self.node(event, span, depth + 1)?));
                        }
                    }
                }
            }
            _ => return None,
        };
        Some(Node { position, kind })
    }

    fn position(&self, span: Span) -> Position {
        let (line, column) = (span.start.line(), span.start.col());
        let start: usize = self.text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let rest = self.text.get(start..).unwrap_or_default();
        let inner: usize = rest.chars().take(column).map(char::len_utf8).sum();
        Position { line: line + self.lines_before, column: column + 1, offset: start + inner + self.bytes_before }
    }
}

impl Node {
    /// What stands under a key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
    }

    /// What stands under keys, one in another.
    pub(super) fn path(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// Keys and values of a mapping.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&Self, &Self)> {
        let entries: &[(Self, Self)] = if let Kind::Map(entries) = &self.kind { entries } else { &[] };
        entries.iter().map(|(key, value)| (key, value))
    }

    /// Elements of a list.
    pub(super) fn elements(&self) -> &[Self] {
        if let Kind::List(list) = &self.kind { list } else { &[] }
    }

    /// A scalar's text.
    pub(super) fn text(&self) -> Option<&str> {
        if let Kind::Scalar(text) = &self.kind { Some(text) } else { None }
    }

    /// The objects of a document: itself, or the items of a `List`.
    pub(super) fn objects(&self) -> Vec<&Self> {
        let list = self.get("kind").and_then(Self::text).is_some_and(|kind| kind.ends_with("List"));
        match self.get("items").filter(|_| list) {
            Some(items) => items.elements().iter().flat_map(Self::objects).collect(),
            None => vec![self],
        }
    }
}
