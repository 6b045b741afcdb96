//! What reaches outside: through the snapshot only.

use std::collections::BTreeMap;

use super::{Args, functions};
use crate::error::Fault;
use crate::eval::Eval;
use crate::json::Json;
use crate::text::Text;
use crate::value::{Key, ListType, MapType, Value};
use crate::{Answer, Dependency, FileWrite};

functions! {
    "env"(Text) |eval, args| Ok(Value::text(variable(eval, &args.str(0)).unwrap_or_default()));
    "envOrDefault"(Text, Text) |eval, args| {
        Ok(variable(eval, &args.str(0)).map_or_else(|| args.value(1), Value::text))
    };
    "executeTemplate"(Text; Any) execute_template;
    "file"(Text) file;
    "mustEnv"(Text) |eval, args| match eval.snapshot.environment.get(&*args.str(0)) {
        Some(value) if !value.is_empty() => Ok(Value::text(value.as_str())),
        _ => Err(args.fail(format!("the environment variable {} is empty", args.str(0)))),
    };
    "pkiCert"(; Text) pki_cert;
    "plugin"(Text; Text) |_, args| unsupported(&args, "rendering runs no programs; write its output to a file and use file");
    "scratch"() |_, _| Ok(Value::Scratch);
    "secret"(; Text) secret;
    "secrets"(Text) secrets;
    "sockaddr"(; Text) |_, args| unsupported(&args, "rendering asks no network interfaces; pass the address by env");
    "sprig_env"(Text) |eval, args| Ok(Value::text(eval.snapshot.environment.get(&*args.str(0)).map_or("", String::as_str)));
    "sprig_expandenv"(Text) |eval, args| Ok(Value::text(expand(&args.str(0), &eval.snapshot.environment)));
    "sprig_getHostByName"(Text) |_, args| unsupported(&args, "rendering resolves no names; pass the address by env");
    "writeToFile"(Text, Text, Text, Text; Text) write_to_file;
}

fn unsupported<'a>(args: &Args<'a>, why: &'static str) -> Result<Value<'a>, Fault> {
    Err(Fault::Unsupported { function: args.function(), why })
}

/// OpenBao's rule: `BAO_X` falls back to `VAULT_X`, never the other way round.
fn variable<'a>(eval: &Eval<'a>, name: &str) -> Option<&'a str> {
    let environment = &eval.snapshot.environment;
    let fallback = || environment.get(&format!("VAULT_{}", name.strip_prefix("BAO_")?));
    environment.get(name).or_else(fallback).map(String::as_str)
}

/// `$name` and `${name}`.
fn expand(text: &str, environment: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let braced = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let (name, remaining) = match braced {
            Some(found) => found,
            None => {
                let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(after.len());
                after.split_at_checked(end).unwrap_or((after, ""))
            }
        };
        if name.is_empty() && braced.is_none() {
            out.push('$');
        }
        out.push_str(environment.get(name).map_or("", String::as_str));
        rest = remaining;
    }
    out + rest
}

fn execute_template<'a>(eval: &mut Eval<'a>, args: Args<'a>) -> Result<Value<'a>, Fault> {
    if args.len() > 2 {
        return Err(args.fail("takes a name and at most one value"));
    }
    let outer = std::mem::take(&mut eval.output);
    eval.run(&args.str(0), args.value(1).dug())?;
    let inner = std::mem::replace(&mut eval.output, outer);
    Ok(Value::text(inner))
}

fn secret<'a>(eval: &mut Eval<'a>, args: Args<'a>) -> Result<Value<'a>, Fault> {
    if args.len() == 0 {
        return Ok(Value::NilInterface);
    }
    let path = path(&args)?;
    let dependency =
        if args.len() == 1 { Dependency::Read { path } } else { Dependency::Write { path, data: pairs(&args)? } };
    Ok(recall(eval, dependency).unwrap_or(Value::NilInterface))
}

fn pki_cert<'a>(eval: &mut Eval<'a>, args: Args<'a>) -> Result<Value<'a>, Fault> {
    if args.len() == 0 {
        return Ok(Value::NilInterface);
    }
    let dependency = Dependency::PkiCert { path: path(&args)?, data: pairs(&args)? };
    Ok(recall(eval, dependency).unwrap_or(Value::NilInterface))
}

fn secrets<'a>(eval: &mut Eval<'a>, args: Args<'a>) -> Result<Value<'a>, Fault> {
    if args.text(0).is_empty() {
        return Ok(Value::nil_list(ListType::Text));
    }
    let dependency = Dependency::List { path: path(&args)? };
    Ok(recall(eval, dependency).unwrap_or_else(|| Value::nil_list(ListType::Text)))
}

fn file<'a>(eval: &mut Eval<'a>, args: Args<'a>) -> Result<Value<'a>, Fault> {
    if args.text(0).is_empty() {
        return Ok(Value::text(""));
    }
    let path = args.str(0).trim().to_owned();
    if path.is_empty() {
        return Err(args.fail("the path is empty"));
    }
    in_sandbox(eval, &args, &path)?;
    Ok(recall(eval, Dependency::File { path }).unwrap_or_else(|| Value::text("")))
}

/// A path by its words only; symbolic links are for whoever opens the file.
fn in_sandbox(eval: &Eval<'_>, args: &Args<'_>, path: &str) -> Result<(), Fault> {
    let Some(sandbox) = &eval.options.sandbox_path else { return Ok(()) };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        match part {
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    let inside = parts.iter().zip(sandbox.split('/').filter(|part| !part.is_empty()));
    let depth = sandbox.split('/').filter(|part| !part.is_empty()).count();
    if path.starts_with('/') && parts.len() >= depth && inside.clone().all(|(part, wanted)| *part == wanted) {
        return Ok(());
    }
    Err(args.fail("the path is outside of the sandbox"))
}

fn path(args: &Args<'_>) -> Result<String, Fault> {
    let path = args.str(0).trim().trim_matches('/').to_owned();
    if path.is_empty() { Err(args.fail("the path is empty")) } else { Ok(path) }
}

fn pairs(args: &Args<'_>) -> Result<BTreeMap<String, String>, Fault> {
    let mut data = BTreeMap::new();
    for argument in args.rest(1) {
        let text = argument.string_kind().cloned().unwrap_or_default();
        if text.is_empty() {
            continue;
        }
        let text = text.lossy();
        // The text may be secret: it is not quoted in the error.
        let (key, value) = text.split_once('=').ok_or_else(|| args.fail("an argument is not of the form key=value"))?;
        data.insert(key.trim().to_owned(), value.trim().to_owned());
    }
    Ok(data)
}

/// The value of a dependency, the same one for every use in a rendering.
fn recall<'a>(eval: &mut Eval<'a>, dependency: Dependency) -> Option<Value<'a>> {
    eval.used.insert(dependency.clone());
    if let Some(value) = eval.known.get(&dependency) {
        return Some(value.clone());
    }
    let snapshot = eval.snapshot;
    let Some(answer) = snapshot.answers.get(&dependency) else {
        eval.missing.insert(dependency);
        return None;
    };
    let value = answer_value(answer);
    eval.known.insert(dependency, value.clone());
    Some(value)
}

fn answer_value(answer: &Answer) -> Value<'_> {
    match answer {
        Answer::Certificate { cert, key, ca } => {
            let field = |name, text: &'_ str| (name, Value::text(text.to_owned()));
            Value::record("dependency.PemEncoded", false, vec![field("Cert", cert), field("Key", key), field("CA", ca)])
        }
        Answer::File(bytes) => Value::text(bytes.as_slice()),
        Answer::List(keys) => Value::texts(keys.iter().map(|key| Text::from(key.as_str()))),
        Answer::Secret(body) => secret_value(body),
    }
}

/// consul-template's `Secret`, whose empty parts are nil.
fn secret_value(body: &Json) -> Value<'_> {
    let data = body.get("data").map_or(Value::NilInterface, Value::from_json);
    let data = if matches!(data, Value::Map(_)) && data.truth() { data } else { Value::nil_map(MapType::Any) };
    Value::record(
        "dependency.Secret",
        true,
        vec![
            ("RequestID", text(body, "request_id")),
            ("LeaseID", text(body, "lease_id")),
            ("LeaseDuration", int(body, "lease_duration")),
            ("Renewable", truth(body, "renewable")),
            ("Data", data),
            ("Warnings", texts(body, "warnings")),
            ("Auth", auth_value(body.get("auth"))),
            ("WrapInfo", wrap_value(body.get("wrap_info"))),
        ],
    )
}

fn auth_value(auth: Option<&Json>) -> Value<'_> {
    let Some(auth @ Json::Object(_)) = auth else { return Value::NilPointer("dependency.SecretAuth") };
    let metadata = match auth.get("metadata") {
        Some(Json::Object(members)) if !members.is_empty() => {
            let entries = members
                .iter()
                .filter_map(|(key, value)| Some((Key::Text(key.as_str().into()), Value::text(value.as_str()?))));
            Value::map(MapType::Text, entries.collect())
        }
        _ => Value::nil_map(MapType::Text),
    };
    Value::record(
        "dependency.SecretAuth",
        true,
        vec![
            ("ClientToken", text(auth, "client_token")),
            ("Accessor", text(auth, "accessor")),
            ("Policies", texts(auth, "policies")),
            ("Metadata", metadata),
            ("LeaseDuration", int(auth, "lease_duration")),
            ("Renewable", truth(auth, "renewable")),
        ],
    )
}

fn wrap_value(wrap: Option<&Json>) -> Value<'_> {
    let Some(wrap @ Json::Object(_)) = wrap else { return Value::NilPointer("dependency.SecretWrapInfo") };
    Value::record(
        "dependency.SecretWrapInfo",
        true,
        vec![
            ("Token", text(wrap, "token")),
            ("TTL", int(wrap, "ttl")),
            ("CreationTime", text(wrap, "creation_time")),
            ("WrappedAccessor", text(wrap, "wrapped_accessor")),
        ],
    )
}

fn text<'a>(body: &'a Json, key: &str) -> Value<'a> {
    Value::text(body.get(key).and_then(Json::as_str).unwrap_or_default())
}

fn int<'a>(body: &Json, key: &str) -> Value<'a> {
    Value::int(body.get(key).and_then(Json::as_u64).and_then(|number| i64::try_from(number).ok()).unwrap_or(0))
}

fn truth<'a>(body: &Json, key: &str) -> Value<'a> {
    Value::Bool(body.get(key).and_then(Json::as_bool).unwrap_or(false))
}

fn texts<'a>(body: &'a Json, key: &str) -> Value<'a> {
    match body.get(key) {
        Some(Json::Array(items)) if !items.is_empty() => {
            Value::texts(items.iter().filter_map(Json::as_str).map(Text::from))
        }
        _ => Value::nil_list(ListType::Text),
    }
}

fn write_to_file<'a>(eval: &mut Eval<'a>, args: Args<'a>) -> Result<Value<'a>, Fault> {
    let rest = args.rest(4);
    let Some(content) = rest.last().and_then(Value::string_kind) else { return Err(args.fail("there is no content")) };
    let flags = if rest.len() == 2 { args.str(4).into_owned() } else { String::new() };
    let mode = u32::from_str_radix(&args.str(3), 8);
    let mode = mode.map_err(|_| args.fail(format!("the mode {:?} is not octal", args.str(3))))?;
    let mut content = content.to_vec();
    if flags.contains("newline") {
        content.push(b'\n');
    }
    let path = args.str(0).into_owned();
    in_sandbox(eval, &args, &path)?;
    let (user, group) = (args.str(1).into_owned(), args.str(2).into_owned());
    eval.writes.push(FileWrite { path, user, group, mode, append: flags.contains("append"), content });
    Ok(Value::text(""))
}
