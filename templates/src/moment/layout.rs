//! Go's layouts: the reference time `Mon Jan 2 15:04:05 MST 2006` written the way one wants it.

use super::{Civil, Moment};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// One element of a layout.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Element<'l> {
    AmPm(bool),
    Day(Pad),
    DayOfYear(Pad),
    /// Separator, count, and whether zeros at the end are cut.
    Fraction(char, usize, bool),
    Hour(Pad),
    Hour12(Pad),
    Literal(&'l str),
    Minute(Pad),
    Month(Pad),
    MonthName(bool),
    /// `Z` for UTC, colons, and whether minutes and seconds are shown.
    Offset {
        z: bool,
        colon: bool,
        parts: u8,
    },
    Second(Pad),
    Weekday(bool),
    Year(bool),
    Zone,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Pad {
    None,
    Space,
    Zero,
}

/// In Go's order: an earlier one wins over a later one that starts the same.
const ELEMENTS: [(&str, Element<'static>); 38] = [
    ("January", Element::MonthName(true)),
    ("Jan", Element::MonthName(false)),
    ("Monday", Element::Weekday(true)),
    ("Mon", Element::Weekday(false)),
    ("MST", Element::Zone),
    ("002", Element::DayOfYear(Pad::Zero)),
    ("01", Element::Month(Pad::Zero)),
    ("02", Element::Day(Pad::Zero)),
    ("03", Element::Hour12(Pad::Zero)),
    ("04", Element::Minute(Pad::Zero)),
    ("05", Element::Second(Pad::Zero)),
    ("06", Element::Year(false)),
    ("15", Element::Hour(Pad::Zero)),
    ("1", Element::Month(Pad::None)),
    ("2006", Element::Year(true)),
    ("2", Element::Day(Pad::None)),
    ("__2", Element::DayOfYear(Pad::Space)),
    ("_2006", Element::Literal("_")),
    ("_2", Element::Day(Pad::Space)),
    ("3", Element::Hour12(Pad::None)),
    ("4", Element::Minute(Pad::None)),
    ("5", Element::Second(Pad::None)),
    ("PM", Element::AmPm(true)),
    ("pm", Element::AmPm(false)),
    ("-070000", Element::Offset { z: false, colon: false, parts: 3 }),
    ("-07:00:00", Element::Offset { z: false, colon: true, parts: 3 }),
    ("-0700", Element::Offset { z: false, colon: false, parts: 2 }),
    ("-07:00", Element::Offset { z: false, colon: true, parts: 2 }),
    ("-07", Element::Offset { z: false, colon: false, parts: 1 }),
    ("Z070000", Element::Offset { z: true, colon: false, parts: 3 }),
    ("Z07:00:00", Element::Offset { z: true, colon: true, parts: 3 }),
    ("Z0700", Element::Offset { z: true, colon: false, parts: 2 }),
    ("Z07:00", Element::Offset { z: true, colon: true, parts: 2 }),
    ("Z07", Element::Offset { z: true, colon: false, parts: 1 }),
    (".0", Element::Fraction('.', 0, false)),
    (",0", Element::Fraction(',', 0, false)),
    (".9", Element::Fraction('.', 0, true)),
    (",9", Element::Fraction(',', 0, true)),
];

/// The elements of a layout.
fn elements(layout: &str) -> Vec<Element<'_>> {
    let mut found = Vec::new();
    let mut rest = layout;
    let mut literal = 0;
    while literal < rest.len() {
        let Some((text, after)) = rest.split_at_checked(literal) else {
            literal += 1;
            continue;
        };
        let Some((length, element)) = element_at(after) else {
            literal += 1;
            continue;
        };
        if !text.is_empty() {
            found.push(Element::Literal(text));
        }
        found.push(element);
        rest = after.get(length..).unwrap_or_default();
        literal = 0;
    }
    if !rest.is_empty() {
        found.push(Element::Literal(rest));
    }
    found
}

fn element_at(layout: &str) -> Option<(usize, Element<'_>)> {
    let (text, element) = ELEMENTS.iter().find(|(text, element)| {
        let short_name = matches!(element, Element::MonthName(false) | Element::Weekday(false));
        let rest = layout.strip_prefix(text);
        rest.is_some_and(|rest| !(short_name && rest.starts_with(|c: char| c.is_ascii_lowercase())))
    })?;
    match *element {
        Element::Literal("_") => Some((1, *element)),
        Element::Fraction(separator, _, trims) => {
            let digit = if trims { '9' } else { '0' };
            let digits = layout.get(1..)?;
            let count = digits.len() - digits.trim_start_matches(digit).len();
            // Only digits of one kind make a fraction; `.01` is text.
            if digits.get(count..)?.starts_with(|c: char| c.is_ascii_digit()) {
                return None;
            }
            Some((count + 1, Element::Fraction(separator, count, trims)))
        }
        element => Some((text.len(), element)),
    }
}

pub(super) fn format(moment: &Moment, layout: &str) -> String {
    let civil = moment.civil();
    let mut out = String::new();
    for element in elements(layout) {
        match element {
            Element::Literal(text) => out.push_str(text),
            Element::Year(true) => out.push_str(&format!("{:04}", civil.year)),
            Element::Year(false) => out.push_str(&format!("{:02}", civil.year.rem_euclid(100))),
            Element::MonthName(long) => out.push_str(&name(&MONTHS, usize::from(civil.month) - 1, long)),
            Element::Weekday(long) => out.push_str(&name(&DAYS, civil.weekday.into(), long)),
            Element::Month(pad) => out.push_str(&padded(civil.month.into(), pad, 2)),
            Element::Day(pad) => out.push_str(&padded(civil.day.into(), pad, 2)),
            Element::DayOfYear(pad) => out.push_str(&padded(civil.day_of_year, pad, 3)),
            Element::Hour(pad) => out.push_str(&padded(civil.hour.into(), pad, 2)),
            Element::Hour12(pad) => out.push_str(&padded((u16::from(civil.hour) + 11) % 12 + 1, pad, 2)),
            Element::Minute(pad) => out.push_str(&padded(civil.minute.into(), pad, 2)),
            Element::Second(pad) => out.push_str(&padded(civil.second.into(), pad, 2)),
            Element::AmPm(upper) => out.push_str(match (civil.hour >= 12, upper) {
                (true, true) => "PM",
                (false, true) => "AM",
                (true, false) => "pm",
                (false, false) => "am",
            }),
            Element::Fraction(separator, count, trims) => {
                let digits = format!("{:09}", moment.nanos);
                let digits = digits.get(..count.min(9)).unwrap_or(&digits);
                let digits = if trims { digits.trim_end_matches('0') } else { digits };
                if !digits.is_empty() {
                    out.push(separator);
                    out.push_str(digits);
                }
            }
            Element::Offset { z, colon, parts } => out.push_str(&offset(moment.offset, z, colon, parts)),
            Element::Zone if moment.offset == 0 => out.push_str("UTC"),
            Element::Zone => out.push_str(&offset(moment.offset, false, false, 2)),
        }
    }
    out
}

fn name(names: &[&str], index: usize, long: bool) -> String {
    let name = names.get(index).copied().unwrap_or_default();
    if long { name.to_owned() } else { name.chars().take(3).collect() }
}

fn padded(number: u16, pad: Pad, width: usize) -> String {
    match pad {
        Pad::None => number.to_string(),
        Pad::Space => format!("{number:width$}"),
        Pad::Zero => format!("{number:0width$}"),
    }
}

fn offset(seconds: i32, z: bool, colon: bool, parts: u8) -> String {
    if z && seconds == 0 {
        return "Z".to_owned();
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    let total = seconds.unsigned_abs();
    let separator = if colon { ":" } else { "" };
    let mut text = format!("{sign}{:02}", total / 3_600);
    if parts > 1 {
        text.push_str(&format!("{separator}{:02}", total / 60 % 60));
    }
    if parts > 2 {
        text.push_str(&format!("{separator}{:02}", total % 60));
    }
    text
}

/// A text being read.
struct Reader<'t> {
    rest: &'t str,
}

pub(super) fn parse(layout: &str, text: &str) -> Option<Moment> {
    let mut reader = Reader { rest: text };
    let mut civil = Civil { year: 0, month: 1, day: 1, hour: 0, minute: 0, second: 0, weekday: 0, day_of_year: 0 };
    let (mut nanos, mut shift, mut afternoon, mut day_of_year) = (0, 0, None, None);
    for element in elements(layout) {
        match element {
            Element::Literal(text) => reader.literal(text)?,
            Element::Year(true) => civil.year = reader.digits(4, 4)?.into(),
            Element::Year(false) => {
                let year = i64::from(reader.digits(2, 2)?);
                civil.year = if year >= 69 { 1900 + year } else { 2000 + year };
            }
            Element::MonthName(long) => civil.month = u8::try_from(reader.name(&MONTHS, long)? + 1).ok()?,
            Element::Weekday(long) => drop(reader.name(&DAYS, long)?),
            Element::Month(pad) => civil.month = reader.number(pad, 2)?,
            Element::Day(pad) => civil.day = reader.number(pad, 2)?,
            Element::DayOfYear(_) => day_of_year = Some(reader.digits(3, 3)?),
            Element::Hour(_) => civil.hour = reader.number(Pad::None, 2).filter(|hour| *hour < 24)?,
            Element::Hour12(pad) => civil.hour = reader.number(pad, 2).filter(|hour| *hour <= 12)?,
            Element::Minute(pad) => civil.minute = reader.number(pad, 2).filter(|minute| *minute < 60)?,
            Element::Second(pad) => civil.second = reader.number(pad, 2).filter(|second| *second < 60)?,
            Element::AmPm(upper) => afternoon = Some(reader.half(upper)?),
            Element::Fraction(_, count, trims) => nanos = reader.fraction(if trims { None } else { Some(count) })?,
            Element::Offset { z, colon, parts } => shift = reader.offset(z, colon, parts)?,
            Element::Zone => reader.zone()?,
        }
        // Go reads a fraction after seconds even when the layout has none.
        if matches!(element, Element::Second(_)) && reader.rest.starts_with(['.', ',']) {
            nanos = reader.loose_fraction(layout).unwrap_or(nanos);
        }
    }
    match afternoon {
        Some(true) if civil.hour < 12 => civil.hour += 12,
        Some(false) if civil.hour == 12 => civil.hour = 0,
        _ => {}
    }
    if let Some(days) = day_of_year {
        let start = Moment::from_civil(&Civil { month: 1, day: 1, ..civil }, 0, 0);
        let date = start.plus(i64::from(days.checked_sub(1)?) * 86_400_000_000_000).civil();
        if date.year != civil.year {
            return None;
        }
        (civil.month, civil.day) = (date.month, date.day);
    }
    let valid = reader.rest.is_empty() && (1..=12).contains(&civil.month) && civil.day >= 1;
    if !valid || civil.day > days_in(civil.month, civil.year) {
        return None;
    }
    Some(Moment::from_civil(&civil, nanos, shift))
}

fn days_in(month: u8, year: i64) -> u8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl<'t> Reader<'t> {
    fn literal(&mut self, text: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(text)?;
        Some(())
    }

    fn digits(&mut self, least: usize, most: usize) -> Option<u32> {
        let count = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at_checked(count).filter(|_| count >= least)?;
        self.rest = rest;
        digits.parse().ok()
    }

    fn number(&mut self, pad: Pad, width: usize) -> Option<u8> {
        if pad == Pad::Space {
            self.rest = self.rest.strip_prefix(' ').unwrap_or(self.rest);
        }
        u8::try_from(self.digits(if pad == Pad::Zero { width } else { 1 }, width)?).ok()
    }

    fn name(&mut self, names: &[&str], long: bool) -> Option<usize> {
        for (index, name) in names.iter().enumerate() {
            let name = if long { *name } else { name.get(..3)? };
            let found = self.rest.get(..name.len()).is_some_and(|text| text.eq_ignore_ascii_case(name));
            if found {
                self.rest = self.rest.get(name.len()..)?;
                return Some(index);
            }
        }
        None
    }

    fn half(&mut self, upper: bool) -> Option<bool> {
        let text: &'t str = self.rest.get(..2)?;
        self.rest = self.rest.get(2..)?;
        match (text, upper) {
            ("AM", true) | ("am", false) => Some(false),
            ("PM", true) | ("pm", false) => Some(true),
            _ => None,
        }
    }

    fn fraction(&mut self, count: Option<usize>) -> Option<u32> {
        if !self.rest.starts_with(['.', ',']) {
            return if count.is_none() { Some(0) } else { None };
        }
        let digits = self.rest.get(1..)?.bytes().take_while(u8::is_ascii_digit).count();
        if count.is_some_and(|count| count != digits) || digits == 0 {
            return None;
        }
        let text = self.rest.get(1..=digits)?;
        self.rest = self.rest.get(digits + 1..)?;
        let nine: String = text.chars().chain("000000000".chars()).take(9).collect();
        nine.parse().ok()
    }

    fn loose_fraction(&mut self, layout: &str) -> Option<u32> {
        let has_fraction = elements(layout).iter().any(|element| matches!(element, Element::Fraction(..)));
        if has_fraction { None } else { self.fraction(None) }
    }

    fn offset(&mut self, z: bool, colon: bool, parts: u8) -> Option<i32> {
        if z && self.literal("Z").is_some() {
            return Some(0);
        }
        let sign = match self.rest.bytes().next()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        self.rest = self.rest.get(1..)?;
        let mut seconds = 0;
        for (index, size) in [3_600, 60, 1].iter().take(parts.into()).enumerate() {
            if colon && index > 0 {
                self.literal(":")?;
            }
            seconds += i32::try_from(self.digits(2, 2)?).ok()? * size;
        }
        Some(sign * seconds)
    }

    /// A zone's name says nothing without a database: three or four letters count as UTC.
    fn zone(&mut self) -> Option<()> {
        let count = self.rest.bytes().take_while(u8::is_ascii_uppercase).count();
        self.rest = self.rest.get(count..).filter(|_| (3..=5).contains(&count))?;
        Some(())
    }
}
