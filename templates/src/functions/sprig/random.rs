//! Random texts and numbers, from the snapshot's seed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::random::Random;
use super::super::{Args, functions};
use super::size;
use crate::error::Fault;
use crate::eval::{Eval, MAX_BYTES};
use crate::value::Value;

functions! {
    "sprig_randAlpha"(Int) |eval, args| characters(eval, &args, |c| c.is_ascii_alphabetic());
    "sprig_randAlphaNum"(Int) |eval, args| characters(eval, &args, |c| c.is_ascii_alphanumeric());
    "sprig_randAscii"(Int) |eval, args| characters(eval, &args, |c| (' '..='~').contains(&c));
    "sprig_randBytes"(Int) |eval, args| {
        let count = limited(&args)?;
        let random = source(eval, &args)?;
        let bytes: Vec<u8> = (0..count).map(|_| random.byte()).collect();
        Ok(Value::text(STANDARD.encode(bytes)))
    };
    "sprig_randInt"(Int, Int) |eval, args| {
        let span = args.int(1).checked_sub(args.int(0)).and_then(|span| u64::try_from(span).ok()).filter(|span| *span > 0);
        let span = span.ok_or_else(|| args.fail("the upper bound is not above the lower one"))?;
        let offset = i64::try_from(source(eval, &args)?.below(span)).unwrap_or(0);
        Ok(Value::int(args.int(0).wrapping_add(offset)))
    };
    "sprig_randNumeric"(Int) |eval, args| characters(eval, &args, |c| c.is_ascii_digit());
    "sprig_shuffle"(Text) |eval, args| {
        let mut chars: Vec<char> = args.str(0).chars().collect();
        let random = source(eval, &args)?;
        for index in (1..chars.len()).rev() {
            let other = random.below(index as u64 + 1);
            chars.swap(index, usize::try_from(other).unwrap_or(index));
        }
        Ok(Value::text(chars.into_iter().collect::<String>()))
    };
    "sprig_uuidv4"() |eval, args| {
        let random = source(eval, &args)?;
        let mut number = (0..16).fold(0_u128, |number, _| number << 8 | u128::from(random.byte()));
        number = number & !(0xf << 76) | 4 << 76;
        number = number & !(3 << 62) | 2 << 62;
        let hex = format!("{number:032x}");
        let part = |start: usize, end: usize| hex.get(start..end).unwrap_or_default();
        Ok(Value::text([part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")))
    };
}

/// The generator of this rendering.
pub(super) fn source<'e>(eval: &'e mut Eval<'_>, args: &Args<'_>) -> Result<&'e mut Random, Fault> {
    let why = "the snapshot has no seed for randomness";
    eval.random.as_mut().ok_or_else(|| Fault::Unsupported { function: args.function(), why })
}

fn limited(args: &Args<'_>) -> Result<usize, Fault> {
    let count = size(args, 0)?;
    if count > MAX_BYTES / 16 { Err(Fault::Limit("random characters: 1 MiB")) } else { Ok(count) }
}

fn characters<'a>(eval: &mut Eval<'a>, args: &Args<'a>, belongs: fn(char) -> bool) -> Result<Value<'a>, Fault> {
    let set: Vec<char> = (' '..='~').filter(|c| belongs(*c)).collect();
    let count = limited(args)?;
    eval.spend(count)?;
    let random = source(eval, args)?;
    let pick = |_| set.get(usize::try_from(random.below(set.len() as u64)).unwrap_or(0)).copied();
    Ok(Value::text((0..count).filter_map(pick).collect::<String>()))
}
