//! JSON and base 64 and 32.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::text::decode_base64;
use super::super::{Args, functions};
use crate::codec::json::{self, Style};
use crate::error::Fault;
use crate::value::Value;

const COMPACT: Style = Style { escape_html: true, pretty: false };
const PRETTY: Style = Style { escape_html: true, pretty: true };
const RAW: Style = Style { escape_html: false, pretty: false };
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

functions! {
    "sprig_b32dec"(Text) |_, args| Ok(Value::text(decode_base32(&args.text(0)).unwrap_or_else(|at| {
        format!("illegal base32 data at input byte {at}").into_bytes()
    })));
    "sprig_b32enc"(Text) |_, args| Ok(Value::text(encode_base32(&args.text(0))));
    // sprig gives the error as the result.
    "sprig_b64dec"(Text) |_, args| Ok(Value::text(decode_base64(&STANDARD, &args.text(0)).unwrap_or_else(|| {
        format!("illegal base64 data at input byte {}", base64_error(&args.text(0))).into_bytes()
    })));
    "sprig_b64enc"(Text) |_, args| Ok(Value::text(STANDARD.encode(&*args.text(0))));
    "sprig_fromJson"(Text) |_, args| Ok(json::decode(&args.text(0)).unwrap_or(Value::NilInterface));
    "sprig_mustFromJson"(Text) |_, args| json::decode(&args.text(0)).ok_or_else(|| args.fail("the text is not JSON"));
    "sprig_mustToJson"(Any) |_, args| encode(&args, COMPACT);
    "sprig_mustToPrettyJson"(Any) |_, args| encode(&args, PRETTY);
    "sprig_mustToRawJson"(Any) |_, args| encode(&args, RAW);
    "sprig_toJson"(Any) |_, args| Ok(Value::text(json::encode(&args.value(0), COMPACT).unwrap_or_default()));
    "sprig_toPrettyJson"(Any) |_, args| Ok(Value::text(json::encode(&args.value(0), PRETTY).unwrap_or_default()));
    "sprig_toRawJson"(Any) |_, args| encode(&args, RAW);
}

fn encode<'a>(args: &Args<'a>, style: Style) -> Result<Value<'a>, Fault> {
    json::encode(&args.value(0), style).map(Value::text).map_err(|reason| args.fail(reason))
}

/// Where Go's decoder stops: the first byte that does not belong, or the end of what is incomplete.
fn base64_error(text: &[u8]) -> usize {
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'\r' | b'\n');
    text.iter().position(|byte| !is_digit(*byte)).unwrap_or_else(|| text.len() - text.len() % 4)
}

fn encode_base32(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(5) {
        let mut block = [0_u8; 8];
        for (slot, byte) in block.iter_mut().skip(3).zip(chunk) {
            *slot = *byte;
        }
        let bits = u64::from_be_bytes(block);
        let digits = (chunk.len() * 8).div_ceil(5);
        for index in 0..8 {
            let value = usize::try_from(bits >> (35 - 5 * index) & 31).unwrap_or(0);
            out.push(if index < digits { BASE32.get(value).map_or('=', |digit| char::from(*digit)) } else { '=' });
        }
    }
    out
}

/// The bytes, or where the text is wrong.
fn decode_base32(text: &[u8]) -> Result<Vec<u8>, usize> {
    let text: Vec<u8> = text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let mut out = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for (index, digit) in text.iter().enumerate() {
        if *digit == b'=' {
            let padding = text.len() - index;
            let is_padded = matches!(padding, 1 | 3 | 4 | 6) && text.len().is_multiple_of(8);
            return if is_padded && text.iter().skip(index).all(|byte| *byte == b'=') { Ok(out) } else { Err(index) };
        }
        let value = BASE32.iter().position(|known| known == digit).ok_or(index)?;
        bits = bits << 5 | u32::try_from(value).unwrap_or(0);
        count += 5;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from(bits >> count & 0xff).unwrap_or(0));
        }
    }
    if text.len().is_multiple_of(8) { Ok(out) } else { Err(text.len() - text.len() % 8) }
}
