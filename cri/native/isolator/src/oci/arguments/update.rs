//! `update`.

use std::ffi::OsStr;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::super::words::{Known, Words, value};
use super::{Command, Refusal, number, one, path, text, unsupported, usage};

/// Each with its place in the `resources` of an OCI runtime spec.
const LIMITS: [(Known, [&str; 2], Kind); 13] = [
    (
        value("--blkio-weight", None),
        ["blockIO", "weight"],
        Kind::Number,
    ),
    (value("--cpu-period", None), ["cpu", "period"], Kind::Number),
    (value("--cpu-quota", None), ["cpu", "quota"], Kind::Number),
    (value("--cpu-burst", None), ["cpu", "burst"], Kind::Number),
    (value("--cpu-idle", None), ["cpu", "idle"], Kind::Number),
    (value("--cpu-share", None), ["cpu", "shares"], Kind::Number),
    (
        value("--cpu-rt-period", None),
        ["cpu", "realtimePeriod"],
        Kind::Number,
    ),
    (
        value("--cpu-rt-runtime", None),
        ["cpu", "realtimeRuntime"],
        Kind::Number,
    ),
    (value("--cpuset-cpus", None), ["cpu", "cpus"], Kind::Text),
    (value("--cpuset-mems", None), ["cpu", "mems"], Kind::Text),
    (value("--memory", None), ["memory", "limit"], Kind::Bytes),
    (
        value("--memory-reservation", None),
        ["memory", "reservation"],
        Kind::Bytes,
    ),
    (
        value("--memory-swap", None),
        ["memory", "swap"],
        Kind::Bytes,
    ),
];
const PIDS: Known = value("--pids-limit", None);
const RESOURCES: Known = value("--resources", Some("-r"));
const L3_CACHE: Known = value("--l3-cache-schema", None);
const MEMORY_BANDWIDTH: Known = value("--mem-bw-schema", None);

#[derive(Clone, Copy)]
enum Kind {
    Number,
    Text,
    Bytes,
}

/// Where new limits come from.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum Limits {
    /// A file with the `resources` of an OCI runtime spec.
    File(PathBuf),
    /// The same on the standard input.
    Stdin,
    /// The same, made of options.
    Given(Value),
}

pub(super) fn update(words: &mut Words<'_>) -> Result<Command, Refusal> {
    let limits = LIMITS.into_iter().map(|(known, ..)| known);
    let others = [PIDS, RESOURCES, L3_CACHE, MEMORY_BANDWIDTH];
    let known: Vec<Known> = limits.chain(others).collect();
    let (options, operands) = words.rest(&known)?;
    let id = one(operands)?;
    let mut given = Map::new();
    let mut document = None;
    for option in options {
        let (long, value) = (option.long, option.value.as_os_str());
        match long {
            "--resources" => document = path(value),
            "--l3-cache-schema" | "--mem-bw-schema" if value.is_empty() => {}
            "--l3-cache-schema" | "--mem-bw-schema" => return unsupported(long),
            "--pids-limit" => set(
                &mut given,
                ["pids", "limit"],
                json!(number::<i64>(long, value)?),
            ),
            _ => {
                if let Some((_, place, kind)) = LIMITS.iter().find(|(one, ..)| one.long == long) {
                    set(&mut given, *place, limit(long, value, *kind)?);
                }
            }
        }
    }
    let limits = match document {
        // As in runc, other options are ignored then.
        Some(path) if path.as_os_str() == "-" => Limits::Stdin,
        Some(path) => Limits::File(path),
        None => Limits::Given(Value::Object(given)),
    };
    Ok(Command::Update { id, limits })
}

fn set(resources: &mut Map<String, Value>, [part, field]: [&str; 2], value: Value) {
    let part = resources.entry(part).or_insert_with(|| json!({}));
    if let Value::Object(part) = part {
        part.insert(field.to_owned(), value);
    }
}

fn limit(long: &str, value: &OsStr, kind: Kind) -> Result<Value, Refusal> {
    Ok(match kind {
        Kind::Number => json!(number::<i64>(long, value)?),
        Kind::Text => json!(text(long, value)?),
        Kind::Bytes => match bytes(&text(long, value)?) {
            Some(bytes) => json!(bytes),
            None => {
                return usage(format!(
                    "cannot use {long} {value:?}: not a number of bytes"
                ));
            }
        },
    })
}

/// `-1`, `4096`, `512m`, `1.5GiB`: units are powers of 1024.
fn bytes(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse::<i64>() {
        return (number >= -1).then_some(number);
    }
    let lower = text.to_ascii_lowercase();
    let figures = lower.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = lower.split_at(figures);
    let unit = unit.trim_start();
    let power = match unit
        .strip_suffix("ib")
        .or(unit.strip_suffix('b'))
        .unwrap_or(unit)
    {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        _ => return None,
    };
    let bytes = number.parse::<f64>().ok()? * 1024_f64.powi(power);
    #[allow(
        clippy::cast_possible_truncation,
        reason = "checked, and whole bytes are meant"
    )]
    let whole = (bytes < 9e18).then_some(bytes as i64);
    whole
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_have_the_units_that_engines_know() {
        let sizes = [
            ("-1", -1),
            ("0", 0),
            ("4096", 4096),
            ("4k", 4096),
            ("1.5GiB", 3 << 29),
        ];
        for (text, size) in sizes {
            assert_eq!(bytes(text), Some(size), "{text}");
        }
        assert_eq!(bytes("512m"), Some(512 << 20));
        assert_eq!(bytes("7 MB"), Some(7 << 20));
        for bad in ["", "-2", "m", "1x", "1.2.3k", "99999999999t"] {
            assert_eq!(bytes(bad), None, "{bad}");
        }
    }
}
