//! Strings.

use super::super::text::{join, trim};
use super::super::{Args, functions};
use super::{case, size, text_of, texts_of};
use crate::bytes;
use crate::error::Fault;
use crate::eval::{Eval, MAX_BYTES};
use crate::format;
use crate::text::Text;
use crate::value::{Key, MapType, Value};

functions! {
    "sprig_abbrev"(Int, Text) |_, args| {
        let text = args.text(1);
        Ok(Value::text(if args.int(0) < 4 { text.to_vec() } else { abbreviate(&text, 0, size(&args, 0)?) }))
    };
    "sprig_abbrevboth"(Int, Int, Text) |_, args| {
        let (left, right, text) = (args.int(0), args.int(1), args.text(2));
        if right < 4 || (left > 0 && right < 7) {
            return Ok(Value::Text(text));
        }
        Ok(Value::text(abbreviate(&text, usize::try_from(left).unwrap_or(0), size(&args, 1)?)))
    };
    "sprig_camelcase"(Text) |_, args| Ok(Value::text(case::camel(&args.str(0))));
    "sprig_cat"(; Any) |_, args| {
        let items = args.rest(0).iter().filter(|value| !value.is_nothing());
        let items = items.map(|value| Ok(format::sprint(std::slice::from_ref(value))?.into()));
        join(&items.collect::<Result<Vec<Text<'_>>, Fault>>()?, b" ")
    };
    "sprig_contains"(Text, Text) |_, args| Ok(Value::Bool(bytes::find(&args.text(1), &args.text(0)).is_some()));
    "sprig_hasPrefix"(Text, Text) |_, args| Ok(Value::Bool(args.text(1).starts_with(&args.text(0))));
    "sprig_hasSuffix"(Text, Text) |_, args| Ok(Value::Bool(args.text(1).ends_with(&args.text(0))));
    "sprig_hello"() |_, _| Ok(Value::text("Hello!"));
    "sprig_indent"(Int, Text) |_, args| indent(&args, "");
    "sprig_initials"(Text) |_, args| Ok(Value::text(case::initials(&args.text(0))));
    "sprig_join"(Text, Any) |_, args| join(&texts_of(&args.value(1))?, &args.text(0));
    "sprig_kebabcase"(Text) |_, args| Ok(Value::text(case::lower_words(&args.str(0), '-')));
    "sprig_lower"(Text) |_, args| Ok(Value::text(args.str(0).to_lowercase()));
    "sprig_nindent"(Int, Text) |_, args| indent(&args, "\n");
    "sprig_nospace"(Text) |_, args| Ok(Value::text(case::without_space(&args.text(0))));
    "sprig_plural"(Text, Text, Int) |_, args| Ok(args.value(usize::from(args.int(2) != 1)));
    "sprig_quote"(; Any) |_, args| quote(&args, |value| Ok(format::quoted(&text_of(value)?, false).into_bytes()));
    "sprig_repeat"(Int, Text) |_, args| {
        let (count, text) = (size(&args, 0)?, args.text(1));
        if count.saturating_mul(text.len()) > MAX_BYTES {
            return Err(Fault::Limit("a string: 16 MiB"));
        }
        Ok(Value::text(text.repeat(count)))
    };
    "sprig_replace"(Text, Text, Text) |_, args| bytes::replace(&args.text(2), &args.text(0), &args.text(1)).map(Value::text);
    "sprig_snakecase"(Text) |_, args| Ok(Value::text(case::lower_words(&args.str(0), '_')));
    "sprig_sortAlpha"(Any) |_, args| {
        let mut items = texts_of(&args.value(0))?;
        if !matches!(args.value(0), Value::List(_)) && items.is_empty() {
            items.push("<nil>".into());
        }
        items.sort();
        Ok(Value::texts(items))
    };
    "sprig_split"(Text, Text) |_, args| numbered(&bytes::split(&args.text(1), &args.text(0), None));
    "sprig_splitList"(Text, Text) |_, args| {
        let text = args.text(1);
        Ok(Value::texts(bytes::split(&text, &args.text(0), None).into_iter().map(|part| part.to_vec().into())))
    };
    "sprig_splitn"(Text, Int, Text) |_, args| {
        numbered(&bytes::split(&args.text(2), &args.text(0), usize::try_from(args.int(1)).ok()))
    };
    "sprig_squote"(; Any) |_, args| quote(&args, |value| {
        let text = format::sprint(std::slice::from_ref(value))?;
        Ok([b"'", text.as_slice(), b"'"].concat())
    });
    "sprig_substr"(Int, Int, Text) substring;
    "sprig_swapcase"(Text) |_, args| Ok(Value::text(case::swap(&args.str(0))));
    "sprig_title"(Text) |_, args| Ok(Value::text(case::title(&args.str(0))));
    "sprig_toString"(Any) |_, args| text_of(&args.value(0)).map(Value::Text);
    "sprig_toStrings"(Any) |_, args| texts_of(&args.value(0)).map(Value::texts);
    "sprig_trim"(Text) |_, args| Ok(Value::text(bytes::trim_space(&args.text(0)).to_vec()));
    "sprig_trimAll"(Text, Text) |_, args| Ok(Value::text(trim(&args.str(1), &args.str(0))));
    "sprig_trimPrefix"(Text, Text) |_, args| {
        let text = args.text(1);
        Ok(Value::text(text.strip_prefix(&*args.text(0)).unwrap_or(&text).to_vec()))
    };
    "sprig_trimSuffix"(Text, Text) |_, args| {
        let text = args.text(1);
        Ok(Value::text(text.strip_suffix(&*args.text(0)).unwrap_or(&text).to_vec()))
    };
    "sprig_trimall"(Text, Text) |_, args| Ok(Value::text(trim(&args.str(1), &args.str(0))));
    "sprig_trunc"(Int, Text) |_, args| {
        let (count, text) = (args.int(0), args.text(1));
        let length = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
        let kept = if count < 0 { text.len().checked_sub(length).and_then(|start| text.get(start..)) } else { text.get(..length) };
        Ok(Value::text(kept.unwrap_or(&text).to_vec()))
    };
    "sprig_untitle"(Text) |_, args| Ok(Value::text(case::untitle(&args.str(0))));
    "sprig_upper"(Text) |_, args| Ok(Value::text(bytes::upper(&args.str(0))));
    "sprig_wrap"(Int, Text) |_, args| wrap(&args.text(1), args.int(0), b"\n", false).map(Value::text);
    "sprig_wrapWith"(Int, Text, Text) |_, args| {
        let separator = args.text(1);
        wrap(&args.text(2), args.int(0), if separator.is_empty() { b"\n" } else { &separator }, true).map(Value::text)
    };
}

fn quote<'a>(args: &Args<'a>, quoted: fn(&Value<'a>) -> Result<Vec<u8>, Fault>) -> Result<Value<'a>, Fault> {
    let items = args.rest(0).iter().filter(|value| !value.is_nothing()).map(|value| quoted(value).map(Text::from));
    join(&items.collect::<Result<Vec<_>, _>>()?, b" ")
}

fn indent<'a>(args: &Args<'a>, before: &str) -> Result<Value<'a>, Fault> {
    let (spaces, text) = (size(args, 0)?, args.text(1));
    let lines = text.iter().filter(|byte| **byte == b'\n').count() + 1;
    if spaces.saturating_mul(lines) > MAX_BYTES {
        return Err(Fault::Limit("a string: 16 MiB"));
    }
    let padding = " ".repeat(spaces);
    let body = bytes::replace(&text, b"\n", format!("\n{padding}").as_bytes())?;
    Ok(Value::text([before.as_bytes(), padding.as_bytes(), &body].concat()))
}

/// `map[_0:... _1:...]`
fn numbered<'a>(parts: &[&[u8]]) -> Result<Value<'a>, Fault> {
    let entries = parts.iter().enumerate();
    let entries = entries.map(|(index, part)| (Key::Text(format!("_{index}").into()), Value::text(part.to_vec())));
    Ok(Value::map(MapType::Text, entries.collect()))
}

fn substring<'a>(_: &mut Eval<'a>, args: Args<'a>) -> Result<Value<'a>, Fault> {
    let (start, end, text) = (args.int(0), args.int(1), args.text(2));
    let start = usize::try_from(start).ok();
    let end = usize::try_from(end).ok();
    let part = match (start, end) {
        (None, Some(end)) => text.get(..end),
        (None, None) => None,
        (Some(start), Some(end)) if end <= text.len() => text.get(start..end),
        (Some(start), _) => text.get(start..),
    };
    part.map(|part| Value::text(part.to_vec())).ok_or_else(|| args.fail("the positions are out of range"))
}

/// At most `width` bytes with dots for what is left out; `offset` is the first byte that should be seen.
fn abbreviate(text: &[u8], offset: usize, width: usize) -> Vec<u8> {
    if text.len() <= width {
        return text.to_vec();
    }
    let kept = width.saturating_sub(3);
    let tail = text.len().saturating_sub(kept);
    let offset = offset.min(tail);
    let cut = |start: usize, end: usize| text.get(start..end).unwrap_or_default();
    if offset <= 4 {
        return [cut(0, kept), b"..."].concat();
    }
    if offset + kept < text.len() {
        // What follows is shortened in its turn; less than four bytes cannot be.
        let rest = cut(offset, text.len());
        let inner = if kept < 4 { Vec::new() } else { abbreviate(rest, 0, kept) };
        return [b"...".as_slice(), &inner].concat();
    }
    [b"...", cut(tail, text.len())].concat()
}

/// Breaks at spaces; `breaks_words` breaks words that are longer than a line.
fn wrap(text: &[u8], width: i64, separator: &[u8], breaks_words: bool) -> Result<Vec<u8>, Fault> {
    let width = usize::try_from(width).unwrap_or(0).max(1);
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while rest.len() > width {
        if let Some(after) = rest.strip_prefix(b" ") {
            rest = after;
            continue;
        }
        let space = rest.get(..=width).unwrap_or(rest).iter().rposition(|byte| *byte == b' ');
        let (end, next) = match space {
            Some(at) => (at, at + 1),
            None if breaks_words => (width, width),
            None => match rest.iter().skip(width).position(|byte| *byte == b' ') {
                Some(at) => (at + width, at + width + 1),
                None => break,
            },
        };
        out.extend_from_slice(rest.get(..end).unwrap_or_default());
        out.extend_from_slice(separator);
        if out.len() > MAX_BYTES {
            return Err(Fault::Limit("a string: 16 MiB"));
        }
        rest = rest.get(next..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    Ok(out)
}
