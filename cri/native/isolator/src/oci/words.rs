//! Words of a command line: options with and without values, operands.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use super::arguments::{Refusal, usage};

/// One option that a command knows.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub(super) long: &'static str,
    pub(super) short: Option<&'static str>,
    pub(super) takes_value: bool,
}

pub(super) const fn flag(long: &'static str, short: Option<&'static str>) -> Known {
    Known {
        long,
        short,
        takes_value: false,
    }
}

pub(super) const fn value(long: &'static str, short: Option<&'static str>) -> Known {
    Known {
        long,
        short,
        takes_value: true,
    }
}

/// The words of a command line that are still to be read.
pub(super) struct Words<'a>(std::slice::Iter<'a, OsString>);

/// An option as it stands on the command line; flags have an empty value.
pub(super) struct Given {
    pub(super) long: &'static str,
    pub(super) value: OsString,
}

impl<'a> Words<'a> {
    pub(super) fn new(words: &'a [OsString]) -> Self {
        Self(words.iter())
    }

    pub(super) fn next(&mut self) -> Option<&'a OsString> {
        self.0.next()
    }

    /// Reads `word`, which starts with a dash, and its value. `None`: a flag that is not meant.
    pub(super) fn option(
        &mut self,
        word: &OsStr,
        known: &[Known],
    ) -> Result<Option<Given>, Refusal> {
        let bytes = word.as_bytes();
        let (name, attached) = match bytes.iter().position(|byte| *byte == b'=') {
            Some(at) => (bytes.get(..at), bytes.get(at + 1..)),
            None => (Some(bytes), None),
        };
        let name = name.unwrap_or_default();
        let found = known.iter().find(|known| {
            known.long.as_bytes() == name || known.short.is_some_and(|s| s.as_bytes() == name)
        });
        let Some(found) = found else {
            return usage(format!("cannot use {word:?}: no such option"));
        };
        let value = match (found.takes_value, attached) {
            (true, Some(value)) => OsString::from_vec(value.to_vec()),
            (true, None) => match self.0.next() {
                Some(value) => value.clone(),
                None => return usage(format!("cannot use {word:?}: its value is missing")),
            },
            (false, None) => OsString::new(),
            (false, Some(b"true")) => OsString::new(),
            (false, Some(b"false")) => return Ok(None),
            (false, Some(_)) => return usage(format!("cannot use {word:?}: it takes no value")),
        };
        Ok(Some(Given {
            long: found.long,
            value,
        }))
    }

    /// Options up to the first operand, which comes with all that is behind it, whatever it is.
    pub(super) fn leading(
        &mut self,
        known: &[Known],
    ) -> Result<(Vec<Given>, Vec<String>), Refusal> {
        let mut options = Vec::new();
        let mut first = None;
        while let Some(word) = self.0.next() {
            let bytes = word.as_bytes();
            if bytes == b"--" {
                break;
            }
            if bytes.len() < 2 || !bytes.starts_with(b"-") {
                first = Some(word);
                break;
            }
            options.extend(self.option(word, known)?);
        }
        let operands = first.into_iter().chain(self.0.by_ref()).map(operand);
        Ok((options, operands.collect::<Result<_, _>>()?))
    }

    /// The rest: options and operands, in any order until `--`.
    pub(super) fn rest(&mut self, known: &[Known]) -> Result<(Vec<Given>, Vec<String>), Refusal> {
        let (mut options, mut operands) = (Vec::new(), Vec::new());
        let mut only_operands = false;
        while let Some(word) = self.0.next() {
            let bytes = word.as_bytes();
            if only_operands || bytes.len() < 2 || !bytes.starts_with(b"-") {
                operands.push(operand(word)?);
            } else if bytes == b"--" {
                only_operands = true;
            } else {
                options.extend(self.option(word, known)?);
            }
        }
        Ok((options, operands))
    }
}

fn operand(word: &OsString) -> Result<String, Refusal> {
    match word.to_str() {
        Some(text) => Ok(text.to_owned()),
        None => usage(format!("cannot use {word:?}: it is not UTF-8")),
    }
}
