//! Times as Go's `time` package shows and reads them. The zone is UTC unless a text named an offset.

pub(crate) use blinkchamber_hcl::duration::format as format_duration;
use blinkchamber_hcl::duration::{Dialect, parse};

mod layout;
#[cfg(test)]
mod tests;

/// A point in time and the offset it is shown with.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) struct Moment {
    /// Since 1970, UTC.
    pub(crate) seconds: i64,
    pub(crate) nanos: u32,
    /// Seconds east of UTC.
    pub(crate) offset: i32,
}

/// What a calendar and a clock show.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    pub(crate) month: u8,
    pub(crate) day: u8,
    pub(crate) hour: u8,
    pub(crate) minute: u8,
    pub(crate) second: u8,
    /// 0 is Sunday.
    pub(crate) weekday: u8,
    /// 1 is the first of January.
    pub(crate) day_of_year: u16,
}

/// Go's zero time, the first of January of the year 1.
pub(crate) const ZERO: Moment = Moment { seconds: -62_135_596_800, nanos: 0, offset: 0 };

/// Times further from 1970 than this (about 9000 years) are shown as the edge.
const EDGE: i64 = 300_000_000_000;

impl Moment {
    pub(crate) fn utc(seconds: i64, nanos: u32) -> Self {
        Self { seconds: seconds.clamp(-EDGE, EDGE), nanos: nanos.min(999_999_999), offset: 0 }
    }

    /// Shifted by nanoseconds.
    pub(crate) fn plus(self, nanoseconds: i64) -> Self {
        let total = i128::from(self.seconds) * 1_000_000_000 + i128::from(self.nanos) + i128::from(nanoseconds);
        let seconds = i64::try_from(total.div_euclid(1_000_000_000)).unwrap_or(EDGE).clamp(-EDGE, EDGE);
        Self { seconds, nanos: u32::try_from(total.rem_euclid(1_000_000_000)).unwrap_or(0), offset: self.offset }
    }

    /// Nanoseconds from `other` to this, cut at what fits.
    pub(crate) fn since(self, other: Self) -> i64 {
        let nanos = |moment: Self| i128::from(moment.seconds) * 1_000_000_000 + i128::from(moment.nanos);
        let difference = nanos(self) - nanos(other);
        i64::try_from(difference).unwrap_or(if difference < 0 { i64::MIN } else { i64::MAX })
    }

    /// Go's `Time.String`.
    pub(crate) fn display(&self) -> String {
        self.format("2006-01-02 15:04:05.999999999 -0700 MST")
    }

    /// Written in a Go layout.
    pub(crate) fn format(&self, layout: &str) -> String {
        layout::format(self, layout)
    }

    /// Read in a Go layout.
    pub(crate) fn parse(layout: &str, text: &str) -> Option<Self> {
        layout::parse(layout, text)
    }

    pub(crate) fn civil(&self) -> Civil {
        let local = self.seconds + i64::from(self.offset);
        let (days, clock) = (local.div_euclid(86_400), local.rem_euclid(86_400));
        // Days from the first of March of the year 0: leap days are then at the end of a year.
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Civil {
            year,
            month: small(month),
            day: small(day),
            hour: small(clock / 3_600),
            minute: small(clock / 60 % 60),
            second: small(clock % 60),
            weekday: small((days + 4).rem_euclid(7)),
            day_of_year: u16::try_from(days - days_from_civil(year, 1, 1) + 1).unwrap_or(1),
        }
    }

    /// The moment a calendar and a clock at an offset show.
    pub(crate) fn from_civil(civil: &Civil, nanos: u32, offset: i32) -> Self {
        let days = days_from_civil(civil.year, civil.month.into(), civil.day.into());
        let clock = i64::from(civil.hour) * 3_600 + i64::from(civil.minute) * 60 + i64::from(civil.second);
        Self { seconds: days * 86_400 + clock - i64::from(offset), nanos, offset }
    }
}

/// Nanoseconds of a text like `-1h30m` or `1.5s`.
pub(crate) fn parse_duration(text: &str) -> Option<i64> {
    i64::try_from(parse(text, Dialect::Go).ok()?).ok()
}

/// Days since 1970.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn small(number: i64) -> u8 {
    u8::try_from(number).unwrap_or(0)
}
