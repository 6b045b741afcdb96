//! The types of annotation values, as vault-k8s (Go) reads them where it checks them at all.

use std::net::SocketAddr;
use std::time::Duration;

use blinkchamber_hcl::duration::{self, Dialect};

mod reload;
#[cfg(test)]
mod tests;

pub use reload::reload_actions;

/// What an annotation's value may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// Reload actions, see [`reload_actions`].
    Actions,
    /// A Go boolean; empty is false.
    Bool,
    /// A file mode in octal, up to 0777; empty is unset.
    Mode,
    /// An IP address and a port; empty is unset.
    Socket,
    /// A Go duration, not negative; empty is unset.
    Duration,
    /// A Go duration or whole seconds, not negative; empty is unset.
    Seconds,
    /// A user or group id.
    Id,
    /// A whole number, not negative; empty is 0.
    Count,
    /// A whole number, not negative, never empty.
    Unsigned,
    /// One of these words, whatever their case.
    OneOf(&'static [&'static str]),
    /// Comma-separated words of this list.
    ListOf(&'static [&'static str]),
    /// Comma-separated names.
    Names,
    /// A Kubernetes quantity, not negative; empty is unset.
    Quantity,
    /// A number from 0 to 1.
    Share,
    /// An absolute path without `..`.
    Directory,
    /// An RFC 6902 patch; empty is none.
    Patch,
    /// The name of a Kubernetes object; empty is unset.
    ObjectName,
    /// An `http://` URL of the pod itself; empty is unset.
    LocalUrl,
    /// The URL of an HTTP proxy, without a password; empty is unset.
    ProxyUrl,
    /// Any text.
    Text,
    /// Text that must not be empty.
    Filled,
}

impl Kind {
    /// Whether the value is accepted.
    #[must_use]
    pub fn accepts(self, value: &str) -> bool {
        match self {
            Self::Actions => reload_actions(value).is_ok(),
            Self::Bool => boolean(value).is_some(),
            Self::Mode => value.is_empty() || mode(value).is_some(),
            Self::Socket => value.is_empty() || socket(value).is_some(),
            Self::Duration => value.is_empty() || duration(value).is_some(),
            Self::Seconds => value.is_empty() || seconds(value).is_some(),
            Self::Id => id(value).is_some(),
            Self::Count => value.is_empty() || unsigned(value.strip_prefix('+').unwrap_or(value)).is_some(),
            Self::Unsigned => unsigned(value).is_some(),
            Self::OneOf(words) => words.iter().any(|word| word.eq_ignore_ascii_case(value)),
            Self::ListOf(words) => names(value).all(|name| words.contains(&name)),
            Self::Names | Self::Text => true,
            Self::Quantity => value.is_empty() || quantity(value).is_some(),
            Self::Share => share(value).is_some(),
            Self::Directory => directory(value).is_some(),
            Self::Patch => patch(value).is_some(),
            Self::ObjectName => value.is_empty() || object_name(value),
            Self::LocalUrl => value.is_empty() || local_url(value),
            Self::ProxyUrl => value.is_empty() || proxy_url(value),
            Self::Filled => !value.trim().is_empty(),
        }
    }

    /// What is accepted, in words.
    #[must_use]
    pub fn expected(self) -> String {
        let text = match self {
            Self::Actions => {
                "actions `signal:HUP:<process>`, `command:/path argument` or `http:POST:http://host/path`, \
                 separated by commas or line ends"
            }
            Self::Bool => "true or false (also 1, 0, t, f, T, F, TRUE, FALSE, True, False)",
            Self::Mode => "an octal file mode up to 0777, such as 0640",
            Self::Socket => "an IP address and a port, such as 0.0.0.0:9102",
            Self::Duration => "a duration with a unit, such as 30s, 5m or 1h30m",
            Self::Seconds => "a duration with a unit, such as 30s or 5m, or whole seconds",
            Self::Id => "a number from 0 to 2147483647",
            Self::Count | Self::Unsigned => "a whole number that is not negative",
            Self::OneOf(words) => return format!("one of {}", words.join(", ")),
            Self::ListOf(words) => return format!("a comma-separated list of {}", words.join(", ")),
            Self::Names => "a comma-separated list of names",
            Self::Quantity => "a quantity that is not negative, such as 250m, 64Mi or 1Gi",
            Self::Share => "a number from 0 to 1, such as 0.9",
            Self::Directory => "an absolute path below / without `..`",
            Self::Patch => "a JSON list of RFC 6902 operations",
            Self::ObjectName => {
                "the name of an object: lower-case letters, digits, `-` and `.`, beginning and ending with a letter or digit"
            }
            Self::ProxyUrl => {
                "the http:// URL of a proxy, such as http://proxy.example:3128, without name and password (an annotation \
                 keeps no secret)"
            }
            Self::LocalUrl => "an http:// URL of localhost, 127.0.0.1 or [::1], such as http://127.0.0.1:8080/ready",
            Self::Text => "any text",
            Self::Filled => "a text that is not empty",
        };
        text.to_owned()
    }
}

/// `strconv.ParseBool`, and the empty text is false.
#[must_use]
pub fn boolean(value: &str) -> Option<bool> {
    match value {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "" | "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// `time.ParseDuration` without negative durations.
#[must_use]
pub fn duration(value: &str) -> Option<Duration> {
    not_negative(value, Dialect::Go)
}

/// A Go duration, or a number of whole seconds.
#[must_use]
pub fn seconds(value: &str) -> Option<Duration> {
    not_negative(value, Dialect::Seconds)
}

fn not_negative(value: &str, dialect: Dialect) -> Option<Duration> {
    let nanoseconds = u128::try_from(duration::parse(value, dialect).ok()?).ok()?;
    let (seconds, rest) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
    Some(Duration::new(u64::try_from(seconds).ok()?, u32::try_from(rest).ok()?))
}

/// A file mode in octal, 0 to 0777.
#[must_use]
pub fn mode(value: &str) -> Option<u32> {
    if value.is_empty() || !value.bytes().all(|byte| (b'0'..=b'7').contains(&byte)) {
        return None;
    }
    u32::from_str_radix(value, 8).ok().filter(|mode| *mode <= 0o777)
}

/// A user or group id as Kubernetes accepts it.
#[must_use]
pub fn id(value: &str) -> Option<i64> {
    value.parse::<i64>().ok().filter(|id| (0..=i64::from(i32::MAX)).contains(id))
}

/// Decimal digits only.
#[must_use]
pub fn unsigned(value: &str) -> Option<u64> {
    if value.bytes().all(|byte| byte.is_ascii_digit()) { value.parse().ok() } else { None }
}

/// A number from 0 to 1.
#[must_use]
pub fn share(value: &str) -> Option<f64> {
    value.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share))
}

/// The names of a comma-separated list: spaces around a name do not belong to it, empty names are none.
pub fn names(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|name| !name.is_empty())
}

/// The size of a Kubernetes quantity, not negative.
#[must_use]
pub fn quantity(value: &str) -> Option<f64> {
    let text = value.strip_prefix('+').unwrap_or(value);
    let (number, suffix) = split_at_first(text, |c: char| !c.is_ascii_digit() && c != '.');
    let factor = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        "Pi" => 1_125_899_906_842_624.0,
        "Ei" => 1_152_921_504_606_846_976.0,
        exponent => 10f64.powi(exponent.strip_prefix(['e', 'E'])?.parse::<i16>().ok()?.into()),
    };
    decimal(number).map(|number| number * factor)
}

/// A mount path in its shortest spelling; `None` unless it is absolute, below `/` and free of `..`.
#[must_use]
pub fn directory(value: &str) -> Option<String> {
    let parts: Vec<&str> = value.strip_prefix('/')?.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let plain = !parts.is_empty() && !parts.contains(&"..") && !value.contains([':', '\0']);
    plain.then(|| format!("/{}", parts.join("/")))
}

/// An address to listen on, with a port.
#[must_use]
pub fn socket(value: &str) -> Option<SocketAddr> {
    value.parse().ok().filter(|address: &SocketAddr| address.port() != 0)
}

/// Whether the API server takes this name of an object (RFC 1123).
#[must_use]
pub fn object_name(value: &str) -> bool {
    let part = |part: &str| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        part.starts_with(plain) && part.ends_with(plain) && part.chars().all(|c| plain(c) || c == '-')
    };
    value.len() <= 253 && value.split('.').all(part)
}

/// Whether this is an `http://` URL that does not leave the pod.
#[must_use]
pub fn local_url(value: &str) -> bool {
    let Some(rest) = value.strip_prefix("http://").filter(|rest| !rest.contains(char::is_whitespace)) else {
        return false;
    };
    let (authority, _) = split_at_first(rest, |c| matches!(c, '/' | '?' | '#'));
    ["localhost", "127.0.0.1", "[::1]"].into_iter().filter_map(|host| authority.strip_prefix(host)).any(|port| {
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port != 0))
    })
}

/// Whether this is the URL of a proxy that is spoken to by HTTP, as the agent reads it: `http://` may be left out.
#[must_use]
pub fn proxy_url(value: &str) -> bool {
    let rest = value.strip_prefix("http://").unwrap_or(value);
    let (authority, path) = split_at_first(rest, |c| c == '/');
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    matches!(path, "" | "/")
        && !host.is_empty()
        && host.chars().all(is_host)
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port != 0))
}

/// An RFC 6902 patch; the empty text and `null` are an empty one.
#[must_use]
pub fn patch(value: &str) -> Option<json_patch::Patch> {
    if value.is_empty() || value.trim() == "null" {
        return Some(json_patch::Patch::default());
    }
    serde_json::from_str(value).ok()
}

/// Digits with at most one point and at least one digit, as Go writes fractions (`1.`, `.5`).
fn decimal(number: &str) -> Option<f64> {
    let well_formed = number.bytes().any(|byte| byte.is_ascii_digit()) && number.matches('.').count() <= 1;
    if well_formed { number.parse().ok() } else { None }
}

fn split_at_first(text: &str, at: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(at).unwrap_or(text.len()))
}
