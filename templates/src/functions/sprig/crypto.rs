//! Hashes, password hashes and AES. Keys and certificates are the server's business.

use aes::Aes256;
use aes::cipher::{BlockDecrypt as _, BlockEncrypt as _, KeyInit as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::super::text::{decode_base64, hex};
use super::super::{Args, functions};
use super::random::source;
use super::unsupported;
use crate::error::Fault;
use crate::eval::Eval;
use crate::value::Value;

const BLOCK: usize = 16;
const BCRYPT_COST: u32 = 10;
/// A bcrypt or scrypt counts as so many steps: about 25 of them fit into a rendering.
const HASH_STEPS: usize = 400_000;

functions! {
    "sprig_adler32sum"(Text) |_, args| Ok(Value::text(adler32(&args.text(0)).to_string()));
    "sprig_bcrypt"(Text) |eval, args| bcrypt(eval, &args, 0).map(Value::text);
    "sprig_buildCustomCert"(Text, Text) unsupported;
    "sprig_decryptAES"(Text, Text) decrypt;
    "sprig_derivePassword"(Any, Text, Text, Text, Text) derive_password;
    "sprig_encryptAES"(Text, Text) encrypt;
    "sprig_genCA"(Text, Int) unsupported;
    "sprig_genCAWithKey"(Text, Int, Text) unsupported;
    "sprig_genPrivateKey"(Text) private_key;
    "sprig_genSelfSignedCert"(Text, List, List, Int) unsupported;
    "sprig_genSelfSignedCertWithKey"(Text, List, List, Int, Text) unsupported;
    "sprig_genSignedCert"(Text, List, List, Int, Any) unsupported;
    "sprig_genSignedCertWithKey"(Text, List, List, Int, Any, Text) unsupported;
    "sprig_htpasswd"(Text, Text) |eval, args| {
        if args.text(0).contains(&b':') {
            return Ok(Value::text(format!("invalid username: {}", args.str(0))));
        }
        let hash = bcrypt(eval, &args, 1)?;
        Ok(Value::text([&args.text(0), b":".as_slice(), hash.as_bytes()].concat()))
    };
    "sprig_sha1sum"(Text) |_, args| Ok(Value::text(hex(&Sha1::digest(&*args.text(0)))));
    "sprig_sha256sum"(Text) |_, args| Ok(Value::text(hex(&Sha256::digest(&*args.text(0)))));
}

fn adler32(bytes: &[u8]) -> u32 {
    let (mut low, mut high) = (1_u32, 0_u32);
    for byte in bytes {
        low = (low + u32::from(*byte)) % 65_521;
        high = (high + low) % 65_521;
    }
    high << 16 | low
}

/// Go's `$2a$` hash; a password above 72 bytes is refused as there, in the result.
fn bcrypt(eval: &mut Eval<'_>, args: &Args<'_>, index: usize) -> Result<String, Fault> {
    eval.spend(HASH_STEPS)?;
    let password = args.text(index);
    if password.len() > 72 {
        return Ok("failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes".to_owned());
    }
    let random = source(eval, args)?;
    let salt: [u8; BLOCK] = std::array::from_fn(|_| random.byte());
    // The key of the original ends in a zero byte.
    let key = [&password, [0].as_slice()].concat();
    let mut digest = bcrypt_raw(&salt, key.get(..key.len().min(72)).unwrap_or_default()).to_vec();
    digest.truncate(23);
    Ok(format!("$2a${BCRYPT_COST}${}{}", crypt64(&salt), crypt64(&digest)))
}

fn bcrypt_raw(salt: &[u8; BLOCK], key: &[u8]) -> [u8; 24] {
    bcrypt::bcrypt(BCRYPT_COST, *salt, key)
}

/// Base 64 in the alphabet of bcrypt, without padding.
fn crypt64(bytes: &[u8]) -> String {
    base64::engine::GeneralPurpose::new(&base64::alphabet::BCRYPT, base64::engine::general_purpose::NO_PAD)
        .encode(bytes)
}

fn cipher(args: &Args<'_>) -> Aes256 {
    let mut key = [0; 32];
    for (slot, byte) in key.iter_mut().zip(args.text(0).iter()) {
        *slot = *byte;
    }
    Aes256::new(&key.into())
}

/// AES-256-CBC with a random first block, in base 64.
fn encrypt<'a>(eval: &mut Eval<'a>, args: Args<'a>) -> Result<Value<'a>, Fault> {
    let mut text = args.text(1).to_vec();
    if text.is_empty() {
        return Ok(Value::text(""));
    }
    let padding = BLOCK - text.len() % BLOCK;
    text.resize(text.len() + padding, u8::try_from(padding).unwrap_or(0));
    let random = source(eval, &args)?;
    let mut previous: [u8; BLOCK] = std::array::from_fn(|_| random.byte());
    let mut out = previous.to_vec();
    let cipher = cipher(&args);
    for chunk in text.chunks_exact(BLOCK) {
        let mut block: [u8; BLOCK] = std::array::from_fn(|_| 0);
        for ((slot, byte), mask) in block.iter_mut().zip(chunk).zip(previous) {
            *slot = byte ^ mask;
        }
        let mut block = block.into();
        cipher.encrypt_block(&mut block);
        previous = block.into();
        out.extend_from_slice(&previous);
    }
    Ok(Value::text(STANDARD.encode(out)))
}

fn decrypt<'a>(_: &mut Eval<'a>, args: Args<'a>) -> Result<Value<'a>, Fault> {
    if args.text(1).is_empty() {
        return Ok(Value::text(""));
    }
    let bytes = decode_base64(&STANDARD, &args.text(1)).ok_or_else(|| args.fail("illegal base64 data"))?;
    if bytes.len() < 2 * BLOCK || bytes.len() % BLOCK != 0 {
        return Err(args.fail("the text has no whole number of blocks"));
    }
    let cipher = cipher(&args);
    let mut out = Vec::with_capacity(bytes.len());
    for (chunk, previous) in bytes.chunks_exact(BLOCK).skip(1).zip(bytes.chunks_exact(BLOCK)) {
        let block: [u8; BLOCK] = chunk.try_into().map_err(|_| args.fail("a block is too short"))?;
        let mut block = block.into();
        cipher.decrypt_block(&mut block);
        out.extend(block.iter().zip(previous).map(|(byte, mask)| byte ^ mask));
    }
    let padding = out.last().copied().map_or(0, usize::from);
    let length =
        out.len().checked_sub(padding).ok_or_else(|| args.fail("the padding is wrong: is this the right key?"))?;
    out.truncate(length);
    Ok(Value::text(out))
}

/// Only what needs no arithmetic: a key of Ed25519 is 32 random bytes.
fn private_key<'a>(eval: &mut Eval<'a>, args: Args<'a>) -> Result<Value<'a>, Fault> {
    /// PKCS #8 up to the key itself.
    const PREFIX: [u8; 16] = [48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32];
    match &*args.str(0) {
        "ed25519" => {
            let random = source(eval, &args)?;
            let key: [u8; 32] = std::array::from_fn(|_| random.byte());
            let body = STANDARD.encode([PREFIX.as_slice(), &key].concat());
            Ok(Value::text(format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")))
        }
        "" | "rsa" | "dsa" | "ecdsa" => unsupported(eval, args),
        other => Ok(Value::text(format!("Unknown type {other}"))),
    }
}

/// The Master Password algorithm.
fn derive_password<'a>(eval: &mut Eval<'a>, args: Args<'a>) -> Result<Value<'a>, Fault> {
    const SEED: &[u8] = b"com.lyndir.masterpassword";
    let counter = match args.value(0) {
        // Go takes only a constant here: it has no uint32 otherwise.
        Value::Int(counter, _) => u32::try_from(counter).map_err(|_| args.fail("the counter is out of range"))?,
        _ => return Err(args.fail("the counter is not a number")),
    };
    let templates: &[&[u8]] = match &*args.str(1) {
        "maximum" => &[b"anoxxxxxxxxxxxxxxxxx", b"axxxxxxxxxxxxxxxxxno"],
        "long" => &[
            b"CvcvnoCvcvCvcv",
            b"CvcvCvcvnoCvcv",
            b"CvcvCvcvCvcvno",
            b"CvccnoCvcvCvcv",
            b"CvccCvcvnoCvcv",
            b"CvccCvcvCvcvno",
            b"CvcvnoCvccCvcv",
            b"CvcvCvccnoCvcv",
            b"CvcvCvccCvcvno",
            b"CvcvnoCvcvCvcc",
            b"CvcvCvcvnoCvcc",
            b"CvcvCvcvCvccno",
            b"CvccnoCvccCvcv",
            b"CvccCvccnoCvcv",
            b"CvccCvccCvcvno",
            b"CvcvnoCvccCvcc",
            b"CvcvCvccnoCvcc",
            b"CvcvCvccCvccno",
            b"CvccnoCvcvCvcc",
            b"CvccCvcvnoCvcc",
            b"CvccCvcvCvccno",
        ],
        "medium" => &[b"CvcnoCvc", b"CvcCvcno"],
        "short" => &[b"Cvcn"],
        "basic" => &[b"aaanaaan", b"aannaaan", b"aaannaaa"],
        "pin" => &[b"nnnn"],
        other => return Ok(Value::text(format!("cannot find password template {other}"))),
    };
    eval.spend(HASH_STEPS)?;
    let length = |text: &[u8]| u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes();
    let (user, site) = (args.text(3), args.text(4));
    let salt = [SEED, &length(&user), &user].concat();
    let mut key = [0; 64];
    let parameters = scrypt::Params::new(15, 8, 2, 64).map_err(|_| args.fail("the parameters of scrypt are wrong"))?;
    scrypt::scrypt(&args.text(2), &salt, &parameters, &mut key).map_err(|_| args.fail("scrypt fails"))?;
    let mac =
        <Hmac<Sha256> as hmac::Mac>::new_from_slice(&key).map_err(|_| args.fail("the key has no valid length"))?;
    let message = [SEED, &length(&site), &site, &counter.to_be_bytes()].concat();
    let seed = mac.chain_update(message).finalize().into_bytes();
    let pick = |set: &[u8], byte: u8| set.get(usize::from(byte) % set.len().max(1)).copied();
    let mut bytes = seed.iter().copied();
    let template =
        templates.get(usize::from(bytes.next().unwrap_or(0)) % templates.len().max(1)).copied().unwrap_or_default();
    let password = template.iter().zip(bytes).filter_map(|(class, byte)| pick(class_characters(*class), byte));
    Ok(Value::text(password.collect::<Vec<u8>>()))
}

fn class_characters(class: u8) -> &'static [u8] {
    match class {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'A' => b"AEIOUBCDFGHJKLMNPQRSTVWXYZ",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}
