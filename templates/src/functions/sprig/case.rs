//! Cases of letters and words.

use crate::bytes::upper_char;

/// Go's old `strings.Title`: a letter after anything that is no letter, digit or underscore is raised.
pub(super) fn title(text: &str) -> String {
    let separates = |c: char| {
        if c.is_ascii() { !(c.is_ascii_alphanumeric() || c == '_') } else { !c.is_alphanumeric() && c.is_whitespace() }
    };
    let mut previous = ' ';
    let raise = |c: char| {
        let raised = if separates(previous) { upper_char(c) } else { c };
        previous = c;
        raised
    };
    text.chars().map(raise).collect()
}

/// The first letter of each word made small.
pub(super) fn untitle(text: &str) -> String {
    let mut starts = true;
    let lower = |c: char| {
        let lowered = if starts && !c.is_whitespace() { lower_char(c) } else { c };
        starts = c.is_whitespace();
        lowered
    };
    text.chars().map(lower).collect()
}

/// Small to capital and back; a small letter at a word's start becomes a title letter, which is the same.
pub(super) fn swap(text: &str) -> String {
    let swap = |c: char| if c.is_uppercase() { lower_char(c) } else { upper_char(c) };
    text.chars().map(swap).collect()
}

/// The first byte of each word, as a character.
pub(super) fn initials(text: &[u8]) -> String {
    let mut starts = true;
    let mut out = String::new();
    for byte in text {
        let c = char::from(*byte);
        if c.is_whitespace() {
            starts = true;
        } else if std::mem::take(&mut starts) {
            out.push(c);
        }
    }
    out
}

/// Without white space. The original takes bytes for characters: as soon as there is something to cut, text beyond ASCII is
/// written as if it were Latin-1.
pub(super) fn without_space(text: &[u8]) -> Vec<u8> {
    let is_space = |byte: &u8| char::from(*byte).is_whitespace();
    if !text.iter().any(is_space) {
        return text.to_vec();
    }
    text.iter().filter(|byte| !is_space(byte)).map(|byte| char::from(*byte)).collect::<String>().into_bytes()
}

fn lower_char(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

fn is_connector(c: char) -> bool {
    c == '-' || c == '_' || c.is_whitespace()
}

/// `some_words` to `SomeWords`; connectors in front stay, of several in a row all but the last stay.
pub(super) fn camel(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next_if(|c| is_connector(*c)) {
        out.push(c);
    }
    let Some(first) = chars.next() else { return out };
    let mut previous = upper_char(first);
    if chars.peek().is_none() {
        out.push(previous);
        return out;
    }
    for c in chars {
        if is_connector(previous) && !is_connector(c) {
            previous = upper_char(c);
        } else {
            out.push(previous);
            previous = c;
        }
    }
    out.push(previous);
    out
}

/// What a run of characters is.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Kind {
    Alphabet,
    Connector,
    Number,
    Other,
    Punctuation,
    Upper,
}

fn is_punctuation(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_punctuation() && !matches!(c, '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~');
    }
    matches!(c, '\u{a1}' | '\u{a7}' | '\u{ab}' | '\u{b6}' | '\u{b7}' | '\u{bb}' | '\u{bf}' | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '\u{3001}'..='\u{3003}')
}

/// Letters that have cases, and those that have none.
fn is_letter(c: char) -> bool {
    c.is_lowercase() || c.is_uppercase()
}

/// Cuts the next run off: capitals together, but the last of several belongs to the small letters that follow.
fn next_run(text: &[char]) -> Option<(Kind, &[char], &[char])> {
    let first = *text.first()?;
    let run = |belongs: fn(char) -> bool| 1 + text.iter().skip(1).take_while(|c| belongs(**c)).count();
    let small = |c: char| is_letter(c) && !c.is_uppercase();
    let (kind, length) = if is_connector(first) {
        (Kind::Connector, run(is_connector))
    } else if is_punctuation(first) {
        (Kind::Punctuation, run(is_punctuation))
    } else if first.is_uppercase() {
        let capitals = run(char::is_uppercase);
        let followed = text.get(capitals).is_some_and(|c| small(*c));
        match (capitals, followed) {
            (1, true) => (Kind::Upper, run(|c| is_letter(c) && !c.is_uppercase())),
            (_, true) => (Kind::Upper, capitals - 1),
            _ => (Kind::Upper, capitals),
        }
    } else if is_letter(first) {
        (Kind::Alphabet, run(|c| is_letter(c) && !c.is_uppercase()))
    } else if first.is_numeric() {
        (Kind::Number, run(char::is_numeric))
    } else {
        (Kind::Other, run(|c| !(is_connector(c) || is_letter(c) || c.is_numeric() || is_punctuation(c))))
    };
    let (word, rest) = text.split_at_checked(length)?;
    Some((kind, word, rest))
}

/// `SomeWords` to `some_words` with a connector of one's choice. Numbers stay with the word before, unless letters follow them.
pub(super) fn lower_words(text: &str, connector: char) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut words = Words { out: String::new(), connector, rest: &chars, current: None };
    words.advance();
    while let Some((kind, word)) = words.current {
        if words.rest.is_empty() {
            words.write(kind, word);
            break;
        }
        if kind != Kind::Connector {
            words.write(kind, word);
        }
        words.advance();
        match kind {
            Kind::Number => {
                words.write_while(|kind| matches!(kind, Kind::Alphabet | Kind::Number));
                words.separate();
            }
            Kind::Connector => words.write(kind, word),
            Kind::Punctuation => {}
            Kind::Alphabet | Kind::Other | Kind::Upper => words.after_word(),
        }
    }
    words.out
}

struct Words<'w> {
    out: String,
    connector: char,
    rest: &'w [char],
    current: Option<(Kind, &'w [char])>,
}

impl Words<'_> {
    fn advance(&mut self) {
        match next_run(self.rest) {
            Some((kind, word, rest)) => {
                self.current = Some((kind, word));
                self.rest = rest;
            }
            None => self.current = None,
        }
    }

    fn after_word(&mut self) {
        let Some((kind, word)) = self.current else { return };
        if kind != Kind::Number {
            self.separate();
            return;
        }
        if self.rest.is_empty() {
            return;
        }
        self.advance();
        if !matches!(self.current, Some((Kind::Alphabet, _))) {
            self.write(Kind::Number, word);
            self.separate();
            return;
        }
        self.out.push(self.connector);
        self.write(Kind::Number, word);
        self.write_while(|kind| matches!(kind, Kind::Alphabet | Kind::Number));
        self.separate();
    }

    /// A connector before the current run, unless that is one itself or punctuation.
    fn separate(&mut self) {
        if self.current.is_some_and(|(kind, _)| !matches!(kind, Kind::Connector | Kind::Punctuation)) {
            self.out.push(self.connector);
        }
    }

    fn write_while(&mut self, belongs: fn(Kind) -> bool) {
        while let Some((kind, word)) = self.current.filter(|(kind, _)| belongs(*kind)) {
            self.write(kind, word);
            self.advance();
        }
    }

    fn write(&mut self, kind: Kind, word: &[char]) {
        for c in word {
            self.out.push(match kind {
                Kind::Connector => self.connector,
                Kind::Upper => lower_char(*c),
                _ => *c,
            });
        }
    }
}
