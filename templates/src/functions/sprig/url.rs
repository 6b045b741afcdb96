//! URLs as dictionaries.

use std::collections::BTreeMap;

use super::super::{Args, functions};
use crate::error::Fault;
use crate::value::{Key, MapType, Value};

functions! {
    "sprig_urlJoin"(Map) |_, args| join(&args).map(Value::text);
    "sprig_urlParse"(Text) |_, args| {
        let url = parse(&args.str(0)).ok_or_else(|| args.fail("the text is no URL"))?;
        let entries = [
            ("scheme", url.scheme),
            ("hostname", hostname(&url.host)),
            ("host", url.host),
            ("path", url.path),
            ("query", url.query),
            ("opaque", url.opaque),
            ("fragment", url.fragment),
            ("userinfo", url.userinfo),
        ];
        let entries = entries.into_iter().map(|(key, text)| (Key::Text(key.into()), Value::text(text)));
        Ok(Value::map(MapType::Any, entries.collect::<BTreeMap<_, _>>()))
    };
}

/// The parts of a URL: path, host and fragment decoded, the user information as it is shown.
#[derive(Default)]
struct Url {
    scheme: String,
    opaque: String,
    userinfo: String,
    host: String,
    path: String,
    query: String,
    fragment: String,
}

/// Go's `url.Parse`.
fn parse(text: &str) -> Option<Url> {
    if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return None;
    }
    let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
    let mut url = Url { fragment: unescape(fragment)?, ..Url::default() };
    if text == "*" {
        url.path = "*".to_owned();
        return Some(url);
    }
    let (scheme, rest) = split_scheme(text)?;
    url.scheme = scheme.to_ascii_lowercase();
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    url.query = query.to_owned();
    if !rest.starts_with('/') {
        if !url.scheme.is_empty() {
            url.opaque = rest.to_owned();
            return Some(url);
        }
        // A colon in the first part would make it a scheme.
        if rest.split('/').next().is_some_and(|part| part.contains(':')) {
            return None;
        }
    }
    let mut path = rest;
    if let Some(after) = rest.strip_prefix("//").filter(|_| !url.scheme.is_empty() || !rest.starts_with("///")) {
        let end = after.find('/').unwrap_or(after.len());
        let (authority, remaining) = after.split_at_checked(end)?;
        authority_into(&mut url, authority)?;
        path = remaining;
    }
    url.path = unescape(path)?;
    Some(url)
}

fn split_scheme(text: &str) -> Option<(&str, &str)> {
    for (at, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return None,
            ':' => return text.split_once(':'),
            _ => break,
        }
    }
    Some(("", text))
}

fn authority_into(url: &mut Url, authority: &str) -> Option<()> {
    let (userinfo, host) = match authority.rsplit_once('@') {
        Some((userinfo, host)) => (Some(userinfo), host),
        None => (None, authority),
    };
    if let Some(userinfo) = userinfo {
        url.userinfo = shown_userinfo(userinfo)?;
    }
    let (name, port) = match host.strip_prefix('[') {
        Some(inner) => {
            let (name, port) = inner.split_once(']')?;
            (format!("[{}]", unescape(name)?), port)
        }
        None => {
            let at = host.rfind(':').unwrap_or(host.len());
            let (name, port) = host.split_at_checked(at)?;
            (unescape_host(name)?, port)
        }
    };
    let valid_port =
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    if !valid_port || name.contains([' ', '<', '>', '"']) && !host.contains('%') {
        return None;
    }
    url.host = format!("{name}{port}");
    Some(())
}

/// `user:password` with what must be escaped in it escaped.
fn shown_userinfo(userinfo: &str) -> Option<String> {
    let valid = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
    if !userinfo.chars().all(valid) {
        return None;
    }
    let (user, password) = match userinfo.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (userinfo, None),
    };
    let shown = |text: &str| Some(escape(&unescape(text)?, "$&+,;="));
    match password {
        Some(password) => Some(format!("{}:{}", shown(user)?, shown(password)?)),
        None => shown(user),
    }
}

fn hostname(host: &str) -> String {
    if let Some((name, _)) = host.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        return name.to_owned();
    }
    host.split_once(':').map_or(host, |(name, _)| name).to_owned()
}

/// Go lets a host have escaped bytes only when they are not ASCII.
fn unescape_host(host: &str) -> Option<String> {
    let only_high = host.match_indices('%').all(|(at, _)| {
        host.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok()).is_some_and(|byte| byte >= 0x80)
    });
    if only_high { unescape(host) } else { None }
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        let digits = after.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = after.get(2..)?;
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Escapes all but letters, digits, `-_.~` and the given signs.
fn escape(text: &str, kept: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || "-_.~".contains(c) || (c.is_ascii() && kept.contains(c)) {
            out.push(c);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Go's `URL.String` of a dictionary.
fn join(args: &Args<'_>) -> Result<String, Fault> {
    let map = args.map(0)?;
    let part = |key: &'static str| match map.get(key.into()) {
        None => Ok(String::new()),
        Some(value) => match value.string_kind() {
            Some(text) => Ok(text.lossy().into_owned()),
            None => Err(args.fail(format!("the entry {key:?} is not a string"))),
        },
    };
    let (scheme, host, path, query) = (part("scheme")?, part("host")?, part("path")?, part("query")?);
    let (opaque, fragment, userinfo) = (part("opaque")?, part("fragment")?, part("userinfo")?);
    let user = match userinfo.is_empty() {
        true => None,
        false => {
            let proto = parse(&format!("proto://{userinfo}@host"))
                .ok_or_else(|| args.fail("the user information is malformed"))?;
            (!proto.userinfo.is_empty()).then_some(proto.userinfo)
        }
    };
    let mut out = String::new();
    if !scheme.is_empty() {
        out.push_str(&scheme);
        out.push(':');
    }
    if !opaque.is_empty() {
        out.push_str(&opaque);
    } else {
        if !scheme.is_empty() || !host.is_empty() || user.is_some() {
            if !host.is_empty() || !path.is_empty() || user.is_some() {
                out.push_str("//");
            }
            if let Some(user) = &user {
                out.push_str(user);
                out.push('@');
            }
            out.push_str(&escape(&host, "!$&'()*+,;=:[]<>\""));
        }
        let path = escape(&path, "$&+,/:;=@");
        if !path.is_empty() && !path.starts_with('/') && !host.is_empty() {
            out.push('/');
        }
        // A colon in the first part of a relative path would be read as a scheme.
        if out.is_empty() && path.split('/').next().is_some_and(|first| first.contains(':')) {
            out.push_str("./");
        }
        out.push_str(&path);
    }
    if !query.is_empty() {
        out.push('?');
        out.push_str(&query);
    }
    if !fragment.is_empty() {
        out.push('#');
        out.push_str(&escape(&fragment, "$&+,/:;=?@!()*"));
    }
    Ok(out)
}
