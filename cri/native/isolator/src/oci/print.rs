//! What `ps`, `list` and `events` print, in the form of runc.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use estiba_isolate::Host;
use estiba_isolate::oci::{self, Listed};
use serde_json::Value;

use super::Failure;

/// Columns are this wide at least, and this far apart.
const WIDTH: usize = 12;
const APART: usize = 3;

/// A reader that has gone is an error, no panic.
pub(super) fn out(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout();
    let written = stdout.write_all(text.as_bytes());
    let written = written.and_then(|()| stdout.flush());
    written.map_err(|error| Failure::Failed(format!("cannot write the output: {error}")))
}

fn line(value: &impl serde::Serialize) -> Result<String, Failure> {
    match serde_json::to_string(value) {
        Ok(text) => Ok(format!("{text}\n")),
        Err(error) => Err(Failure::Failed(format!("cannot print: {error}"))),
    }
}

pub(super) fn processes(
    root: &Path,
    id: &str,
    is_json: bool,
    arguments: &[String],
) -> Result<(), Failure> {
    let host = Host::probe()?;
    if is_json {
        return out(&line(&oci::processes(&host, root, id)?)?);
    }
    out(&oci::table(&host, root, id, arguments)?)
}

pub(super) fn list(root: &Path, is_json: bool, only_ids: bool) -> Result<(), Failure> {
    let (found, broken) = oci::list(&Host::probe()?, root)?;
    for error in broken {
        eprintln!("{error}");
    }
    if only_ids {
        let ids = found.iter().map(|one| format!("{}\n", one.state.id));
        return out(&ids.collect::<String>());
    }
    if is_json {
        return out(&line(&found)?);
    }
    out(&table(&found))
}

fn table(found: &[Listed]) -> String {
    let title = ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"].map(str::to_owned);
    let row = |one: &Listed| {
        let state = &one.state;
        [
            state.id.clone(),
            state.pid.to_string(),
            state.status.to_string(),
            state.bundle.display().to_string(),
            state.created.clone(),
            one.owner.clone(),
        ]
    };
    let rows: Vec<[String; 6]> = std::iter::once(title)
        .chain(found.iter().map(row))
        .collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let longest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
        (longest + APART).max(WIDTH)
    };
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(widths);
        let padded: String = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(padded.trim_end());
        text.push('\n');
    }
    text
}

/// `interval`: none for one event only.
pub(super) fn events(root: &Path, id: &str, interval: Option<Duration>) -> Result<(), Failure> {
    let host = Host::probe()?;
    let Some(interval) = interval else {
        return out(&line(&oci::stats(&host, root, id)?)?);
    };
    let mut tell = |event: &Value| line(event).and_then(|text| out(&text)).is_ok();
    Ok(oci::events(&host, root, id, interval, &mut tell)?)
}
