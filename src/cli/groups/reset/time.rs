//! Points in time and durations, as people and Kafka's tools write them.

use std::time::Duration;

use types::TimestampMs;

const MS_PER_DAY: i64 = 86_400_000;
const MS_PER_HOUR: i64 = 3_600_000;
const MS_PER_MINUTE: i64 = 60_000;

/// Reads `2026-03-01T12:30:00.500+01:00`, down to the bare date and UTC, or `@MS` for milliseconds since 1970.
pub(super) fn point(text: &str) -> Result<TimestampMs, String> {
    let read = match text.strip_prefix('@') {
        Some(number) => number.parse().ok().filter(|number: &i64| *number >= 0),
        None => calendar(text),
    };
    read.map(TimestampMs).ok_or_else(|| {
        "expected a time such as 2026-03-01T12:30:00, with .500 or +01:00 behind it, or @MS".to_owned()
    })
}

fn calendar(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T').unwrap_or((text, "00:00"));
    let mut parts = date.splitn(3, '-');
    let mut part = |digits| number(parts.next()?, digits);
    let (year, month, day) = (part(4)?, part(2)?, part(2)?);
    let (time, zone) = match time.find(['Z', '+', '-']) {
        Some(at) => (time.get(..at)?, time.get(at..)?),
        None => (time, "Z"),
    };
    let mut parts = time.splitn(3, ':');
    let (hour, minute) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let ms = parts.next().map_or(Some(0), seconds)?;
    if !(1..=days_in(year, month)?).contains(&day) || hour > 23 || minute > 59 {
        return None;
    }
    let local = days_since_1970(year, month, day) * MS_PER_DAY + hour * MS_PER_HOUR + minute * MS_PER_MINUTE;
    Some(local + ms - offset(zone)?)
}

/// `05.25` in milliseconds.
fn seconds(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let whole = number(whole, 2).filter(|whole| *whole < 60)?;
    let digits = fraction.len();
    if !(1..=3).contains(&digits) {
        return None;
    }
    let missing = u32::try_from(3 - digits).ok()?;
    Some(whole * 1000 + number(fraction, digits)? * 10_i64.pow(missing))
}

/// `Z`, `+01:00` or `+0100`, in milliseconds.
fn offset(zone: &str) -> Option<i64> {
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("Z", "") => return Some(0),
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_once(':').or_else(|| digits.split_at_checked(2))?;
    let (hours, minutes) = (number(hours, 2)?, if minutes.is_empty() { 0 } else { number(minutes, 2)? });
    (hours <= 18 && minutes < 60).then_some(sign * (hours * MS_PER_HOUR + minutes * MS_PER_MINUTE))
}

/// A number of so many digits.
fn number(text: &str, digits: usize) -> Option<i64> {
    let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

fn days_in(year: i64, month: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if leap { 29 } else { 28 }),
        _ => None,
    }
}

/// Days of the Gregorian calendar, counted from the first of March so that a leap day is a year's last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    const TO_1970: i64 = 719_468;
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - TO_1970
}

/// Reads `P1DT12H30M`, as in ISO 8601 without years and months, or short `1d12h30m`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let upper = text.to_ascii_uppercase();
    let read = match upper.strip_prefix('P') {
        Some(iso) => {
            let (date, time) = iso.split_once('T').map_or((iso, None), |(date, time)| (date, Some(time)));
            let date = units(date, "WD");
            time.map_or(date, |time| Some(date? + units(time, "HMS").filter(|_| !time.is_empty())?))
                .filter(|_| !iso.is_empty())
        }
        None => units(&upper, "WDHMS").filter(|_| !upper.is_empty()),
    };
    read.map(Duration::from_secs).ok_or_else(|| "expected a duration such as PT12H, P7D or 90m".to_owned())
}

/// Numbers with units out of `allowed`, in that order, each once; in seconds. Bounded, so that sums do not overflow.
fn units(text: &str, allowed: &str) -> Option<u64> {
    const SECONDS_MAX: u64 = 1 << 40;
    let mut allowed = allowed.chars();
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let at = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, unit) = rest.split_at_checked(at)?;
        let unit = unit.chars().next().filter(|unit| allowed.any(|allowed| allowed == *unit))?;
        let seconds: u64 = match unit {
            'W' => 604_800,
            'D' => 86_400,
            'H' => 3600,
            'M' => 60,
            _ => 1,
        };
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(seconds)?)?;
        rest = rest.get(at + unit.len_utf8()..)?;
    }
    Some(total).filter(|total| *total < SECONDS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_in_time_is_a_date_with_what_is_known_of_the_time() {
        let ms = |text| point(text).map(|time| time.0);
        assert_eq!(ms("1970-01-01"), Ok(0));
        assert_eq!(ms("2000-02-29T12:00:00Z"), Ok(951_825_600_000));
        assert_eq!(ms("2024-03-01T00:00:00.25"), Ok(1_709_251_200_250));
        assert_eq!(ms("2024-03-01T01:00+01:00"), Ok(1_709_251_200_000));
        assert_eq!(ms("2024-02-29T19:30:00.000-0430"), Ok(1_709_251_200_000));
        assert_eq!(ms("@17"), Ok(17));
        let bad = [
            "",
            "2024",
            "2023-02-29",
            "2024-13-01",
            "2024-1-1",
            "2024-01-01T24:00",
            "2024-01-01T1",
            "2024-01-01T00:00:60",
            "2024-01-01T00:00:00.",
            "2024-01-01T00:00X",
            "2024-01-01T00:00+ä",
            "@-1",
            "soon",
        ];
        for bad in bad {
            assert!(ms(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_duration_is_isos_or_short_and_months_are_no_minutes() {
        let seconds = |text| duration(text).map(|duration| duration.as_secs());
        assert_eq!(seconds("P1DT2H3M4S"), Ok(93_784));
        assert_eq!((seconds("PT15M"), seconds("P2W")), (Ok(900), Ok(1_209_600)));
        assert_eq!((seconds("36h"), seconds("1d30m")), (Ok(129_600), Ok(88_200)));
        for bad in
            ["", "P", "PT", "P1DT", "P1M", "1y", "5", "h", "1h1d", "99999999999999999999d", "9999999999999w"]
        {
            assert!(seconds(bad).is_err(), "{bad:?}");
        }
    }
}
