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
        isolate::ErrorCode::DeadlineExceeded => v1::ErrorCode::DeadlineExceeded,
        isolate::ErrorCode::Internal => v1::ErrorCode::Internal,
    }
}

/// The user as clients see it.
#[must_use]
pub fn resolved_user(user: &isolate::ResolvedUser) -> v1::ResolvedUser {
    v1::ResolvedUser {
        uid: user.uid,
        gid: user.gid,
        additional_gids: user.additional_gids.clone(),
    }
}

pub(crate) fn ids(uids: &[v1::IdMapping], gids: &[v1::IdMapping]) -> isolate::Ids {
    let ranges = |list: &[v1::IdMapping]| {
        let range = |one: &v1::IdMapping| estiba_kernel::userns::Range {
            inside: one.container_id,
            outside: one.host_id,
            length: one.length,
        };
        list.iter().map(range).collect()
    };
    isolate::Ids {
        uids: ranges(uids),
        gids: ranges(gids),
    }
}

pub(crate) fn user_request(user: v1::UserRequest) -> isolate::UserRequest {
    isolate::UserRequest {
        user: user.user,
        group: user.group,
        supplemental_gids: user.supplemental_gids,
        strict_groups: user.strict_groups,
    }
}

pub(crate) fn seccomp_filter(filter: v1::SeccompFilter) -> isolate::SeccompFilter {
    isolate::SeccompFilter {
        program: filter.program,
        flags: filter.flags,
    }
}

/// `own` for POD mode; CONTAINER and TARGET mean "none of the pod's" where pids are concerned.
pub(crate) fn namespace_mode(mode: v1::NamespaceMode) -> isolate::NamespaceMode {
    match mode {
        v1::NamespaceMode::Pod => isolate::NamespaceMode::Pod,
        v1::NamespaceMode::Container | v1::NamespaceMode::Node | v1::NamespaceMode::Target => {
            isolate::NamespaceMode::Node
        }
    }
}

pub(crate) fn steps(steps: Vec<isolate::StepTime>) -> Vec<v1::StepTime> {
    let step = |step: isolate::StepTime| v1::StepTime {
        step: step.step,
        elapsed_us: step.elapsed_us,
    };
    steps.into_iter().map(step).collect()
}

/// What users are told about a tree that stays.
#[must_use]
pub fn remove_fault(error: &estiba_trees::RemoveError) -> v1::Fault {
    let code = match error.why {
        estiba_trees::Why::BadPath => v1::ErrorCode::InvalidArgument,
        estiba_trees::Why::MountPoint => v1::ErrorCode::FailedPrecondition,
        estiba_trees::Why::Kernel(_) => v1::ErrorCode::Internal,
    };
    v1::Fault::new(code, "remove-tree", error.to_string()).with_errno(error.errno())
}
