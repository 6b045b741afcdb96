//! Regular expressions. Unlike consul-template's, the text comes before the replacement.

use super::super::{Args, functions};
use crate::error::Fault;
use crate::eval::Eval;
use crate::regex::{self, compile, quote_meta, replace_all};
use crate::value::{ListType, Value};

functions! {
    "sprig_mustRegexFind"(Text, Text) find;
    "sprig_mustRegexFindAll"(Text, Text, Int) find_all;
    "sprig_mustRegexMatch"(Text, Text) |eval, args| Ok(Value::Bool(compile(eval, &args, 1)?.is_match(&args.text(1))));
    "sprig_mustRegexReplaceAll"(Text, Text, Text) replace;
    "sprig_mustRegexReplaceAllLiteral"(Text, Text, Text) replace_literal;
    "sprig_mustRegexSplit"(Text, Text, Int) split;
    "sprig_regexFind"(Text, Text) find;
    "sprig_regexFindAll"(Text, Text, Int) find_all;
    // sprig takes a malformed expression for one that does not match.
    "sprig_regexMatch"(Text, Text) |eval, args| match compile(eval, &args, 1) {
        Ok(regex) => Ok(Value::Bool(regex.is_match(&args.text(1)))),
        Err(Fault::Function { .. }) => Ok(Value::Bool(false)),
        Err(fault) => Err(fault),
    };
    "sprig_regexQuoteMeta"(Text) |_, args| Ok(Value::text(quote_meta(&args.str(0))));
    "sprig_regexReplaceAll"(Text, Text, Text) replace;
    "sprig_regexReplaceAllLiteral"(Text, Text, Text) replace_literal;
    "sprig_regexSplit"(Text, Text, Int) split;
}

type Outcome<'a> = Result<Value<'a>, Fault>;

fn find<'a>(eval: &mut Eval<'a>, args: Args<'a>) -> Outcome<'a> {
    let regex = compile(eval, &args, 1)?;
    let text = args.text(1);
    Ok(Value::text(regex.find(&text).map_or(&[][..], |found| found.as_bytes()).to_vec()))
}

fn find_all<'a>(eval: &mut Eval<'a>, args: Args<'a>) -> Outcome<'a> {
    let regex = compile(eval, &args, 1)?;
    let text = args.text(1);
    let limit = usize::try_from(args.int(2)).unwrap_or(usize::MAX);
    let found: Vec<_> =
        regex::find_all(&regex, &text).take(limit).map(|found| found.as_bytes().to_vec().into()).collect();
    Ok(if found.is_empty() { Value::nil_list(ListType::Text) } else { Value::texts(found) })
}

fn replace<'a>(eval: &mut Eval<'a>, args: Args<'a>) -> Outcome<'a> {
    replace_all(&compile(eval, &args, 1)?, &args.text(1), &args.text(2)).map(Value::text)
}

fn replace_literal<'a>(eval: &mut Eval<'a>, args: Args<'a>) -> Outcome<'a> {
    let literal = crate::bytes::replace(&args.text(2), b"$", b"$$")?;
    replace_all(&compile(eval, &args, 1)?, &args.text(1), &literal).map(Value::text)
}

fn split<'a>(eval: &mut Eval<'a>, args: Args<'a>) -> Outcome<'a> {
    let regex = compile(eval, &args, 1)?;
    let text = args.text(1);
    let limit = usize::try_from(args.int(2)).unwrap_or(usize::MAX);
    if limit == 0 {
        return Ok(Value::nil_list(ListType::Text));
    }
    if text.is_empty() && !args.text(0).is_empty() {
        return Ok(Value::texts(["".into()]));
    }
    let mut parts = Vec::new();
    let (mut begin, mut end) = (0, 0);
    for found in regex::find_all(&regex, &text).take(limit) {
        if parts.len() + 1 == limit {
            break;
        }
        end = found.start();
        // An empty match at the start cuts nothing off.
        if found.end() != 0 {
            parts.push(text.get(begin..end).unwrap_or_default().to_vec().into());
        }
        begin = found.end();
    }
    if end != text.len() {
        parts.push(text.get(begin..).unwrap_or_default().to_vec().into());
    }
    Ok(Value::texts(parts))
}
