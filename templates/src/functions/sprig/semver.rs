//! Semantic versions and constraints, by the rules of Masterminds' library.

use std::cmp::Ordering;

use super::super::functions;
use crate::value::{UintType, Value};

functions! {
    "sprig_semver"(Text) |_, args| {
        let version = Version::parse(&args.str(0)).ok_or_else(|| args.fail("the text is no semantic version"))?;
        let number = |number| Value::Uint(number, UintType::Uint64);
        let text = |text: &str| Value::text(text.to_owned());
        Ok(Value::record("semver.Version", true, vec![
            ("String", Value::text(version.to_string())),
            ("Major", number(version.major)),
            ("Minor", number(version.minor)),
            ("Patch", number(version.patch)),
            ("Prerelease", text(&version.pre)),
            ("Metadata", text(&version.metadata)),
            ("Original", text(&args.str(0))),
        ]))
    };
    "sprig_semverCompare"(Text, Text) |_, args| {
        let alternatives = alternatives(&args.str(0)).ok_or_else(|| args.fail("the constraint is malformed"))?;
        let version = Version::parse(&args.str(1)).ok_or_else(|| args.fail("the text is no semantic version"))?;
        let holds = |constraints: &Vec<Constraint>| {
            let takes_pre = constraints.iter().any(|constraint| !constraint.version.pre.is_empty());
            constraints.iter().all(|constraint| (takes_pre || version.pre.is_empty()) && constraint.holds(&version))
        };
        Ok(Value::Bool(alternatives.iter().any(holds)))
    };
}

#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Version {
    major: u64,
    minor: u64,
    patch: u64,
    pre: String,
    metadata: String,
}

impl std::fmt::Display for Version {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.pre.is_empty() {
            write!(formatter, "-{}", self.pre)?;
        }
        if !self.metadata.is_empty() {
            write!(formatter, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

impl Version {
    /// `v` in front and missing minor and patch are allowed.
    fn parse(text: &str) -> Option<Self> {
        let (numbers, pre, metadata) = parts(text)?;
        let mut fields = numbers.split('.').map(loose_number);
        let version = Self {
            major: fields.next()??,
            minor: fields.next().unwrap_or(Some(0))?,
            patch: fields.next().unwrap_or(Some(0))?,
            pre: pre.to_owned(),
            metadata: metadata.to_owned(),
        };
        let numeric_without_zeros =
            |part: &str| !part.bytes().all(|byte| byte.is_ascii_digit()) || number(part).is_some() || part.len() > 19;
        let pre_valid = pre.is_empty() || pre.split('.').all(numeric_without_zeros);
        (fields.next().is_none() && pre_valid).then_some(version)
    }

    fn compare(&self, other: &Self) -> Ordering {
        let numbers = |version: &Self| (version.major, version.minor, version.patch);
        numbers(self).cmp(&numbers(other)).then_with(|| match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => compare_pre(&self.pre, &other.pre),
        })
    }
}

/// Numbers, pre-release and metadata, the last two with valid characters or empty.
fn parts(text: &str) -> Option<(&str, &str, &str)> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (text, metadata) = match text.split_once('+') {
        Some((text, metadata)) => (text, Some(metadata)),
        None => (text, None),
    };
    let (numbers, pre) = match text.split_once('-') {
        Some((numbers, pre)) => (numbers, Some(pre)),
        None => (text, None),
    };
    let valid = |text: &str| {
        let part =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        text.split('.').all(part)
    };
    (pre.is_none_or(valid) && metadata.is_none_or(valid))
        .then(|| (numbers, pre.unwrap_or_default(), metadata.unwrap_or_default()))
}

/// Digits; zeros in front do not count.
fn loose_number(digits: &str) -> Option<u64> {
    digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Digits without a zero in front.
fn number(digits: &str) -> Option<u64> {
    let valid = digits == "0" || (!digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()));
    digits.parse().ok().filter(|_| valid)
}

fn compare_pre(one: &str, two: &str) -> Ordering {
    let (mut first, mut second) = (one.split('.'), two.split('.'));
    loop {
        let order = match (first.next(), second.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(one), Some(two)) => match (one.parse::<u64>(), two.parse::<u64>()) {
                (Ok(one), Ok(two)) => one.cmp(&two),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => one.cmp(two),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// How many of a constraint's numbers are given.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Precision {
    Any,
    Major,
    Minor,
    Full,
}

struct Constraint {
    operator: &'static str,
    version: Version,
    precision: Precision,
}

const OPERATORS: [&str; 12] = ["!=", ">=", "=>", "<=", "=<", "~>", "=", ">", "<", "~", "^", ""];

/// Alternatives behind `||`, each a list that must hold as a whole. `a - b` is a range.
fn alternatives(text: &str) -> Option<Vec<Vec<Constraint>>> {
    text.split("||").map(conjunction).collect()
}

fn conjunction(text: &str) -> Option<Vec<Constraint>> {
    let mut words: Vec<&str> = text.split([' ', '\t', '\n', ',']).filter(|word| !word.is_empty()).collect();
    let mut constraints = Vec::new();
    words.reverse();
    while let Some(word) = words.pop() {
        if words.last() == Some(&"-") {
            words.pop();
            constraints.push(Constraint::parse(">=", word)?);
            constraints.push(Constraint::parse("<=", words.pop()?)?);
            continue;
        }
        let operator = OPERATORS.iter().find(|operator| word.starts_with(**operator))?;
        let rest = word.strip_prefix(operator)?;
        // A space may stand between the operator and the version.
        let version = if rest.is_empty() { words.pop()? } else { rest };
        constraints.push(Constraint::parse(operator, version)?);
    }
    (!constraints.is_empty()).then_some(constraints)
}

impl Constraint {
    fn parse(operator: &'static str, text: &str) -> Option<Self> {
        let (numbers, pre, metadata) = parts(text)?;
        let mut fields: Vec<&str> = numbers.split('.').collect();
        let wildcard = fields.iter().position(|field| matches!(*field, "x" | "X" | "*")).unwrap_or(fields.len());
        if fields.len() > 3 {
            return None;
        }
        fields.truncate(wildcard);
        let precision = match fields.len() {
            0 => Precision::Any,
            1 => Precision::Major,
            2 => Precision::Minor,
            _ => Precision::Full,
        };
        fields.resize(3, "0");
        let metadata =
            if precision == Precision::Full && !metadata.is_empty() { format!("+{metadata}") } else { String::new() };
        let pre = if pre.is_empty() { String::new() } else { format!("-{pre}") };
        let version = Version::parse(&format!("{}{pre}{metadata}", fields.join(".")))?;
        Some(Self { operator, version, precision })
    }

    fn holds(&self, version: &Version) -> bool {
        let order = version.compare(&self.version);
        let own = &self.version;
        let partial = self.precision != Precision::Full;
        match self.operator {
            "!=" => match self.precision {
                Precision::Any => version.major != 0 || version.minor != 0 || version.patch != 0,
                Precision::Major => version.major != own.major,
                Precision::Minor => version.major != own.major || version.minor != own.minor || version.pre != own.pre,
                Precision::Full => order != Ordering::Equal,
            },
            ">" => match self.precision {
                Precision::Major => version.major > own.major,
                Precision::Minor => (version.major, version.minor) > (own.major, own.minor),
                Precision::Any | Precision::Full => order == Ordering::Greater,
            },
            "<" => order == Ordering::Less,
            ">=" | "=>" => order != Ordering::Less,
            "<=" | "=<" if partial => match self.precision {
                Precision::Major => version.major <= own.major,
                _ => (version.major, version.minor) <= (own.major, own.minor),
            },
            "<=" | "=<" => order != Ordering::Greater,
            "^" => order != Ordering::Less && self.caret(version),
            "~" | "~>" => self.tilde(version, order),
            _ if partial => self.tilde(version, order),
            _ => order == Ordering::Equal,
        }
    }

    /// The same major, and the same minor when one is given.
    fn tilde(&self, version: &Version, order: Ordering) -> bool {
        let own = &self.version;
        let all_zero = (own.major, own.minor, own.patch) == (0, 0, 0);
        if order == Ordering::Less {
            return false;
        }
        if all_zero && matches!(self.precision, Precision::Any | Precision::Full) {
            return true;
        }
        version.major == own.major && (self.precision == Precision::Major || version.minor == own.minor)
    }

    /// Up to the next change of the first number that is not zero.
    fn caret(&self, version: &Version) -> bool {
        let own = &self.version;
        if own.major > 0 || self.precision == Precision::Major {
            return version.major == own.major;
        }
        if version.major > 0 {
            return false;
        }
        if own.minor > 0 || self.precision == Precision::Minor {
            return version.minor == own.minor;
        }
        version.minor == 0 && version.patch == own.patch
    }
}
