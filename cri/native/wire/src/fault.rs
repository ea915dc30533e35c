//! Construction of faults: why a job failed, in the words users will read.

use std::error::Error;

use crate::v1::{ErrorCode, Fault};

impl Fault {
    /// A fault without errno and causes. `message` reads `cannot <do> <what>: <why>`.
    #[must_use]
    pub fn new(code: ErrorCode, step: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            step: step.to_owned(),
            errno: 0,
            message: message.into(),
            chain: Vec::new(),
        }
    }

    /// The fault of a kernel call: its code follows from the errno, its text ends the message.
    /// `what` reads `cannot <do> <what>`.
    #[must_use]
    pub fn from_errno(step: &str, what: &str, errno: i32) -> Self {
        let why = errno_text(errno);
        Self::new(code_of_errno(errno), step, format!("{what}: {why}")).with_errno(errno)
    }

    /// The same for an error of the standard library; one without an errno tells in its own words.
    #[must_use]
    pub fn from_io(step: &str, what: &str, error: &std::io::Error) -> Self {
        error.raw_os_error().map_or_else(
            || Self::new(ErrorCode::Internal, step, format!("{what}: {error}")),
            |errno| Self::from_errno(step, what, errno),
        )
    }

    /// Sets the errno of the kernel call that failed.
    #[must_use]
    pub fn with_errno(mut self, errno: i32) -> Self {
        self.errno = errno;
        self
    }

    /// Appends the causes of `error`, outermost first, leaving out `error` itself.
    #[must_use]
    pub fn with_causes(mut self, error: &dyn Error) -> Self {
        let mut cause = error.source();
        while let Some(inner) = cause {
            self.chain.push(inner.to_string());
            cause = inner.source();
        }
        self
    }
}

/// The kernel's text in lower case, without the standard library's "(os error N)".
fn errno_text(errno: i32) -> String {
    let text = std::io::Error::from_raw_os_error(errno).to_string();
    let plain = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = plain.chars();
    chars.next().map_or_else(
        || format!("errno {errno}"),
        |first| first.to_lowercase().chain(chars).collect(),
    )
}

/// The code that describes an errno best when nothing more is known about the failure.
fn code_of_errno(errno: i32) -> ErrorCode {
    use rustix::io::Errno;
    match Errno::from_raw_os_error(errno) {
        Errno::NOENT | Errno::NOTDIR | Errno::SRCH => ErrorCode::NotFound,
        Errno::EXIST => ErrorCode::AlreadyExists,
        Errno::PERM | Errno::ACCESS => ErrorCode::PermissionDenied,
        Errno::NOMEM | Errno::NOSPC | Errno::DQUOT | Errno::MFILE | Errno::NFILE | Errno::AGAIN => {
            ErrorCode::ResourceExhausted
        }
        Errno::INVAL | Errno::NAMETOOLONG | Errno::LOOP => ErrorCode::InvalidArgument,
        Errno::TIMEDOUT => ErrorCode::DeadlineExceeded,
        Errno::CANCELED => ErrorCode::Canceled,
        Errno::NOSYS | Errno::OPNOTSUPP => ErrorCode::Unimplemented,
        _ => ErrorCode::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_becomes_not_found_with_its_errno() {
        let fault = Fault::from_errno("open", "cannot open \"/x\"", 2);
        assert_eq!(fault.code(), ErrorCode::NotFound);
        assert_eq!(fault.errno, 2);
        assert!(
            fault.message.starts_with("cannot open \"/x\": "),
            "{}",
            fault.message
        );
    }

    #[test]
    fn an_error_without_an_errno_keeps_its_words() {
        let error = std::io::Error::other("the dog ate it");
        let fault = Fault::from_io("read", "cannot read \"/x\"", &error);
        assert_eq!(fault.message, "cannot read \"/x\": the dog ate it");
        assert_eq!((fault.code(), fault.errno), (ErrorCode::Internal, 0));
        let error = std::io::Error::from_raw_os_error(2);
        let fault = Fault::from_io("read", "cannot read \"/x\"", &error);
        assert_eq!((fault.code(), fault.errno), (ErrorCode::NotFound, 2));
    }

    #[test]
    fn causes_are_listed_outermost_first_without_the_error_itself() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] Middle);
        #[derive(Debug, thiserror::Error)]
        #[error("middle")]
        struct Middle(#[source] std::io::Error);

        let error = Outer(Middle(std::io::Error::from_raw_os_error(28)));
        let fault = Fault::new(ErrorCode::Internal, "s", "m").with_causes(&error);
        assert_eq!(fault.chain.len(), 2);
        assert_eq!(fault.chain[0], "middle");
    }
}
