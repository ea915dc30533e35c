//! `ps`, `list` and `events`.

use std::ffi::OsStr;
use std::time::Duration;

use super::super::words::{Known, Words, flag, value};
use super::{Command, Refusal, one, text, usage};

const PS: [Known; 1] = [value("--format", Some("-f"))];
const LIST: [Known; 2] = [value("--format", Some("-f")), flag("--quiet", Some("-q"))];
const EVENTS: [Known; 2] = [value("--interval", None), flag("--stats", None)];

const INTERVAL: Duration = Duration::from_secs(5);

pub(super) fn ps(words: &mut Words<'_>) -> Result<Command, Refusal> {
    let (options, operands) = words.leading(&PS)?;
    let mut is_json = false;
    for given in options {
        is_json = json(&given.value)?;
    }
    let mut operands = operands.into_iter();
    match operands.next() {
        Some(id) => Ok(Command::Ps {
            id,
            is_json,
            arguments: operands.collect(),
        }),
        None => usage("cannot show processes: no container id given"),
    }
}

pub(super) fn list(words: &mut Words<'_>) -> Result<Command, Refusal> {
    let (options, operands) = words.rest(&LIST)?;
    if let Some(extra) = operands.first() {
        return usage(format!("cannot use {extra:?}: list takes no operand"));
    }
    let (mut is_json, mut only_ids) = (false, false);
    for given in options {
        match given.long {
            "--quiet" => only_ids = true,
            _ => is_json = json(&given.value)?,
        }
    }
    Ok(Command::List { is_json, only_ids })
}

pub(super) fn events(words: &mut Words<'_>) -> Result<Command, Refusal> {
    let (options, operands) = words.rest(&EVENTS)?;
    let id = one(operands)?;
    let (mut interval, mut only_once) = (INTERVAL, false);
    for given in options {
        match given.long {
            "--stats" => only_once = true,
            _ => interval = duration(&given.value)?,
        }
    }
    Ok(Command::Events {
        id,
        interval: Some(interval).filter(|_| !only_once),
    })
}

fn json(format: &OsStr) -> Result<bool, Refusal> {
    match format.to_str() {
        Some("json") => Ok(true),
        Some("table" | "") => Ok(false),
        _ => usage(format!("cannot use format {format:?}: not table or json")),
    }
}

/// `1h2m3.5s`, `500ms`: numbers with units, as in Go.
fn duration(value: &OsStr) -> Result<Duration, Refusal> {
    let given = text("--interval", value)?;
    match seconds(&given).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
        Some(interval) if interval > Duration::ZERO => Ok(interval),
        _ => usage(format!(
            "cannot use --interval {given:?}: not like 5s or 1m30s"
        )),
    }
}

fn seconds(text: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 6] = [
        ("ns", 1e-9),
        ("us", 1e-6),
        ("ms", 1e-3),
        ("s", 1.0),
        ("m", 60.0),
        ("h", 3600.0),
    ];
    let mut rest = text;
    let mut sum = 0.0;
    while !rest.is_empty() {
        let is_figure = |c: char| c.is_ascii_digit() || c == '.';
        let (number, after) = rest.split_at(rest.find(|c| !is_figure(c))?);
        let unit_length = after.find(is_figure).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_length);
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
        sum += number.parse::<f64>().ok()? * factor;
        rest = after;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn intervals_are_written_as_in_go() {
        assert_eq!(seconds("5s"), Some(5.0));
        assert_eq!(seconds("1h2m3.5s"), Some(3723.5));
        assert_eq!(seconds("250ms"), Some(0.25));
        for bad in ["5", "s", "5 s", "-1s", "1x", "1..s"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }
}
