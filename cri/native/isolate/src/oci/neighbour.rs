//! Whoever waits in the pid namespace that a container is to join by its path.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use estiba_kernel::process;

use super::commands::precondition;
use crate::error::IsolateError;
use crate::seccomp::{is_admin, may_trace};
use crate::spec::Spec;

/// Refuses a container that could take hold of another one's init before that has executed its
/// program: until then it may have CAP_SYS_ADMIN, to install its filter with.
pub(super) fn refuse_before_start(spec: &Spec) -> Result<(), IsolateError> {
    let pids = spec.linux.namespace("pid");
    let Some(pids) = pids.filter(|namespace| !namespace.path.is_empty()) else {
        return Ok(());
    };
    if !may_trace(&spec.process) || is_admin(&spec.process) {
        return Ok(());
    }
    match waiting_init(Path::new(&pids.path)) {
        Some(pid) => Err(precondition(format!(
            "cannot create container: process {pid}, the first of pid namespace {:?}, has not \
             executed its program yet, and a container with CAP_SYS_PTRACE could use its rights: \
             start that container first",
            pids.path
        ))),
        None => Ok(()),
    }
}

/// The first process of a pid namespace, where that has rights and runs no program.
fn waiting_init(namespace: &Path) -> Option<i32> {
    // What is not there is told when it is joined.
    let wanted = std::fs::metadata(namespace).ok()?;
    let is_in = |pid: &i32| {
        std::fs::metadata(format!("/proc/{pid}/ns/pid"))
            .is_ok_and(|found| (found.dev(), found.ino()) == (wanted.dev(), wanted.ino()))
    };
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(is_in)
        .find(|pid| is_waiting(*pid).unwrap_or(false))
}

fn is_waiting(pid: i32) -> Option<bool> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
    let is_first = field("NSpid:")?.split_ascii_whitespace().last() == Some("1");
    let rights = u64::from_str_radix(field("CapPrm:")?.trim(), 16).ok()?;
    let runs = process::has_executed(pid, process::start_time_ticks(pid)?)?;
    Some(is_first && rights != 0 && !runs)
}
