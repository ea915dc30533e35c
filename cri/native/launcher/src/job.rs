//! One connection, one job, one process.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use estiba_isolate::{Host, IsolateError};
use estiba_monitor::{BUILD, convert};
use estiba_wire::v1::{self, ErrorCode, Fault, launcher_reply, launcher_request};
use estiba_wire::{FrameReader, PROTOCOL_VERSION};
use rustix::io::Errno;
use rustix::net::sockopt::Timeout;
use rustix::process::{Pid, PidfdFlags};

use crate::{destroy, program, unpack};

pub(crate) type Reply = launcher_reply::Result;

/// A client that says nothing for so long is not waited for.
const REQUEST_PATIENCE: Duration = Duration::from_secs(30);

/// What every job gets from the launcher it was forked from.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) host: Result<Host, IsolateError>,
    monitors: Option<OwnedFd>,
    launcher_pid: i32,
}

impl Context {
    pub(crate) fn new(host: Result<Host, IsolateError>, monitors: Option<OwnedFd>) -> Self {
        Self {
            host,
            monitors,
            launcher_pid: own_pid(),
        }
    }

    pub(crate) fn monitors_cgroup(&self) -> Option<BorrowedFd<'_>> {
        self.monitors.as_ref().map(AsFd::as_fd)
    }

    pub(crate) fn host(&self) -> Result<&Host, Fault> {
        self.host
            .as_ref()
            .map_err(|error| convert::fault(error.clone()))
    }

    /// Readable when the launcher is gone, and with it the reason to go on.
    pub(crate) fn launcher_pidfd(&self) -> Result<OwnedFd, Fault> {
        let what = "cannot watch the launcher";
        let fault = |errno: Errno| Fault::from_errno("watch-launcher", what, errno.raw_os_error());
        let pid = Pid::from_raw(self.launcher_pid).ok_or_else(|| fault(Errno::SRCH))?;
        if rustix::process::getppid() != Some(pid) {
            return Err(fault(Errno::SRCH));
        }
        rustix::process::pidfd_open(pid, PidfdFlags::empty()).map_err(fault)
    }
}

fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

/// Answers a connection for which no child could be forked.
pub(crate) fn refuse(connection: &OwnedFd, errno: Errno) {
    let fault = Fault::from_errno(
        "fork",
        "cannot fork a child for the job",
        errno.raw_os_error(),
    );
    // The launcher waits for nobody; a fresh socket's buffer holds this much.
    rustix::io::ioctl_fionbio(connection, true).ok();
    reply(connection, Reply::Fault(fault)).ok();
}

/// Sends the final frame.
pub(crate) fn reply(connection: &OwnedFd, result: Reply) -> Result<(), estiba_wire::FrameError> {
    let done = !matches!(result, Reply::UnpackProgress(_));
    let message = v1::LauncherReply {
        version: PROTOCOL_VERSION,
        done,
        result: Some(result),
    };
    estiba_wire::send(connection, &message)
}

/// Does the job of one connection. Exit status 0 means that the client has its answer, or nobody
/// wants one.
pub(crate) fn run(connection: OwnedFd, context: Context) -> ExitCode {
    rustix::thread::set_name(c"estiba-job").ok();
    let mut reader = FrameReader::new();
    let patience =
        |duration| rustix::net::sockopt::set_socket_timeout(&connection, Timeout::Recv, duration);
    if patience(Some(REQUEST_PATIENCE)).is_err() {
        return ExitCode::FAILURE;
    }
    let request = match estiba_wire::receive::<v1::LauncherRequest>(&connection, &mut reader) {
        Ok(request) => request,
        // Whoever only looks whether somebody listens closes without a word.
        Err(_) => return ExitCode::SUCCESS,
    };
    if patience(None).is_err() {
        return ExitCode::FAILURE;
    }
    let result = match request.job {
        Some(launcher_request::Job::StartPod(start)) => {
            return become_monitor(connection, context, start);
        }
        Some(launcher_request::Job::Ping(request)) => ping(&context, &request.layers_dir),
        Some(launcher_request::Job::RunProgram(run)) => program::run(&run, &connection, &context),
        Some(launcher_request::Job::Unpack(job)) => {
            return unpack::run(&job, &connection, reader, &context);
        }
        Some(launcher_request::Job::RemoveTrees(trees)) => remove_trees(&trees),
        Some(launcher_request::Job::LabelTrees(trees)) => label_trees(&trees),
        Some(launcher_request::Job::CompileSeccomp(job)) => compile_seccomp(&job),
        Some(launcher_request::Job::DestroyPod(pod)) => destroy::run(&pod, &context),
        None => Err(Fault::new(
            ErrorCode::Unimplemented,
            "dispatch",
            "cannot do job: this build does not know it",
        )),
    };
    match result {
        Ok(Some(result)) => answered(reply(&connection, result)),
        Ok(None) => ExitCode::SUCCESS,
        Err(fault) => answered(reply(&connection, Reply::Fault(fault))),
    }
}

pub(crate) fn answered(sent: Result<(), estiba_wire::FrameError>) -> ExitCode {
    // A client that went away has cancelled the job.
    drop(sent);
    ExitCode::SUCCESS
}

fn ping(context: &Context, layers_dir: &str) -> Result<Option<Reply>, Fault> {
    let features = &context.host()?.features;
    let (works, problem) = if layers_dir.is_empty() {
        (false, String::new())
    } else {
        match estiba_isolate::probe_user_namespaces(&absolute(layers_dir, "ping")?) {
            Ok(limit) => (true, limit.to_owned()),
            Err(error) => (false, error.message),
        }
    };
    Ok(Some(Reply::Pong(v1::Pong {
        build: BUILD.to_owned(),
        launcher_pid: context.launcher_pid,
        features: Some(v1::KernelFeatures {
            cgroup_version: if features.cgroup_v2 { "v2" } else { "v1" }.to_owned(),
            cgroup_controllers: features.cgroup_controllers.clone(),
            overlay_lowerdir_append: features.overlay_lowerdir_append,
            clone_detached_mounts: features.clone_detached_mounts,
            clone_into_cgroup: features.clone_into_cgroup,
            recursive_read_only: features.recursive_read_only,
            user_namespaces: works,
            user_namespaces_problem: problem,
        }),
    })))
}

fn become_monitor(connection: OwnedFd, context: Context, start: v1::StartPod) -> ExitCode {
    match context.host {
        Ok(host) => estiba_monitor::run(host, start, connection),
        Err(error) => answered(reply(&connection, Reply::Fault(convert::fault(error)))),
    }
}

fn compile_seccomp(job: &v1::CompileSeccomp) -> Result<Option<Reply>, Fault> {
    let filter = estiba_isolate::compile_seccomp(&job.profile_json).map_err(convert::fault)?;
    Ok(Some(Reply::SeccompFilter(v1::SeccompFilter {
        program: filter.program,
        flags: filter.flags,
    })))
}

fn remove_trees(trees: &v1::RemoveTrees) -> Result<Option<Reply>, Fault> {
    let mut failures = trees
        .paths
        .iter()
        .filter_map(|path| estiba_trees::remove_tree(Path::new(path)).err());
    let Some(first) = failures.next() else {
        return Ok(Some(Reply::Removed(v1::Done {})));
    };
    let mut fault = convert::remove_fault(&first);
    fault.chain = failures.map(|error| error.to_string()).collect();
    Err(fault)
}

fn label_trees(job: &v1::LabelTrees) -> Result<Option<Reply>, Fault> {
    let mut failures = job.trees.iter().filter_map(|tree| {
        absolute(&tree.path, "check")
            .and_then(|path| {
                estiba_isolate::label_tree(&path, &tree.label, tree.shallow).map_err(convert::fault)
            })
            .err()
    });
    let Some(mut first) = failures.next() else {
        return Ok(Some(Reply::Labelled(v1::Done {})));
    };
    first.chain.extend(failures.map(|fault| fault.message));
    Err(first)
}

/// An absolute path out of a request.
pub(crate) fn absolute(path: &str, step: &str) -> Result<PathBuf, Fault> {
    let path = PathBuf::from(path);
    if path.is_absolute() {
        return Ok(path);
    }
    let message = format!("cannot use path {path:?}: it is not absolute");
    Err(Fault::new(ErrorCode::InvalidArgument, step, message))
}
