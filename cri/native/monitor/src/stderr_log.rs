//! Log lines of launcher and monitors: one JSON object per line on standard error.

use std::io::Write;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Something that operators want to see once.
    Info,
    /// Something is weaker than it should be.
    Warn,
    /// Something failed.
    Error,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// Writes one line with one write(2). A standard error that nobody reads is not our trouble.
pub fn line(level: Level, component: &str, message: &str, fields: &[(&str, &str)]) {
    let text = format_line(&crate::timestamp::now(), level, component, message, fields);
    let mut stderr = std::io::stderr().lock();
    stderr.write_all(text.as_bytes()).ok();
}

fn format_line(
    time: &str,
    level: Level,
    component: &str,
    message: &str,
    fields: &[(&str, &str)],
) -> String {
    let level = level.name();
    let mut text = format!(r#"{{"time":"{time}","level":"{level}""#);
    for (name, value) in [("component", component), ("msg", message)]
        .iter()
        .chain(fields)
    {
        text.push(',');
        push_json(&mut text, name);
        text.push(':');
        push_json(&mut text, value);
    }
    text.push_str("}\n");
    text
}

fn push_json(text: &mut String, value: &str) {
    // A str always serializes.
    text.push_str(&serde_json::to_string(value).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_json_object_whatever_the_values_hold() {
        let text = format_line(
            "T",
            Level::Warn,
            "monitor",
            "a \"b\"\nc",
            &[("pod", "x\u{1}")],
        );
        assert_eq!(text.matches('\n').count(), 1);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["msg"], "a \"b\"\nc");
        assert_eq!(value["pod"], "x\u{1}");
        assert_eq!(value["level"], "warn");
    }
}
