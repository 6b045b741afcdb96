//! Text helpers of consul-template. The piped value is the last argument.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use hmac::{Hmac, Mac as _};
use md5::Md5;
use sha2::{Digest as _, Sha256};

use super::{Args, functions};
use crate::bytes;
use crate::error::Fault;
use crate::eval::MAX_BYTES;
use crate::regex;
use crate::text::Text;
use crate::value::{Key, MapType, Value};

functions! {
    "base64Decode"(Text) |_, args| decode(&STANDARD, &args);
    "base64Encode"(Text) |_, args| Ok(Value::text(STANDARD.encode(&*args.text(0))));
    "base64URLDecode"(Text) |_, args| decode(&URL_SAFE, &args);
    "base64URLEncode"(Text) |_, args| Ok(Value::text(URL_SAFE.encode(&*args.text(0))));
    "hmacSHA256Hex"(Text, Text) |_, args| {
        let mac = Hmac::<Sha256>::new_from_slice(&args.text(1)).map_err(|_| args.fail("the key has no valid length"))?;
        Ok(Value::text(hex(&mac.chain_update(&*args.text(0)).finalize().into_bytes())))
    };
    "indent"(Int, Text) indent;
    "join"(Text, Texts) |_, args| {
        let items: Vec<Text<'_>> = args.list(1)?.items.iter().filter_map(Value::string_kind).cloned().collect();
        join(&items, &args.text(0))
    };
    "md5sum"(Text) |_, args| Ok(Value::text(hex(&Md5::digest(&*args.text(0)))));
    "regexMatch"(Text, Text) |eval, args| Ok(Value::Bool(regex::compile(eval, &args, 1)?.is_match(&args.text(1))));
    "regexReplaceAll"(Text, Text, Text) |eval, args| {
        regex::replace_all(&regex::compile(eval, &args, 2)?, &args.text(2), &args.text(1)).map(Value::text)
    };
    "replaceAll"(Text, Text, Text) |_, args| bytes::replace(&args.text(2), &args.text(0), &args.text(1)).map(Value::text);
    "sha256Hex"(Text) |_, args| Ok(Value::text(hex(&Sha256::digest(&*args.text(0)))));
    "split"(Text, Text) |_, args| {
        let text = args.text(1);
        let trimmed = bytes::trim_space(&text);
        let parts = if trimmed.is_empty() { Vec::new() } else { bytes::split(trimmed, &args.text(0), None) };
        Ok(Value::texts(parts.into_iter().map(|part| part.to_vec().into())))
    };
    "splitToMap"(Text, Text, Text) split_to_map;
    "timestamp"(; Text) timestamp;
    "toLower"(Text) |_, args| Ok(Value::text(args.str(0).to_lowercase()));
    "toTitle"(Text) |_, args| Ok(Value::text(bytes::title_words(&args.str(0))));
    "toUpper"(Text) |_, args| Ok(Value::text(bytes::upper(&args.str(0))));
    "trim"(Text, Text) |_, args| Ok(Value::text(trim(&args.str(1), &args.str(0))));
    "trimPrefix"(Text, Text) |_, args| {
        let text = args.text(1);
        Ok(Value::text(text.strip_prefix(&*args.text(0)).unwrap_or(&text).to_vec()))
    };
    "trimSpace"(Text) |_, args| Ok(Value::text(bytes::trim_space(&args.text(0)).to_vec()));
    "trimSuffix"(Text, Text) |_, args| {
        let text = args.text(1);
        Ok(Value::text(text.strip_suffix(&*args.text(0)).unwrap_or(&text).to_vec()))
    };
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Cuts all characters of `set` from both ends.
pub(super) fn trim(text: &str, set: &str) -> String {
    text.trim_matches(|c| set.contains(c)).to_owned()
}

/// Items with a separator between them.
pub(super) fn join<'a>(items: &[Text<'_>], separator: &[u8]) -> Result<Value<'a>, Fault> {
    let length: usize = items.iter().map(|item| item.len() + separator.len()).sum();
    if length > MAX_BYTES + separator.len() {
        return Err(Fault::Limit("a string: 16 MiB"));
    }
    let mut out = Vec::with_capacity(length);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(separator);
        }
        out.extend_from_slice(item);
    }
    Ok(Value::text(out))
}

/// Go ignores line breaks inside, and wants the padding.
pub(super) fn decode_base64(engine: &impl base64::Engine, text: &[u8]) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    engine.decode(digits).ok()
}

fn decode<'a>(engine: &impl base64::Engine, args: &Args<'a>) -> Result<Value<'a>, Fault> {
    decode_base64(engine, &args.text(0)).map(Value::text).ok_or_else(|| args.fail("illegal base64 data"))
}

fn indent<'a>(_: &mut crate::eval::Eval<'a>, args: Args<'a>) -> Result<Value<'a>, Fault> {
    let spaces = usize::try_from(args.int(0)).map_err(|_| args.fail("the number of spaces is negative"))?;
    let text = args.text(1);
    let lines = text.iter().filter(|byte| **byte == b'\n').count() + 1;
    if spaces.saturating_mul(lines) > MAX_BYTES {
        return Err(Fault::Limit("a string: 16 MiB"));
    }
    let mut out = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if line != b"\n" {
            out.resize(out.len() + spaces, b' ');
        }
        out.extend_from_slice(line);
    }
    Ok(Value::text(out))
}

fn split_to_map<'a>(_: &mut crate::eval::Eval<'a>, args: Args<'a>) -> Result<Value<'a>, Fault> {
    let text = args.text(2);
    let trimmed = bytes::trim_space(&text);
    let separator = args.text(1);
    let parts = if trimmed.is_empty() { Vec::new() } else { bytes::split(trimmed, &args.text(0), None) };
    let entries = parts.into_iter().filter_map(|part| {
        let at = bytes::find(part, &separator)?;
        let (key, value) = part.split_at_checked(at)?;
        Some((Key::Text(key.to_vec().into()), Value::text(value.get(separator.len()..)?.to_vec())))
    });
    Ok(Value::map(MapType::Text, entries.collect()))
}

fn timestamp<'a>(eval: &mut crate::eval::Eval<'a>, args: Args<'a>) -> Result<Value<'a>, Fault> {
    let now = crate::moment::Moment::utc(eval.snapshot.now.0, eval.snapshot.now.1);
    let text = match args.len() {
        0 => now.format("2006-01-02T15:04:05Z07:00"),
        1 if *args.text(0) == *b"unix" => now.seconds.to_string(),
        1 => now.format(&args.str(0)),
        _ => return Err(args.fail("takes one layout at most")),
    };
    Ok(Value::text(text))
}
