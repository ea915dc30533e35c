//! The one error type of this crate: what a forked child reports is what the monitor hands on.

use std::fmt;

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

/// The project's closed set of error codes, as far as isolation produces them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErrorCode {
    /// The request contradicts itself or holds a value that can never work.
    InvalidArgument,
    /// Something the request names does not exist.
    NotFound,
    /// What is to be made is there already.
    AlreadyExists,
    /// The host or the container is not in the state that the request needs.
    FailedPrecondition,
    /// The kernel has run out of something.
    ResourceExhausted,
    /// The kernel refused for lack of privilege.
    PermissionDenied,
    /// A feature that this runtime does not have yet, named in the message.
    Unimplemented,
    /// Something has not happened in time.
    DeadlineExceeded,
    /// Everything else.
    Internal,
}

/// Why a step failed. `message` reads `cannot <do> <what>: <why>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IsolateError {
    /// Class of the failure.
    pub code: ErrorCode,
    /// Machine-readable name of the step, kebab-case ("mount-volume", "execve").
    pub step: String,
    /// errno of the kernel call that failed; 0 when none did.
    pub errno: i32,
    /// The whole message, fit for users.
    pub message: String,
    /// Causes, outermost first, without the message itself.
    pub chain: Vec<String>,
}

/// Bytes of a message that is told by a child. JSON may need six for one.
const MAX_TEXT: usize = 1536;
const MAX_CAUSE: usize = 256;
const MAX_CAUSES: usize = 3;

fn without_middle(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let (mut head, mut tail) = (limit / 2, text.len() - limit / 2);
    while !text.is_char_boundary(head) {
        head -= 1;
    }
    while !text.is_char_boundary(tail) {
        tail += 1;
    }
    let part = |range| text.get(range).unwrap_or_default();
    format!("{} … {}", part(0..head), part(tail..text.len()))
}

impl fmt::Display for IsolateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for IsolateError {}

impl IsolateError {
    /// An error without a kernel call behind it.
    pub fn new(code: ErrorCode, step: &str, message: impl Into<String>) -> Self {
        Self {
            code,
            step: step.to_owned(),
            errno: 0,
            message: message.into(),
            chain: Vec::new(),
        }
    }

    /// `cannot <action>: <errno text>`, with the code that fits the errno.
    pub fn kernel(step: &str, action: impl fmt::Display, errno: Errno) -> Self {
        Self {
            code: code_of(errno),
            step: step.to_owned(),
            errno: errno.raw_os_error(),
            message: format!("cannot {action}: {}", errno_text(errno)),
            chain: Vec::new(),
        }
    }

    /// The same for errors of the standard library.
    pub fn io(step: &str, action: impl fmt::Display, error: &std::io::Error) -> Self {
        match error.raw_os_error() {
            Some(raw) => Self::kernel(step, action, Errno::from_raw_os_error(raw)),
            None => Self::new(
                ErrorCode::Internal,
                step,
                format!("cannot {action}: {error}"),
            ),
        }
    }

    /// A value in the request that can never work.
    pub fn invalid(step: &str, message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidArgument, step, message)
    }

    /// A feature that the runtime does not have.
    pub fn unimplemented(step: &str, feature: impl fmt::Display) -> Self {
        Self::new(
            ErrorCode::Unimplemented,
            step,
            format!("cannot create container: {feature} is not supported yet"),
        )
    }

    /// Replaces the code, for the few errnos that mean something special to one step.
    #[must_use]
    pub fn with_code(mut self, code: ErrorCode) -> Self {
        self.code = code;
        self
    }

    /// The same in so few words that any of the conversation's messages holds them: what is left out
    /// stands in the middle, where a message has its long values.
    #[must_use]
    pub(crate) fn shortened(&self) -> Self {
        let mut chain: Vec<String> = self.chain.iter().take(MAX_CAUSES).cloned().collect();
        for cause in &mut chain {
            *cause = without_middle(cause, MAX_CAUSE);
        }
        Self {
            message: without_middle(&self.message, MAX_TEXT),
            chain,
            ..self.clone()
        }
    }

    /// Adds one more cause to the end of the chain.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.chain.push(cause.into());
        self
    }
}

/// The kernel's text without Rust's "(os error N)" tail.
pub(crate) fn errno_text(errno: Errno) -> String {
    let text = std::io::Error::from_raw_os_error(errno.raw_os_error()).to_string();
    let plain = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = plain.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => format!("errno {}", errno.raw_os_error()),
    }
}

fn code_of(errno: Errno) -> ErrorCode {
    match errno {
        Errno::NOENT | Errno::NOTDIR => ErrorCode::NotFound,
        Errno::EXIST => ErrorCode::AlreadyExists,
        Errno::PERM | Errno::ACCESS => ErrorCode::PermissionDenied,
        Errno::NOMEM | Errno::NOSPC | Errno::MFILE | Errno::NFILE | Errno::AGAIN | Errno::USERS => {
            ErrorCode::ResourceExhausted
        }
        Errno::NOSYS => ErrorCode::FailedPrecondition,
        _ => ErrorCode::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_error_reads_cannot_do_what_why() {
        let error = IsolateError::kernel("mount-volume", "open volume \"/x\"", Errno::NOENT);
        assert_eq!(
            error.message,
            "cannot open volume \"/x\": no such file or directory"
        );
        assert_eq!(error.code, ErrorCode::NotFound);
        assert_eq!(error.errno, 2);
    }
}
