//! Wall-clock time as nanoseconds and as RFC 3339 text.

use std::time::{SystemTime, UNIX_EPOCH};

/// Length of the text of [`write_utc`].
pub(crate) const TEXT_BYTES: usize = 30;

/// Nanoseconds since the epoch.
pub(crate) fn now_ns() -> i64 {
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(elapsed.as_nanos()).unwrap_or(i64::MAX)
}

/// The current time as RFC 3339 text with nanoseconds, UTC.
#[must_use]
pub fn now() -> String {
    String::from_utf8_lossy(&write_utc(now_ns())).into_owned()
}

/// `2006-01-02T15:04:05.000000000Z`: RFC 3339 with all nine digits, UTC.
pub(crate) fn write_utc(ns: i64) -> [u8; TEXT_BYTES] {
    let seconds = ns.div_euclid(1_000_000_000);
    let fraction = ns.rem_euclid(1_000_000_000);
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let second = seconds.rem_euclid(86_400);
    let mut text = *b"0000-00-00T00:00:00.000000000Z";
    for (start, end, number) in [
        (0, 4, year),
        (5, 7, month),
        (8, 10, day),
        (11, 13, second / 3600),
        (14, 16, second / 60 % 60),
        (17, 19, second % 60),
        (20, 29, fraction),
    ] {
        digits(text.get_mut(start..end).unwrap_or_default(), number);
    }
    text
}

fn digits(field: &mut [u8], mut number: i64) {
    for digit in field.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

/// Year, month and day of a number of days since 1970-01-01 in the Gregorian calendar: years are
/// counted from March, so that the leap day ends a year, in eras of 400 years (146097 days).
fn civil(days: i64) -> (i64, i64, i64) {
    let from_march_0 = days + 719_468;
    let era = from_march_0.div_euclid(146_097);
    let day_of_era = from_march_0.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(ns: i64) -> String {
        String::from_utf8(write_utc(ns).to_vec()).unwrap()
    }

    #[test]
    fn known_instants_read_as_the_calendar_says() {
        assert_eq!(text(0), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(
            text(951_782_400_000_000_001),
            "2000-02-29T00:00:00.000000001Z"
        );
        assert_eq!(
            text(1_795_262_399_999_999_999),
            "2026-11-21T11:59:59.999999999Z"
        );
        assert_eq!(
            text(4_107_542_400_000_000_000),
            "2100-03-01T00:00:00.000000000Z"
        );
    }

    #[test]
    fn every_day_of_four_centuries_follows_the_day_before() {
        let mut before = civil(0);
        for day in 1..146_097 {
            let now = civil(day);
            let next_day = now == (before.0, before.1, before.2 + 1);
            let next_month = now == (before.0, before.1 + 1, 1) && before.2 >= 28;
            let next_year = now == (before.0 + 1, 1, 1) && before.1 == 12 && before.2 == 31;
            assert!(next_day || next_month || next_year, "{before:?} {now:?}");
            before = now;
        }
    }
}
