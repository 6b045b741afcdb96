//! From the tree to the text.

use super::tree::{File, Group, Item, Literal, Value};
use crate::Position;

/// Stands before lines that keep their own indentation; no source can hold it.
const KEEP: char = '\u{e123}';

/// Prints a file, with a line end behind its last line.
pub(super) fn print(file: &File<'_>) -> String {
    let alone = file.groups.iter().filter(|group| !group.owned).collect();
    let mut printer = Printer { file, alone, printed: Position::default() };
    let mut out = unmarked(&printer.items(&file.items));
    out.push('\n');
    out
}

struct Printer<'a> {
    file: &'a File<'a>,
    /// Comments that belong to nobody, in the order of the text.
    alone: Vec<&'a Group<'a>>,
    /// Where the item printed last begins, or where its brace closes: comments before it are done with.
    printed: Position,
}

impl Printer<'_> {
    /// The items of the file.
    fn items(&mut self, items: &[Item<'_>]) -> String {
        let mut out = String::new();
        for index in 0..=items.len() {
            let item = items.get(index);
            for group in self.between(item.map(|item| item.position)) {
                if item.is_none() && self.printed.line > 0 {
                    out.push_str("\n\n");
                }
                for text in group.iter().map(|(_, text)| text) {
                    out.push_str(text);
                    out.push('\n');
                }
                if item.is_some() {
                    out.push('\n');
                }
            }
            let Some(item) = item else { break };
            self.printed = item.position;
            out.push_str(&self.item(item));
            if let Some(next) = items.get(index + 1) {
                let close = next.position.line == item.position.line + 1;
                out.push_str(if close && is_empty_block(item) && is_empty_block(next) { "\n" } else { "\n\n" });
            }
        }
        out
    }

    /// Comments that stand alone between what was printed last and what is next, by groups.
    fn between(&self, next: Option<Position>) -> Vec<Vec<(Position, String)>> {
        let after = |position: Position| self.printed.line == 0 || position.offset > self.printed.offset;
        let before = |position: Position| next.is_none_or(|next| position.offset < next.offset);
        let done = |group: &&Group<'_>| group.comments.last().is_none_or(|last| !after(last.position));
        let start = self.alone.partition_point(done);
        let near = self.alone.iter().skip(start);
        let near = near.take_while(|group| group.comments.first().is_some_and(|first| before(first.position)));
        let groups = near.map(|group| {
            let inside = group.comments.iter().filter(|one| after(one.position) && before(one.position));
            inside.map(|one| (one.position, one.text.to_owned())).collect::<Vec<_>>()
        });
        groups.filter(|group| !group.is_empty()).collect()
    }

    /// The comments of an item or an element. A comment of several lines keeps them as they are: the servers' layout
    /// moves them to the right each time.
    fn comments(&self, group: Option<usize>) -> impl Iterator<Item = String> {
        let group = group.and_then(|group| self.file.groups.get(group));
        group.into_iter().flat_map(|group| group.comments.iter().map(|comment| kept(comment.text)))
    }

    fn item(&mut self, item: &Item<'_>) -> String {
        let behind = item.value.position().line == item.position.line;
        let mut out = String::new();
        for text in self.comments(item.lead).chain(self.comments(item.line.filter(|_| !behind))) {
            out.push_str(&text);
            out.push('\n');
        }
        for key in &item.keys {
            out.push_str(key);
            out.push(' ');
        }
        if item.assigned {
            out.push_str("= ");
        }
        out.push_str(&self.value(&item.value));
        if let Some(group) = item.line.filter(|_| behind) {
            out.push(' ');
            out.extend(self.comments(Some(group)));
        }
        out
    }

    fn value(&mut self, value: &Value<'_>) -> String {
        match value {
            Value::Literal(literal) => written(literal),
            Value::List { open, elements } if on_one_line(*open, elements) => one_line(elements),
            Value::List { elements, .. } => self.list(elements),
            Value::Object { items, close, .. } => self.object(items, *close),
        }
    }

    fn object(&mut self, items: &[Item<'_>], close: Position) -> String {
        let mut out = String::from("{");
        let mut index = 0;
        let (mut commented, mut opened) = (false, false);
        loop {
            let next = items.get(index).map_or(close, |item| item.position);
            for group in self.between(Some(next)) {
                if !opened {
                    opened = true;
                    out.push('\n');
                }
                let mut last = Position::default();
                for (position, text) in group {
                    if index > 0 {
                        commented = true;
                        out.push('\n');
                    }
                    last = position;
                    out.push_str(&indented(&kept(&text)));
                }
                out.push('\n');
                if index < items.len() && next.line != last.line + 1 {
                    out.push('\n');
                }
            }
            if index == items.len() {
                self.printed = close;
                break;
            }
            if !opened {
                opened = true;
                out.push('\n');
            }
            let aligned = self.neighbours(items, index);
            if !commented && index + aligned != aligned {
                out.push('\n');
            }
            let count = aligned.max(1);
            let these = items.get(index..index + count).unwrap_or_default();
            self.printed = these.last().map_or(self.printed, |item| item.position);
            let text = match these {
                [item] if aligned == 0 => self.item(item),
                these => self.aligned(these),
            };
            out.push_str(&indented(&text));
            out.push('\n');
            index += count;
        }
        out.push('}');
        out
    }

    /// How many items from here on are one-liners on adjacent lines.
    fn neighbours(&mut self, items: &[Item<'_>], start: usize) -> usize {
        if items.len() == 1 {
            return 0;
        }
        let line = |index: Option<usize>| index.and_then(|index| items.get(index)).map_or(0, |item| item.position.line);
        let mut index = start;
        while let Some(item) = items.get(index) {
            if self.is_tall(item) {
                break;
            }
            let (before, here, next) = (line(index.checked_sub(1)), item.position.line, line(Some(index + 1)));
            if here + 1 == next {
                index += 1;
            } else if here == before + 1 {
                index += 1;
                break;
            } else {
                break;
            }
        }
        index - start
    }

    /// True for more than two lines. What holds items or many lines is passed over as if it had been printed.
    fn is_tall(&mut self, item: &Item<'_>) -> bool {
        match &item.value {
            Value::Object { items, close, .. } if !items.is_empty() => {
                self.printed = *close;
                true
            }
            Value::List { open, elements } if !on_one_line(*open, elements) => {
                self.printed = elements.iter().rev().find_map(last_brace).unwrap_or(self.printed);
                true
            }
            _ => self.item(item).matches('\n').count() > 1,
        }
    }

    fn aligned(&mut self, items: &[Item<'_>]) -> String {
        let keys = items.iter().filter_map(|item| item.keys.first()).map(|key| key.len()).max().unwrap_or_default();
        let values: Vec<_> = items.iter().map(|item| self.value(&item.value)).collect();
        let width = values.iter().map(String::len).max().unwrap_or_default();
        let mut out = String::new();
        for (index, (item, _)) in items.iter().zip(&values).enumerate() {
            if index > 0 {
                out.push('\n');
            }
            for text in self.comments(item.lead) {
                out.push_str(&text);
                out.push('\n');
            }
            for key in &item.keys {
                out.push_str(key);
                out.push_str(&" ".repeat((keys + 1).saturating_sub(key.len())));
            }
            if item.keys.len() == 1 {
                out.push_str("= ");
            }
            let value = self.value(&item.value);
            out.push_str(&value);
            if item.value.position().line == item.position.line && item.line.is_some() {
                out.push_str(&" ".repeat((width + 1).saturating_sub(value.len())));
                out.extend(self.comments(item.line));
            }
        }
        out
    }

    fn list(&mut self, elements: &[Value<'_>]) -> String {
        let length = |element: &Value<'_>| match element {
            Value::Literal(literal) => literal.text.len(),
            Value::List { .. } | Value::Object { .. } => 0,
        };
        let longest = elements.iter().map(length).max().unwrap_or_default();
        let mut out = String::from("[\n");
        let mut spaced = false;
        for (index, element) in elements.iter().enumerate() {
            let literal = match element {
                Value::Literal(literal) => Some(literal),
                Value::List { .. } | Value::Object { .. } => None,
            };
            let lead = literal.and_then(|literal| literal.lead);
            if lead.is_some() && !spaced && index > 0 {
                out.push('\n');
            }
            for text in self.comments(lead) {
                out.push_str(&indented(&text));
                out.push('\n');
            }
            let value = self.value(element);
            out.push_str(&indented(&value));
            out.push_str(if literal.is_some_and(|literal| literal.here_document) { "\n  ," } else { "," });
            if let Some(group) = literal.and_then(|literal| literal.line) {
                out.push(' ');
                out.push_str(&" ".repeat(longest.saturating_sub(value.len())));
                out.extend(self.comments(Some(group)));
            }
            out.push('\n');
            spaced = lead.is_some() && index + 1 < elements.len();
            if spaced {
                out.push('\n');
            }
        }
        out.push(']');
        out
    }
}

fn written(literal: &Literal<'_>) -> String {
    if literal.here_document {
        return kept(literal.text.strip_suffix('\n').unwrap_or(literal.text));
    }
    kept(literal.text)
}

fn on_one_line(open: Position, elements: &[Value<'_>]) -> bool {
    elements.iter().all(|element| match element {
        Value::Literal(literal) => {
            let alone = !literal.here_document || elements.len() == 1;
            literal.position.line == open.line && alone && literal.line.is_none()
        }
        Value::List { .. } | Value::Object { .. } => false,
    })
}

fn one_line(elements: &[Value<'_>]) -> String {
    let mut out = String::from("[");
    for (index, element) in elements.iter().enumerate() {
        let Value::Literal(literal) = element else { continue };
        if index > 0 {
            out.push_str(", ");
        }
        out.push_str(&written(literal));
        if literal.here_document {
            out.push('\n');
        }
    }
    out.push(']');
    out
}

fn last_brace(value: &Value<'_>) -> Option<Position> {
    match value {
        Value::Literal(_) => None,
        Value::List { elements, .. } => elements.iter().rev().find_map(last_brace),
        Value::Object { close, .. } => Some(*close),
    }
}

fn is_empty_block(item: &Item<'_>) -> bool {
    let empty = matches!(&item.value, Value::Object { items, .. } if items.is_empty());
    item.lead.is_none() && !item.assigned && empty
}

/// Two blanks before every line that is not empty.
fn indented(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for line in text.split_inclusive('\n') {
        if line != "\n" {
            out.push_str("  ");
        }
        out.push_str(line);
    }
    out
}

/// Marks the lines behind the first, so that they keep their own indentation.
fn kept(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if index > 0 && line != "\n" {
            out.push(KEEP);
        }
        out.push_str(line);
    }
    out
}

/// Takes the marks away, and what was put before them on their lines.
fn unmarked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        out.push_str(line.rsplit(KEEP).next().unwrap_or(line));
    }
    out
}
