//! Between the assembler, who knows when hooks are due, and the builder, who runs them: it has stayed
//! in the runtime's namespaces and has nothing of the container's about it.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};

use estiba_kernel::cgroup::Joined;
use estiba_kernel::{socket, spawn};
use serde::{Deserialize, Serialize};

use super::child::settle_on_host;
use super::{Place, STEP, run_all, state_of};
use crate::control::MAX_MESSAGE;
use crate::error::{ErrorCode, IsolateError};
use crate::note;
use crate::oci::Status;
use crate::spec::Spec;

const PURPOSE: &str = "create container";

/// What the assembler asks for.
#[derive(Debug, Serialize, Deserialize)]
struct Asked {
    /// The container's process, or who builds it, as the runtime sees it.
    pid: i32,
    /// The root file system, as the container's mount namespace shows it.
    root: PathBuf,
}

type Answered = Result<(), IsolateError>;

/// The assembler's end.
#[derive(Debug)]
pub(crate) struct Link(OwnedFd);

/// A pair of ends: the builder's and the assembler's.
pub(crate) fn link() -> Result<(OwnedFd, Link), IsolateError> {
    let (ours, theirs) = socket::seqpacket_pair()
        .map_err(|errno| IsolateError::kernel(STEP, "make a socket", errno))?;
    Ok((ours, Link(theirs)))
}

impl Link {
    pub(crate) fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Has the hooks of a creation run. `init`: the container's process in its new pid namespace.
    pub(crate) fn run_hooks(
        self,
        spec: &Spec,
        root: PathBuf,
        pid: i32,
        init: Option<BorrowedFd<'_>>,
    ) -> Result<(), IsolateError> {
        let fail = |errno| IsolateError::kernel(STEP, "have hooks run", errno);
        note::busy_with(
            &spec
                .hooks
                .as_ref()
                .map_or_else(String::new, super::Hooks::names),
        );
        let asked = serde_json::to_vec(&Asked { pid, root }).map_err(|error| {
            IsolateError::invalid(STEP, format!("cannot have hooks run: {error}"))
        })?;
        socket::send(&self.0, &asked, init.as_slice()).map_err(fail)?;
        let answer = socket::receive(&self.0, MAX_MESSAGE, true).map_err(fail)?;
        note::busy_with("");
        let answered: Option<Answered> = serde_json::from_slice(&answer.bytes).ok();
        answered.unwrap_or_else(|| {
            let message = "cannot have hooks run: the builder died without a word";
            Err(IsolateError::new(ErrorCode::Internal, STEP, message))
        })
    }
}

/// What the builder knows of the container.
pub(crate) struct Serving<'a> {
    pub spec: &'a Spec,
    pub id: &'a str,
    pub bundle: &'a Path,
    pub joined: &'a Joined,
    /// Who is in the container's namespaces, but for a new pid namespace.
    pub assembler: &'a OwnedFd,
}

/// Waits for the assembler's word and runs the hooks. An assembler that dies needs none.
pub(crate) fn serve(link: &OwnedFd, serving: &Serving<'_>) {
    let Ok(message) = socket::receive(link, MAX_MESSAGE, true) else {
        return;
    };
    let asked: Asked = match serde_json::from_slice(&message.bytes) {
        Ok(asked) => asked,
        Err(_) => return,
    };
    let answered: Answered = serving.run(&asked, message.fds.first(), link);
    let answered = answered.map_err(|error| error.shortened());
    let answer = serde_json::to_vec(&answered).unwrap_or_default();
    // When nobody hears there is nobody to tell either.
    socket::send(link, &answer, &[]).ok();
}

impl Serving<'_> {
    fn run(&self, asked: &Asked, init: Option<&OwnedFd>, link: &OwnedFd) -> Answered {
        let Some(hooks) = &self.spec.hooks else {
            return Ok(());
        };
        let place = |kind, cgroup, enter| Place {
            kind,
            purpose: PURPOSE,
            cgroup,
            confinement: None,
            old_call: false,
            until: Some(link.as_fd()),
            enter,
        };
        let state = |pid| state_of(self.spec, self.id, self.bundle, Status::Creating, pid);
        let on_host: &dyn Fn() -> Answered = &|| {
            settle_on_host(self.bundle);
            Ok(())
        };
        let told = state(asked.pid)?;
        run_all(&hooks.prestart, &told, &place("prestart", None, on_host))?;
        run_all(
            &hooks.create_runtime,
            &told,
            &place("createRuntime", None, on_host),
        )?;
        if hooks.create_container.is_empty() {
            return Ok(());
        }
        if let Some(init) = init {
            spawn::setns(init, libc::CLONE_NEWPID).map_err(|errno| {
                IsolateError::kernel(STEP, "join the container's pid namespace", errno)
            })?;
        }
        let inside: &dyn Fn() -> Answered = &|| self.enter(&asked.root);
        // The first process of a new pid namespace.
        let told = state(if init.is_some() { 1 } else { asked.pid })?;
        let place = place("createContainer", self.joined.v2(), inside);
        run_all(&hooks.create_container, &told, &place)
    }

    /// Not its user namespace: a hook needs the host's files, and those of the container are made
    /// with the host's rights at this time.
    fn enter(&self, root: &Path) -> Answered {
        settle_on_host(Path::new("/"));
        self.joined
            .enter_v1()
            .map_err(|errno| IsolateError::kernel(STEP, "join the container's cgroup", errno))?;
        let mut kinds =
            libc::CLONE_NEWNS | libc::CLONE_NEWNET | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
        if self.spec.linux.namespace("cgroup").is_some() {
            kinds |= libc::CLONE_NEWCGROUP;
        }
        spawn::setns(self.assembler, kinds).map_err(|errno| {
            IsolateError::kernel(STEP, "join the container's namespaces", errno)
        })?;
        rustix::process::chdir(root)
            .map_err(|errno| IsolateError::kernel(STEP, format!("enter {root:?}"), errno))
    }
}
