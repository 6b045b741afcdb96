//! How a scalar is written: which quotes it needs, where its lines break, in which order keys stand.

use std::cmp::Ordering;

use super::encode::Emitter;
use crate::value::Key;

/// Lines break at the first space behind this column.
const WIDTH: usize = 80;

/// Notations of a scalar.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Style {
    DoubleQuoted,
    Literal,
    Plain,
    SingleQuoted,
}

/// What a text allows.
pub(super) struct Analysis {
    pub(super) multiline: bool,
    is_empty: bool,
    plain: bool,
    single_quoted: bool,
    literal: bool,
}

impl Analysis {
    pub(super) fn of(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let mut indicators = text.starts_with("---") || text.starts_with("...");
        let (mut breaks, mut special, mut break_space, mut space_break) = (false, false, false, false);
        let mut previous = None;
        for (index, c) in chars.iter().copied().enumerate() {
            let next = chars.get(index + 1).copied();
            let before_space = next.is_none_or(|next| matches!(next, ' ' | '\t'));
            indicators |= match c {
                '#' => previous.is_none_or(is_blank),
                ':' => before_space,
                '-' | '?' if index == 0 => before_space,
                ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => index == 0,
                _ => false,
            };
            special |= !is_printable(c);
            breaks |= is_break(c);
            break_space |= c == ' ' && previous.is_some_and(is_break);
            space_break |= is_break(c) && previous == Some(' ');
            previous = Some(c);
        }
        let edge = |c: Option<&char>| c.is_some_and(|c| *c == ' ' || is_break(*c));
        let at_edge = edge(chars.first()) || edge(chars.last());
        Self {
            multiline: breaks,
            is_empty: text.is_empty(),
            plain: !(at_edge || break_space || space_break || special || breaks || indicators),
            single_quoted: !(break_space || space_break || special),
            literal: !(text.is_empty() || chars.last() == Some(&' ') || space_break || special),
        }
    }

    /// The notation that is possible and closest to the wanted one.
    pub(super) fn style(&self, wanted: Style, is_simple_key: bool) -> Style {
        let mut style = wanted;
        if is_simple_key && self.multiline {
            style = Style::DoubleQuoted;
        }
        if style == Style::Plain && (!self.plain || (self.is_empty && is_simple_key)) {
            style = Style::SingleQuoted;
        }
        if style == Style::SingleQuoted && !self.single_quoted {
            style = Style::DoubleQuoted;
        }
        if style == Style::Literal && (!self.literal || is_simple_key) {
            style = Style::DoubleQuoted;
        }
        style
    }
}

/// Writes a scalar in a notation that its analysis allows.
pub(super) fn write(emitter: &mut Emitter, text: &str, style: Style, may_fold: bool) {
    match style {
        Style::Plain => {
            if !emitter.whitespace {
                emitter.put(' ');
            }
            flow(emitter, text, may_fold, false);
        }
        Style::SingleQuoted => {
            emitter.indicator("'", true, false, false);
            flow(emitter, text, may_fold, true);
            emitter.indicator("'", false, false, false);
        }
        Style::DoubleQuoted => double_quoted(emitter, text, may_fold),
        Style::Literal => return literal(emitter, text),
    }
    emitter.whitespace = false;
    emitter.indention = false;
}

/// Plain and single-quoted text.
fn flow(emitter: &mut Emitter, text: &str, may_fold: bool, is_quoted: bool) {
    let chars: Vec<char> = text.chars().collect();
    let (mut after_space, mut after_break) = (false, false);
    for (index, c) in chars.iter().copied().enumerate() {
        let next = chars.get(index + 1).copied();
        if c == ' ' {
            let inside = !is_quoted || (index > 0 && next.is_some());
            if may_fold && !after_space && emitter.column > WIDTH && inside && next != Some(' ') {
                emitter.new_line();
            } else {
                emitter.put(c);
            }
            after_space = true;
        } else if is_break(c) {
            if !after_break && c == '\n' {
                emitter.line_break();
            }
            write_break(emitter, c);
            emitter.indention = true;
            after_break = true;
        } else {
            if after_break {
                emitter.new_line();
            }
            if is_quoted && c == '\'' {
                emitter.put(c);
            }
            emitter.put(c);
            emitter.indention = false;
            (after_space, after_break) = (false, false);
        }
    }
}

fn double_quoted(emitter: &mut Emitter, text: &str, may_fold: bool) {
    emitter.indicator("\"", true, false, false);
    let chars: Vec<char> = text.chars().collect();
    let mut after_space = false;
    for (index, c) in chars.iter().copied().enumerate() {
        if c == ' ' {
            let next = chars.get(index + 1).copied();
            if may_fold && !after_space && emitter.column > WIDTH && index > 0 && next.is_some() {
                emitter.new_line();
                if next == Some(' ') {
                    emitter.put('\\');
                }
            } else {
                emitter.put(c);
            }
            after_space = true;
            continue;
        }
        after_space = false;
        if is_printable(c) && !is_break(c) && !matches!(c, '"' | '\\') {
            emitter.put(c);
            continue;
        }
        emitter.put('\\');
        let code = u32::from(c);
        let escape = match c {
            '\0' => "0".to_owned(),
            '\x07' => "a".to_owned(),
            '\x08' => "b".to_owned(),
            '\t' => "t".to_owned(),
            '\n' => "n".to_owned(),
            '\x0b' => "v".to_owned(),
            '\x0c' => "f".to_owned(),
            '\r' => "r".to_owned(),
            '\x1b' => "e".to_owned(),
            '"' | '\\' => c.to_string(),
            '\u{85}' => "N".to_owned(),
            '\u{a0}' => "_".to_owned(),
            '\u{2028}' => "L".to_owned(),
            '\u{2029}' => "P".to_owned(),
            _ if code <= 0xff => format!("x{code:02X}"),
            _ if code <= 0xffff => format!("u{code:04X}"),
            _ => format!("U{code:08X}"),
        };
        for c in escape.chars() {
            emitter.put(c);
        }
    }
    emitter.indicator("\"", false, false, false);
}

fn literal(emitter: &mut Emitter, text: &str) {
    emitter.indicator("|", true, false, false);
    if text.starts_with(|c| c == ' ' || is_break(c)) {
        emitter.indicator("2", false, false, false);
    }
    let mut end = text.chars().rev();
    match (end.next().is_some_and(is_break), end.next()) {
        (false, _) => emitter.indicator("-", false, false, false),
        (true, before) if before.is_none_or(is_break) => emitter.indicator("+", false, false, false),
        _ => {}
    }
    emitter.line_break();
    emitter.indention = true;
    emitter.whitespace = true;
    let mut after_break = true;
    for c in text.chars() {
        if is_break(c) {
            write_break(emitter, c);
            emitter.indention = true;
            after_break = true;
            continue;
        }
        if after_break {
            emitter.new_line();
        }
        emitter.put(c);
        emitter.indention = false;
        after_break = false;
    }
}

fn write_break(emitter: &mut Emitter, c: char) {
    if c == '\n' {
        emitter.line_break();
    } else {
        emitter.out.push(c);
        emitter.column = 0;
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\0') || is_break(c)
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What may stand unescaped; characters beyond the basic plane may not.
fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}

/// Sorts keys: numbers by size, then nil, then texts, with their digits compared as numbers and letters after the rest. The
/// order of texts is not one (`a1b` < `a9` < `a10` < `a1b`), so this is a merge sort that does not mind.
pub(super) fn sort_by_key<'a, V>(mut members: Vec<(Key<'a>, V)>) -> Vec<(Key<'a>, V)> {
    if members.len() < 2 {
        return members;
    }
    let right = members.split_off(members.len() / 2);
    let mut left = sort_by_key(members).into_iter().peekable();
    let mut right = sort_by_key(right).into_iter().peekable();
    let mut sorted = Vec::with_capacity(left.len() + right.len());
    while let (Some((one, _)), Some((two, _))) = (left.peek(), right.peek()) {
        let next = if key_order(two, one).is_lt() { right.next() } else { left.next() };
        sorted.extend(next);
    }
    sorted.extend(left);
    sorted.extend(right);
    sorted
}

fn key_order(one: &Key<'_>, two: &Key<'_>) -> Ordering {
    let number = |key: &Key<'_>| match key {
        Key::Bool(truth) => Some(f64::from(u8::from(*truth))),
        Key::Int(number) => Some(*number as f64),
        Key::Uint(number) => Some(*number as f64),
        Key::Float(number) => Some(number.0),
        Key::Nil | Key::Text(_) => None,
    };
    let kind = |key: &Key<'_>| match key {
        Key::Bool(_) => 0,
        Key::Int(_) => 1,
        Key::Uint(_) => 2,
        Key::Float(_) => 3,
        Key::Nil => 4,
        Key::Text(_) => 5,
    };
    match (one, two) {
        (Key::Text(one), Key::Text(two)) => {
            text_order(&one.lossy().chars().collect::<Vec<_>>(), &two.lossy().chars().collect::<Vec<_>>())
        }
        _ => match (number(one), number(two)) {
            (Some(first), Some(second)) => first.total_cmp(&second).then_with(|| kind(one).cmp(&kind(two))),
            _ => kind(one).cmp(&kind(two)),
        },
    }
}

fn text_order(one: &[char], two: &[char]) -> Ordering {
    let Some(index) = one.iter().zip(two).position(|(first, second)| first != second) else {
        return one.len().cmp(&two.len());
    };
    let (Some(first), Some(second)) = (one.get(index), two.get(index)) else { return Ordering::Equal };
    match (first.is_alphabetic(), second.is_alphabetic()) {
        (true, true) => return first.cmp(second),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    // A zero inside of a number counts as a digit of it, one in front does not.
    let inside = (*first == '0' || *second == '0')
        && one.iter().take(index).rev().take_while(|c| c.is_ascii_digit()).any(|digit| *digit != '0');
    let number = |text: &[char]| {
        text.iter().skip(index).map_while(|c| c.to_digit(10)).fold((i64::from(inside), 0), |(number, count), digit| {
            (number.wrapping_mul(10).wrapping_add(digit.into()), count + 1)
        })
    };
    number(one).cmp(&number(two)).then_with(|| first.cmp(second))
}
