//! Between the words of the wire and those of crate isolate.

use estiba_isolate as isolate;
use estiba_wire::v1;

/// What users are told about a failure of isolation.
#[must_use]
pub fn fault(error: isolate::IsolateError) -> v1::Fault {
    let mut fault = v1::Fault::new(code(error.code), &error.step, error.message);
    fault.errno = error.errno;
    fault.chain = error.chain;
    fault
}

fn code(code: isolate::ErrorCode) -> v1::ErrorCode {
    match code {
        isolate::ErrorCode::InvalidArgument => v1::ErrorCode::InvalidArgument,
        isolate::ErrorCode::NotFound => v1::ErrorCode::NotFound,
        isolate::ErrorCode::AlreadyExists => v1::ErrorCode::AlreadyExists,
        isolate::ErrorCode::FailedPrecondition => v1::ErrorCode::FailedPrecondition,
        isolate::ErrorCode::ResourceExhausted => v1::ErrorCode::ResourceExhausted,
        isolate::ErrorCode::PermissionDenied => v1::ErrorCode::PermissionDenied,
        isolate::ErrorCode::Unimplemented => v1::ErrorCode::Unimplemented,
        isolate::ErrorCode::Internal => v1::ErrorCode::Internal,
    }
}
