//! Timestamps for people: RFC 3339 in UTC, from and to milliseconds since 1970.

use std::time::{SystemTime, UNIX_EPOCH};

const DAY_MS: i64 = 86_400_000;

/// Now, in milliseconds since 1970.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// `2026-11-22T16:57:03.123Z`; `-` for none.
pub fn show(millis: i64) -> String {
    if millis < 0 {
        return "-".to_owned();
    }
    let (days, rest) = (millis.div_euclid(DAY_MS), millis.rem_euclid(DAY_MS));
    let (year, month, day) = civil(days);
    let (hours, minutes, seconds) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{:03}Z", rest % 1000)
}

/// Milliseconds, RFC 3339, a date, or a time ago such as `2h`, `30m`, `7d`.
pub fn parse(text: &str, now: i64) -> Option<i64> {
    if let Ok(millis) = text.parse() {
        return Some(millis);
    }
    if let Some(ago) = span(text) {
        return Some(now - ago);
    }
    let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00Z"));
    let mut parts = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let days = days_from_civil(parts.next()??, parts.next()??, parts.next()??)?;
    Some(days * DAY_MS + time_of_day(time)?)
}

fn span(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: i64 = number.parse().ok()?;
    let unit = match unit {
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => DAY_MS,
        _ => return None,
    };
    number.checked_mul(unit)
}

fn time_of_day(text: &str) -> Option<i64> {
    let (clock, offset) = match text.find(['Z', 'z', '+', '-']) {
        Some(at) => text.split_at_checked(at)?,
        None => (text, "Z"),
    };
    let mut parts = clock.splitn(3, ':');
    let (hours, minutes): (i64, i64) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let seconds: f64 = parts.next().unwrap_or("0").parse().ok()?;
    let shift = match offset.split_at_checked(1)? {
        ("Z" | "z", "") => 0,
        (sign, rest) => {
            let (hours, minutes) = rest.split_once(':')?;
            let minutes = hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?;
            if sign == "-" { -minutes } else { minutes }
        }
    };
    let is_valid = (0..24).contains(&hours) && (0..60).contains(&minutes) && (0.0..61.0).contains(&seconds);
    is_valid.then(|| (hours * 60 + minutes - shift) * 60_000 + (seconds * 1000.0).round() as i64)
}

/// Year, month and day of a day counted from 1970-01-01 (Howard Hinnant's algorithm).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || !(0..=9999).contains(&year) {
        return None;
    }
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_back() {
        for (text, millis) in [
            ("1970-01-01T00:00:00.000Z", 0),
            ("2000-02-29T23:59:59.999Z", 951_868_799_999),
            ("2026-11-22T16:57:03.123Z", 1_795_366_623_123),
        ] {
            assert_eq!(show(millis), text);
            assert_eq!(parse(text, 0), Some(millis));
        }
    }

    #[test]
    fn people_write_times_in_many_ways() {
        for (text, millis) in [
            ("12345", Some(12_345)),
            ("2h", Some(100_000_000 - 7_200_000)),
            ("1970-01-02", Some(DAY_MS)),
            ("1970-01-01 02:00:00+02:00", Some(0)),
            ("1970-01-01T00:00", Some(0)),
            ("1970-13-01", None),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(parse(text, 100_000_000), millis, "{text}");
        }
    }
}
