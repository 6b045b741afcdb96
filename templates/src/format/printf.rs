//! The format language of `printf`.

use super::{Flags, NIL, argument, full_type_name};
use crate::error::Fault;
use crate::value::Value;

/// Go refuses wider fields and longer precisions than this.
const MAX_WIDTH: usize = 1_000_000;

/// Go's `fmt.Sprintf`: never fails on a wrong verb, but says so in the text.
pub(crate) fn sprintf(format: &[u8], values: &[Value<'_>]) -> Result<Vec<u8>, Fault> {
    let mut state = Printf { rest: format, values, next: 0, reordered: false, good_index: true, out: Vec::new() };
    while let Some(percent) = state.rest.iter().position(|byte| *byte == b'%') {
        let (text, rest) = state.rest.split_at_checked(percent).unwrap_or((state.rest, &[]));
        state.out.extend_from_slice(text);
        state.rest = rest.get(1..).unwrap_or_default();
        state.verb()?;
        if state.out.len() > crate::eval::MAX_BYTES {
            return Err(Fault::Limit("a string: 16 MiB"));
        }
    }
    state.out.extend_from_slice(state.rest);
    state.extra()?;
    Ok(state.out)
}

struct Printf<'p, 'a> {
    rest: &'p [u8],
    values: &'p [Value<'a>],
    next: usize,
    reordered: bool,
    good_index: bool,
    out: Vec<u8>,
}

impl Printf<'_, '_> {
    fn verb(&mut self) -> Result<(), Fault> {
        self.good_index = true;
        let mut flags = self.flags();
        let mut after_index = self.index();
        if self.accept(b'*') {
            match self.integer_argument() {
                Some(width) => {
                    flags.minus |= width < 0;
                    flags.width = usize::try_from(width.unsigned_abs()).ok();
                }
                None => self.out.extend_from_slice(b"%!(BADWIDTH)"),
            }
            after_index = false;
        } else {
            flags.width = self.number();
            self.good_index &= !(after_index && flags.width.is_some());
        }
        if self.rest.len() > 1 && self.accept(b'.') {
            self.good_index &= !after_index;
            after_index = self.index();
            if self.accept(b'*') {
                match self.integer_argument() {
                    Some(precision) => flags.precision = usize::try_from(precision).ok(),
                    None => self.out.extend_from_slice(b"%!(BADPREC)"),
                }
                after_index = false;
            } else {
                flags.precision = Some(self.number().unwrap_or(0));
            }
        }
        if !after_index {
            self.index();
        }
        let Some(verb) = self.take_char() else {
            self.out.extend_from_slice(b"%!(NOVERB)");
            return Ok(());
        };
        if verb == '%' {
            self.out.push(b'%');
            return Ok(());
        }
        if !self.good_index {
            self.out.extend_from_slice(format!("%!{verb}(BADINDEX)").as_bytes());
            return Ok(());
        }
        let Some(value) = self.values.get(self.next) else {
            self.out.extend_from_slice(format!("%!{verb}(MISSING)").as_bytes());
            return Ok(());
        };
        if verb == 'v' {
            flags.sharp_v = std::mem::take(&mut flags.sharp);
            flags.plus_v = std::mem::take(&mut flags.plus);
        }
        self.next += 1;
        argument(&mut self.out, value, verb, &flags)
    }

    fn flags(&mut self) -> Flags {
        let mut flags = Flags::default();
        while let Some(byte) = self.rest.first() {
            match byte {
                b'#' => flags.sharp = true,
                b'0' => flags.zero = true,
                b'+' => flags.plus = true,
                b'-' => flags.minus = true,
                b' ' => flags.space = true,
                _ => break,
            }
            self.advance(1);
        }
        flags
    }

    /// `[n]`: takes the n-th argument next.
    fn index(&mut self) -> bool {
        if self.rest.first() != Some(&b'[') {
            return false;
        }
        self.reordered = true;
        let Some(close) = self.rest.iter().position(|byte| *byte == b']') else {
            self.good_index = false;
            self.advance(1);
            return false;
        };
        let digits = self.rest.get(1..close).and_then(|digits| std::str::from_utf8(digits).ok());
        let index = digits.and_then(|digits| digits.parse::<usize>().ok()).and_then(|number| number.checked_sub(1));
        self.advance(close + 1);
        match index.filter(|index| *index < self.values.len()) {
            Some(index) => self.next = index,
            None => self.good_index = false,
        }
        true
    }

    fn integer_argument(&mut self) -> Option<i64> {
        let value = self.values.get(self.next);
        self.next += usize::from(value.is_some());
        let number = match value? {
            Value::Int(number, _) => *number,
            Value::Uint(number, _) => i64::try_from(*number).ok()?,
            _ => return None,
        };
        usize::try_from(number.unsigned_abs()).ok().filter(|size| *size <= MAX_WIDTH).map(|_| number)
    }

    fn number(&mut self) -> Option<usize> {
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = self.rest.get(..digits).and_then(|digits| std::str::from_utf8(digits).ok());
        let number = text.and_then(|text| text.parse().ok()).filter(|number| *number <= MAX_WIDTH);
        self.advance(digits);
        number
    }

    fn take_char(&mut self) -> Option<char> {
        let chunk = self.rest.utf8_chunks().next()?;
        let first = chunk.valid().chars().next();
        self.advance(first.map_or(1, char::len_utf8));
        Some(first.unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn accept(&mut self, wanted: u8) -> bool {
        let found = self.rest.first() == Some(&wanted);
        self.advance(usize::from(found));
        found
    }

    fn advance(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    /// Arguments that no verb took.
    fn extra(&mut self) -> Result<(), Fault> {
        let extra = self.values.get(self.next..).unwrap_or_default();
        if self.reordered || extra.is_empty() {
            return Ok(());
        }
        self.out.extend_from_slice(b"%!(EXTRA ");
        for (index, value) in extra.iter().enumerate() {
            if index > 0 {
                self.out.extend_from_slice(b", ");
            }
            if value.is_nothing() {
                self.out.extend_from_slice(NIL);
                continue;
            }
            self.out.extend_from_slice(format!("{}=", full_type_name(value)).as_bytes());
            argument(&mut self.out, value, 'v', &Flags::default())?;
        }
        self.out.push(b')');
        Ok(())
    }
}
