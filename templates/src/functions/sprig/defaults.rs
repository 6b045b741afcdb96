//! Defaults, types and flow.

use super::super::{Args, functions};
use crate::equal::deep_equal;
use crate::error::Fault;
use crate::format;
use crate::value::Value;

functions! {
    "sprig_all"(; Any) |_, args| Ok(Value::Bool(args.rest(0).iter().all(Value::truth)));
    "sprig_any"(; Any) |_, args| Ok(Value::Bool(args.rest(0).iter().any(Value::truth)));
    "sprig_coalesce"(; Any) |_, args| {
        Ok(args.rest(0).iter().find(|value| value.truth()).cloned().unwrap_or(Value::NilInterface))
    };
    "sprig_deepEqual"(Any, Any) |eval, args| deep_equal(eval, &args.value(0), &args.value(1)).map(Value::Bool);
    "sprig_default"(Any; Any) |_, args| {
        Ok(args.rest(1).first().filter(|value| value.truth()).cloned().unwrap_or_else(|| args.value(0)))
    };
    "sprig_empty"(Any) |_, args| Ok(Value::Bool(!args.value(0).truth()));
    // The message is the template's own, but it may have been made of a secret.
    "sprig_fail"(Text) |_, args| Err(args.fail("the template fails on purpose"));
    "sprig_kindIs"(Text, Any) |_, args| Ok(Value::Bool(*args.text(0) == *args.value(1).kind_name().as_bytes()));
    "sprig_kindOf"(Any) |_, args| Ok(Value::text(args.value(0).kind_name()));
    "sprig_ternary"(Any, Any, Bool) |_, args| Ok(args.value(usize::from(!args.value(2).truth())));
    "sprig_typeIs"(Text, Any) |_, args| Ok(Value::Bool(*args.text(0) == *type_of(&args)?));
    "sprig_typeIsLike"(Text, Any) |_, args| {
        let (wanted, actual) = (args.text(0), type_of(&args)?);
        Ok(Value::Bool(*wanted == *actual || actual.strip_prefix(b"*") == Some(&*wanted)))
    };
    "sprig_typeOf"(Any) |_, args| format::sprintf(b"%T", args.rest(0)).map(Value::text);
}

fn type_of(args: &Args<'_>) -> Result<Vec<u8>, Fault> {
    format::sprintf(b"%T", args.rest(1))
}
