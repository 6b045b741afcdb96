//! Parsing and encoding helpers of consul-template.

use std::collections::BTreeMap;

use super::{Args, functions};
use crate::codec::{json, toml, yaml};
use crate::error::Fault;
use crate::value::{MapType, UintType, Value};

functions! {
    "parseBool"(Text) |_, args| match &*args.text(0) {
        b"1" | b"t" | b"T" | b"true" | b"TRUE" | b"True" => Ok(Value::Bool(true)),
        b"" | b"0" | b"f" | b"F" | b"false" | b"FALSE" | b"False" => Ok(Value::Bool(false)),
        _ => Err(args.fail("the text is not a truth value")),
    };
    "parseFloat"(Text) |_, args| {
        if args.text(0).is_empty() {
            return Ok(Value::Float(0.0));
        }
        crate::number::parse_float(&args.str(0)).map(Value::Float).ok_or_else(|| args.fail("the text is not a number"))
    };
    "parseInt"(Text) |_, args| {
        if args.text(0).is_empty() {
            return Ok(Value::int64(0));
        }
        args.str(0).parse().map(Value::int64).map_err(|_| args.fail("the text is not a whole number"))
    };
    "parseJSON"(Text) |_, args| {
        if args.text(0).is_empty() {
            return Ok(Value::map(MapType::Any, BTreeMap::new()));
        }
        json::decode(&args.text(0)).ok_or_else(|| args.fail("the text is not JSON"))
    };
    "parseUint"(Text) |_, args| {
        let text = args.str(0);
        if text.is_empty() {
            return Ok(Value::Uint(0, UintType::Uint64));
        }
        let number = text.parse().ok().filter(|_| !text.starts_with('+'));
        number.map(|number| Value::Uint(number, UintType::Uint64)).ok_or_else(|| args.fail("the text is not a whole number"))
    };
    "parseYAML"(Text) |_, args| {
        if args.text(0).is_empty() {
            return Ok(Value::map(MapType::Any, BTreeMap::new()));
        }
        yaml::decode(&args.str(0)).map_err(|reason| args.fail(reason))
    };
    "toJSON"(Any) |_, args| encode_json(&args, json::Style { escape_html: true, pretty: false });
    "toJSONPretty"(Any) |_, args| encode_json(&args, json::Style { escape_html: true, pretty: true });
    "toTOML"(Any) |_, args| toml::encode(&args.value(0)).map(Value::text).map_err(|reason| args.fail(reason));
    "toUnescapedJSON"(Any) |_, args| encode_json(&args, json::Style { escape_html: false, pretty: false });
    "toUnescapedJSONPretty"(Any) |_, args| encode_json(&args, json::Style { escape_html: false, pretty: true });
    "toYAML"(Any) |_, args| {
        let text = yaml::encode(&args.value(0)).map_err(|reason| args.fail(reason))?;
        Ok(Value::text(text.trim().to_owned()))
    };
}

fn encode_json<'a>(args: &Args<'a>, style: json::Style) -> Result<Value<'a>, Fault> {
    json::encode(&args.value(0), style).map(Value::text).map_err(|reason| args.fail(reason))
}
