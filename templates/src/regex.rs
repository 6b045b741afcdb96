//! Go's regular expressions on the `regex` crate: the same automata, another dialect.

use regex::bytes::{Match, Regex, RegexBuilder};

use crate::error::Fault;
use crate::eval::{Eval, MAX_BYTES};
use crate::functions::Args;

/// Go refuses larger counts in `x{n,m}`.
const MAX_REPEAT: u32 = 1000;
/// Memory of one compiled expression.
const SIZE_LIMIT: usize = 4 * 1024 * 1024;

/// Compiles the first argument of a function, and counts the work of running it over the argument at `text`.
pub(crate) fn compile(eval: &mut Eval<'_>, args: &Args<'_>, text: usize) -> Result<Regex, Fault> {
    let expression = args.str(0);
    let size = expanded_size(&expression);
    eval.spend(size.saturating_add(size.saturating_mul(args.text(text).len()) / 64))?;
    compile_text(&expression).map_err(|reason| args.fail(reason))
}

/// About how long the expression would be with its counted repetitions written out.
fn expanded_size(expression: &str) -> usize {
    let counts = expression.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let counts = counts.filter_map(|counts| counts.rsplit(',').find_map(|count| count.parse::<usize>().ok()));
    counts.fold(expression.len(), |size, count| size.saturating_mul(count.max(1)))
}

/// Compiles an expression of Go's syntax.
pub(crate) fn compile_text(expression: &str) -> Result<Regex, &'static str> {
    let translated = translate(expression).ok_or("the regular expression is malformed")?;
    let built = RegexBuilder::new(&translated).size_limit(SIZE_LIMIT).build();
    built.map_err(|_| "the regular expression is malformed or too large")
}

/// `ReplaceAllString`, with `$1` and `${name}` in the replacement.
pub(crate) fn replace_all(regex: &Regex, text: &[u8], replacement: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::with_capacity(text.len());
    let mut done = 0;
    for captures in regex.captures_iter(text) {
        let Some(whole) = captures.get(0).filter(|whole| is_between_characters(whole, text)) else { continue };
        out.extend_from_slice(text.get(done..whole.start()).unwrap_or_default());
        captures.expand(replacement, &mut out);
        done = whole.end();
        if out.len() > MAX_BYTES {
            return Err(Fault::Limit("a string: 16 MiB"));
        }
    }
    out.extend_from_slice(text.get(done..).unwrap_or_default());
    Ok(out)
}

/// All matches, one after the other.
pub(crate) fn find_all<'t>(regex: &'t Regex, text: &'t [u8]) -> impl Iterator<Item = Match<'t>> {
    regex.find_iter(text).filter(|found| is_between_characters(found, text))
}

/// Go steps by characters: an empty match inside of one does not exist for it.
fn is_between_characters(found: &Match<'_>, text: &[u8]) -> bool {
    !found.is_empty() || text.get(found.start()).is_none_or(|byte| byte & 0xc0 != 0x80)
}

/// Go's `regexp.QuoteMeta`.
pub(crate) fn quote_meta(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Rewrites what the two dialects write differently. Go's `\d`, `\w`, `\s` and `\b` are ASCII.
fn translate(expression: &str) -> Option<String> {
    let mut translator = Translator { rest: expression, out: String::with_capacity(expression.len()) };
    let mut repeated = false;
    while let Some(c) = translator.take() {
        let was_repeated = std::mem::take(&mut repeated);
        match c {
            '\\' => translator.escape(false)?,
            '[' => translator.class()?,
            '(' => translator.group()?,
            '*' | '+' | '?' => {
                if was_repeated {
                    return None;
                }
                repeated = translator.repetition(&c.to_string());
            }
            '{' => match translator.counts() {
                Some(_) if was_repeated => return None,
                Some(Err(())) => return None,
                Some(Ok(counts)) => repeated = translator.repetition(&counts),
                None => translator.out.push_str("\\{"),
            },
            '}' | ']' => {
                translator.out.push('\\');
                translator.out.push(c);
            }
            _ => translator.out.push(c),
        }
    }
    Some(translator.out)
}

struct Translator<'e> {
    rest: &'e str,
    out: String,
}

impl Translator<'_> {
    fn take(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next();
        self.rest = chars.as_str();
        c
    }

    fn accept(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// A repetition with its optional `?`; another one may not follow.
    fn repetition(&mut self, operator: &str) -> bool {
        self.out.push_str(operator);
        if self.accept("?") {
            self.out.push('?');
        }
        true
    }

    /// `{n}`, `{n,}`, `{n,m}`; anything else is text in Go.
    fn counts(&mut self) -> Option<Result<String, ()>> {
        let (counts, rest) = self.rest.split_once('}')?;
        let (least, most) = counts.split_once(',').unwrap_or((counts, ""));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(least) || !(most.is_empty() || is_number(most)) {
            return None;
        }
        self.rest = rest;
        let fits = |text: &str| text.is_empty() || text.parse().is_ok_and(|count: u32| count <= MAX_REPEAT);
        Some(if fits(least) && fits(most) { Ok(format!("{{{counts}}}")) } else { Err(()) })
    }

    fn group(&mut self) -> Option<()> {
        self.out.push('(');
        if !self.rest.starts_with('?') || self.rest.starts_with("?P<") || self.rest.starts_with("?<") {
            return Some(());
        }
        let end = self.rest.find([':', ')'])?;
        let (flags, rest) = self.rest.split_at_checked(end)?;
        if !flags.get(1..)?.bytes().all(|flag| b"imsU-".contains(&flag)) {
            return None;
        }
        self.out.push_str(flags);
        self.rest = rest;
        Some(())
    }

    fn escape(&mut self, in_class: bool) -> Option<()> {
        let c = self.take()?;
        match c {
            'd' => self.out.push_str(if in_class { "0-9" } else { "[0-9]" }),
            'w' => self.out.push_str(if in_class { "0-9A-Za-z_" } else { "[0-9A-Za-z_]" }),
            's' => self.out.push_str(if in_class { r"\t\n\x0C\r " } else { r"[\t\n\x0C\r ]" }),
            'D' => self.out.push_str("[^0-9]"),
            'W' => self.out.push_str("[^0-9A-Za-z_]"),
            'S' => self.out.push_str(r"[^\t\n\x0C\r ]"),
            'b' if !in_class => self.out.push_str(r"(?-u:\b)"),
            'B' if !in_class => self.out.push_str(r"(?-u:\B)"),
            'A' | 'z' if !in_class => {
                self.out.push('\\');
                self.out.push(c);
            }
            'a' | 'f' | 'n' | 'r' | 't' | 'v' | 'x' | 'p' | 'P' => {
                self.out.push('\\');
                self.out.push(c);
            }
            'Q' if !in_class => {
                let (text, rest) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
                self.out.push_str(&regex::escape(text));
                self.rest = rest;
            }
            'E' if !in_class => {}
            '0'..='7' => self.octal(c)?,
            '<' | '>' => self.out.push(c),
            _ if c.is_ascii_punctuation() => {
                self.out.push('\\');
                self.out.push(c);
            }
            _ => return None,
        }
        Some(())
    }

    fn octal(&mut self, first: char) -> Option<()> {
        let mut digits = String::from(first);
        while digits.len() < 3 && self.rest.starts_with(|c: char| ('0'..='7').contains(&c)) {
            digits.extend(self.take());
        }
        // One digit alone would be a back reference.
        if first != '0' && digits.len() == 1 {
            return None;
        }
        let code = u32::from_str_radix(&digits, 8).ok()?;
        self.out.push_str(&format!("\\x{{{code:x}}}"));
        Some(())
    }

    fn class(&mut self) -> Option<()> {
        self.out.push('[');
        if self.accept("^") {
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let c = self.take()?;
            match c {
                ']' if !first => break,
                '[' if self.rest.starts_with(':') => {
                    let (name, rest) = self.rest.split_once(":]")?;
                    self.out.push('[');
                    self.out.push_str(name);
                    self.out.push_str(":]");
                    self.rest = rest;
                }
                '\\' => self.escape(true)?,
                // What is text to Go and syntax to Rust.
                '[' | ']' | '&' | '~' | '^' => {
                    self.out.push('\\');
                    self.out.push(c);
                }
                '-' if first || self.rest.starts_with(']') || self.rest.starts_with('-') => self.out.push_str("\\-"),
                _ => self.out.push(c),
            }
            first = false;
        }
        self.out.push(']');
        Some(())
    }
}

#[cfg(test)]
mod tests;
