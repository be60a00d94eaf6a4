//! Instants, calendar dates and the little arithmetic that pages need. Time zones are the server's business.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::language::Language;

/// UTC, unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub i64);

/// Milliseconds of a day without leap seconds.
pub const DAY: i64 = 86_400_000;

impl Millis {
    pub const fn plus(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// The UTC calendar date.
    pub fn date(self) -> Date {
        Date::from_days(self.0.div_euclid(DAY))
    }

    /// Hour and minute in UTC.
    pub const fn hour_minute(self) -> (i64, i64) {
        let minutes = self.0.rem_euclid(DAY) / 60_000;
        (minutes / 60, minutes % 60)
    }

    /// RFC 3339 in UTC with seconds, as the API writes it.
    pub fn rfc3339(self) -> String {
        let (hour, minute) = self.hour_minute();
        let second = self.0.rem_euclid(60_000) / 1000;
        format!("{}T{hour:02}:{minute:02}:{second:02}Z", self.date())
    }

    /// Date and time for a reader, in UTC plus the given offset (minutes east).
    pub fn readable(self, language: Language, offset_minutes: i64) -> String {
        let local = self.plus(offset_minutes * 60_000);
        let (hour, minute) = local.hour_minute();
        format!("{}, {hour:02}:{minute:02}", local.date().readable(language))
    }
}

/// A day of the proleptic Gregorian calendar between the years 1970 and 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: i32,
    month: u8,
    day: u8,
}

/// The text is not `YYYY-MM-DD` or names a day that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidDate;

impl fmt::Display for InvalidDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a calendar date")
    }
}

impl std::error::Error for InvalidDate {}

const fn leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_in_month(year: i32, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap(year) => 29,
        _ => 28,
    }
}

impl Date {
    pub const fn new(year: i32, month: u8, day: u8) -> Result<Self, InvalidDate> {
        let valid =
            year >= 1970 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 && day <= days_in_month(year, month);
        if valid { Ok(Self { year, month, day }) } else { Err(InvalidDate) }
    }

    pub const fn year(self) -> i32 {
        self.year
    }

    pub const fn month(self) -> u8 {
        self.month
    }

    pub const fn day(self) -> u8 {
        self.day
    }

    /// Days since 1970-01-01 (Hinnant, "chrono-compatible low-level date algorithms", days_from_civil).
    pub fn days(self) -> i64 {
        let year = i64::from(self.year) - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let shifted = (i64::from(self.month) + 9) % 12;
        let day_of_year = (153 * shifted + 2) / 5 + i64::from(self.day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * 146_097 + day_of_era - 719_468
    }

    /// The reverse of [`Date::days`]; days outside the supported years are clamped to them.
    pub fn from_days(days: i64) -> Self {
        let shifted = days.clamp(0, 2_932_896) + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_index = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_index + 2) / 5 + 1;
        let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self {
            year: i32::try_from(year).unwrap_or(1970),
            month: u8::try_from(month).unwrap_or(1),
            day: u8::try_from(day).unwrap_or(1),
        }
    }

    pub fn plus_days(self, days: i64) -> Self {
        Self::from_days(self.days().saturating_add(days))
    }

    /// "3 May 2027" or "3. Mai 2027".
    pub fn readable(self, language: Language) -> String {
        const ENGLISH: [&str; 12] = [
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
        const GERMAN: [&str; 12] = [
            "Januar",
            "Februar",
            "März",
            "April",
            "Mai",
            "Juni",
            "Juli",
            "August",
            "September",
            "Oktober",
            "November",
            "Dezember",
        ];
        let index = usize::from(self.month - 1);
        match language {
            Language::English => format!("{} {} {}", self.day, ENGLISH.get(index).unwrap_or(&""), self.year),
            Language::German => format!("{}. {} {}", self.day, GERMAN.get(index).unwrap_or(&""), self.year),
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl FromStr for Date {
    type Err = InvalidDate;

    fn from_str(text: &str) -> Result<Self, InvalidDate> {
        let digits = |part: &str, length: usize| {
            (part.len() == length && part.bytes().all(|b| b.is_ascii_digit()))
                .then(|| part.parse::<i32>().ok())
                .flatten()
        };
        let mut parts = text.split('-');
        let (Some(year), Some(month), Some(day), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidDate);
        };
        match (digits(year, 4), digits(month, 2), digits(day, 2)) {
            (Some(year), Some(month), Some(day)) => Self::new(
                year,
                u8::try_from(month).map_err(|_| InvalidDate)?,
                u8::try_from(day).map_err(|_| InvalidDate)?,
            ),
            _ => Err(InvalidDate),
        }
    }
}

impl Serialize for Date {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_round_trip_over_four_centuries() {
        let mut date = Date::new(1970, 1, 1).expect("valid");
        for days in 0..146_097 {
            assert_eq!(date.days(), days);
            assert_eq!(Date::from_days(days), date);
            assert_eq!(date.to_string().parse(), Ok(date));
            date = date.plus_days(1);
        }
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for text in
            ["0000-02-30", "2026-02-29", "2026-13-01", "2026-1-01", "2026-01-01T", "10000-01-01", "-026-01-01", ""]
        {
            assert_eq!(text.parse::<Date>(), Err(InvalidDate), "{text}");
        }
    }

    #[test]
    fn instants_are_written_for_machines_and_for_people() {
        let at = Millis(1_772_560_245_999);
        assert_eq!(at.rfc3339(), "2026-03-03T17:50:45Z");
        assert_eq!(at.readable(Language::German, 60), "3. März 2026, 18:50");
        assert_eq!(at.readable(Language::English, -18 * 60), "2 March 2026, 23:50");
    }
}
