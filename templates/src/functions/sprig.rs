//! The sprig library, every function as `sprig_<name>`.

use std::borrow::Cow;

use super::{Args, Function};
use crate::error::Fault;
use crate::eval::Eval;
use crate::format;
use crate::text::Text;
use crate::value::Value;

mod case;
mod crypto;
mod date;
mod defaults;
mod encode;
mod list;
mod map;
mod number;
mod path;
mod random;
mod regex;
mod semver;
mod text;
mod url;

/// All tables.
pub(super) const TABLES: [&[Function]; 13] = [
    crypto::TABLE,
    date::TABLE,
    defaults::TABLE,
    encode::TABLE,
    list::TABLE,
    map::TABLE,
    number::TABLE,
    path::TABLE,
    random::TABLE,
    regex::TABLE,
    semver::TABLE,
    text::TABLE,
    url::TABLE,
];

/// sprig's `strval`: the text of any value.
fn text_of<'a>(value: &Value<'a>) -> Result<Text<'a>, Fault> {
    match value {
        Value::Number(text) | Value::Text(text) => Ok(text.clone()),
        Value::Time(moment) => Ok(moment.display().into()),
        other => Ok(format::sprint(std::slice::from_ref(other))?.into()),
    }
}

/// sprig's `strslice`: the texts of a list without its nils, or of one value.
fn texts_of<'a>(value: &Value<'a>) -> Result<Vec<Text<'a>>, Fault> {
    match value {
        Value::List(list) => list.items.iter().filter(|item| !item.is_nothing()).map(text_of).collect(),
        Value::Invalid | Value::NilInterface => Ok(Vec::new()),
        other => Ok(vec![text_of(other)?]),
    }
}

/// Refuses with the reason that the key engine of the server does it better.
fn unsupported<'a>(_: &mut Eval<'a>, args: Args<'a>) -> Result<Value<'a>, Fault> {
    Err(Fault::Unsupported {
        function: args.function(),
        why: "keys and certificates come from the server: use pkiCert",
    })
}

/// A size that a template may ask for.
fn size(args: &Args<'_>, index: usize) -> Result<usize, Fault> {
    usize::try_from(args.int(index)).map_err(|_| args.fail(Cow::Borrowed("a count is negative")))
}
