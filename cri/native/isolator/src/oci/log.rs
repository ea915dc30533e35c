//! The log file that the caller of an OCI runtime reads the reason of a failure from.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

/// How lines are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Format {
    /// `time="…" level=error msg="…"`.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Where lines go; nowhere without a path.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Log {
    pub(super) path: Option<PathBuf>,
    pub(super) format: Format,
}

impl Log {
    /// Adds an error to the file.
    pub(super) fn error(&self, message: &str) -> Result<(), String> {
        self.add("error", message)
    }

    /// Adds what did not keep the command from its work.
    pub(super) fn warning(&self, message: &str) -> Result<(), String> {
        self.add("warning", message)
    }

    fn add(&self, level: &str, message: &str) -> Result<(), String> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let line = self.line(level, message, &estiba_monitor::timestamp::now());
        append(path, &line).map_err(|error| format!("cannot write log {path:?}: {error}"))
    }

    fn line(&self, level: &str, message: &str, time: &str) -> String {
        match self.format {
            Format::Text => format!("time={time:?} level={level} msg={message:?}\n"),
            Format::Json => {
                let line = serde_json::json!({"level": level, "msg": message, "time": time});
                format!("{line}\n")
            }
        }
    }
}

fn append(path: &PathBuf, line: &str) -> io::Result<()> {
    let mut file = File::options().append(true).create(true).open(path)?;
    file.write_all(line.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_the_form_that_callers_of_runc_parse() {
        let line = |format| Log { path: None, format }.line("error", "cannot \"x\"", "T");
        assert_eq!(
            line(Format::Json),
            "{\"level\":\"error\",\"msg\":\"cannot \\\"x\\\"\",\"time\":\"T\"}\n"
        );
        assert_eq!(
            line(Format::Text),
            "time=\"T\" level=error msg=\"cannot \\\"x\\\"\"\n"
        );
    }

    #[test]
    fn a_log_that_cannot_be_written_is_named() {
        let log = Log {
            path: Some(PathBuf::from("/no/such/dir/log")),
            format: Format::Text,
        };
        let error = log.error("x").unwrap_err();
        assert!(error.contains("\"/no/such/dir/log\""), "{error}");
    }
}
