//! Days in the time zone of an event.

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;
use shutterpost_model::error::Code;
use shutterpost_model::time::{DAY, Date, Millis};

/// The canonical spelling of an IANA name; [`Code::BadTimeZone`] if there is no such zone.
pub(crate) fn canonical(name: &str) -> Result<String, Code> {
    let zone = TimeZone::get(name).map_err(|_| Code::BadTimeZone)?;
    zone.iana_name().map(str::to_owned).ok_or(Code::BadTimeZone)
}

/// A zone by its stored name. A zone that the time zone database has lost since is taken as UTC.
fn stored(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or_else(|_| {
        tracing::warn!(event.time_zone = name, "unknown time zone in the database; using UTC");
        TimeZone::UTC
    })
}

/// The calendar day of an instant in the zone.
pub(crate) fn local_date(zone: &str, at: Millis) -> Date {
    let Ok(timestamp) = Timestamp::from_millisecond(at.0) else { return at.date() };
    let date = timestamp.to_zoned(stored(zone)).date();
    let (month, day) = (u8::try_from(date.month()), u8::try_from(date.day()));
    let local = month.ok().zip(day.ok()).and_then(|(month, day)| Date::new(i32::from(date.year()), month, day).ok());
    local.unwrap_or_else(|| at.date())
}

/// The first instant after the day in the zone.
pub(crate) fn end_of(zone: &str, day: Date) -> Millis {
    let next = day.plus_days(1);
    let civil_date =
        i16::try_from(next.year()).ok().zip(i8::try_from(next.month()).ok()).zip(i8::try_from(next.day()).ok());
    civil_date
        .and_then(|((year, month), day)| civil::Date::new(year, month, day).ok())
        .and_then(|date| date.to_zoned(stored(zone)).ok())
        .map_or(Millis(next.days() * DAY), |start| Millis(start.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_and_canonical() {
        assert_eq!(canonical("europe/berlin").as_deref(), Ok("Europe/Berlin"));
        for name in ["", "Mars/Olympus", "Europe/Berlin\0", "../../etc/passwd", "CET-1CEST"] {
            assert_eq!(canonical(name), Err(Code::BadTimeZone), "{name}");
        }
    }

    #[test]
    fn days_begin_at_local_midnight() {
        let noon = Date::new(2026, 7, 1).expect("valid");
        // 2026-07-01T22:00Z is midnight in Berlin.
        let midnight = Millis(1_782_943_200_000);
        assert_eq!(midnight.rfc3339(), "2026-07-01T22:00:00Z");
        assert_eq!(end_of("Europe/Berlin", noon), midnight);
        assert_eq!(local_date("Europe/Berlin", midnight.plus(-1)), noon);
        assert_eq!(local_date("Europe/Berlin", midnight), noon.plus_days(1));
        assert_eq!(local_date("America/Los_Angeles", midnight), noon);
        assert_eq!(end_of("Nowhere/Lost", noon), Millis(noon.plus_days(1).days() * DAY));
    }
}
