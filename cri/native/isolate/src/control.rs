//! The conversation between the monitor and the children it forks: one seqpacket socket for each
//! container or exec that is being built.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use estiba_kernel::{Errno, socket, spawn};
use rustix::process::{Pid, Signal};
use serde::{Deserialize, Serialize};

use crate::error::IsolateError;
use crate::request::ResolvedUser;

/// Longest message of the conversation.
pub(crate) const MAX_MESSAGE: usize = 16 * 1024;
const STEP: &str = "control";

/// How long one step took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepTime {
    /// Name of the step, kebab-case.
    pub step: String,
    /// Microseconds.
    pub elapsed_us: u64,
}

/// Most groups that one message carries.
const GROUPS_AT_ONCE: usize = 1000;

/// A container or exec under way. The caller adds `control` to its event loop, calls
/// [`read_control`] whenever it is readable, and reaps its children: `builder`, its successor when
/// there is one and, once known, `process`. When `Closed` has come without a `process`, it calls
/// [`reap_unreported`].
#[derive(Debug)]
pub struct Building {
    /// The short-lived child that prepares the way; ends by itself. Replaced by its successor before
    /// `ControlMessage::Handed`.
    pub builder_pid: i32,
    /// Pidfd of the builder.
    pub builder_pidfd: OwnedFd,
    /// The conversation (`SOCK_SEQPACKET`).
    pub control: OwnedFd,
    /// The final process (also a child of the caller): pid as the host sees it, and its pidfd.
    /// Known a moment before `Created`, so that a build that hangs can be named and killed. Taken
    /// out by `Created`.
    pub process: Option<(i32, OwnedFd)>,
    /// Cgroup of the container. While it is unknown the builder removes what it made itself.
    pub cgroup: Option<String>,
    /// Process group of all children until they have a session of their own.
    pub(crate) group: i32,
    pub(crate) steps: Vec<StepTime>,
    pub(crate) groups: Vec<u32>,
    /// The final process's birth has been told.
    pub(crate) is_born: bool,
    pub(crate) ready: Option<Ready>,
    /// Children whose pidfds did not arrive. They are killed; nobody else can have their pids before
    /// [`reap_unreported`] has reaped them.
    lost: Vec<Pid>,
    /// The final process's failure, when it came before the builder's word of its birth.
    pub(crate) failed: Option<IsolateError>,
}

/// What a final process that is ready has told.
#[derive(Debug)]
pub(crate) struct Ready {
    /// Uid and gid of a container's user.
    ids: Option<(u32, u32)>,
    program: Option<i32>,
    console: Option<OwnedFd>,
}

impl Building {
    pub(crate) fn new(pid: i32, pidfd: OwnedFd, control: OwnedFd) -> Self {
        Self {
            builder_pid: pid,
            builder_pidfd: pidfd,
            control,
            process: None,
            cgroup: None,
            group: pid,
            steps: Vec::new(),
            groups: Vec::new(),
            is_born: false,
            ready: None,
            lost: Vec::new(),
            failed: None,
        }
    }

    /// The pidfd of a child that the message names.
    fn take_child(&mut self, pid: i32, fds: Vec<OwnedFd>) -> Result<OwnedFd, IsolateError> {
        if let Some(pidfd) = fds.into_iter().next() {
            return Ok(pidfd);
        }
        if let Some(pid) = Pid::from_raw(pid) {
            rustix::process::kill_process(pid, Signal::KILL).ok();
            self.lost.push(pid);
        }
        Err(out_of_descriptors("take over a child of the build"))
    }
}

/// Reaps children that were born and never reported, because the child that should have told of
/// them was killed. To be called when `Closed` has come, and again for as long as the answer is
/// true: one is still on its way out.
///
/// # Errors
/// The kernel's refusal.
pub fn reap_unreported(building: &Building) -> Result<bool, IsolateError> {
    let fail = |errno| IsolateError::kernel(STEP, "reap lost children", errno);
    let mut is_one_alive = false;
    for pid in &building.lost {
        is_one_alive |= spawn::reap_pid(*pid).map_err(fail)?;
    }
    if !building.is_born {
        is_one_alive |= spawn::reap_group(building.group).map_err(fail)?;
    }
    Ok(is_one_alive)
}

fn out_of_descriptors(action: &str) -> IsolateError {
    IsolateError::kernel(STEP, action, Errno::MFILE)
}

/// What the child tells when it is parked (container) or about to execve (exec).
#[derive(Debug)]
pub struct Created {
    /// Pid as the host sees it.
    pub pid: i32,
    /// Pidfd of that process, or of the shim that stands for it; its exit status comes from
    /// `waitid(P_PIDFD)`.
    pub pidfd: OwnedFd,
    /// Terminal master when a tty was asked for.
    pub console: Option<OwnedFd>,
    /// The user after resolution; `None` for an exec, which runs as the user that was asked for.
    pub user: Option<ResolvedUser>,
    /// Cgroup of the container, as `kill_cgroup` takes it.
    pub cgroup: String,
    /// What the time went into, in order.
    pub steps: Vec<StepTime>,
}

/// What [`read_control`] found.
#[derive(Debug)]
pub enum ControlMessage {
    /// The builder has given the work to another child, which `Building::builder_pid` and
    /// `builder_pidfd` now name; both are to be reaped.
    Handed,
    /// The container is built and parked, or the exec is about to run.
    Created(Created),
    /// The build or the execve failed. The process ends by itself; all children are still to be
    /// reaped, and the cgroup is still to be removed.
    Failed(IsolateError),
    /// The socket is closed. After `send_go` (or after an exec's `Created`) it means that execve has
    /// succeeded; before, that the child died without a word (killed, out of memory).
    Closed,
}

/// What children send.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Wire {
    /// Builder: the cgroup is made and another child goes on in it; carries its pidfd.
    Handed {
        pid: i32,
        cgroup: String,
        steps: Vec<StepTime>,
    },
    /// Assembler: some of the user's supplementary groups, in order.
    Groups(Vec<u32>),
    /// Assembler, or the builder of an exec: the final process exists; carries its pidfd.
    Forked { pid: i32, steps: Vec<StepTime> },
    /// Final process: done but for "go" and execve; may carry a terminal master. Uid and gid of a
    /// container's user.
    Ready {
        user: Option<(u32, u32)>,
        /// The process that a shim stands for.
        program: Option<i32>,
        steps: Vec<StepTime>,
    },
    /// Final process, to whoever starts it by its listener: all that is left to do is execve.
    Executing,
    /// Either: it is over.
    Failed(IsolateError),
}

impl Wire {
    /// Sends the groups of a user in as many messages as they need.
    pub(crate) fn send_groups(groups: &[u32], control: impl AsFd) -> Result<(), IsolateError> {
        groups
            .chunks(GROUPS_AT_ONCE)
            .try_for_each(|some| Self::Groups(some.to_vec()).send(control.as_fd(), &[]))
    }

    /// Sends the message to the parent.
    pub(crate) fn send(
        &self,
        control: impl AsFd,
        fds: &[BorrowedFd<'_>],
    ) -> Result<(), IsolateError> {
        let bytes = serde_json::to_vec(self)
            .map_err(|error| IsolateError::invalid(STEP, format!("cannot encode: {error}")))?;
        socket::send(control, &bytes, fds)
            .map_err(|errno| IsolateError::kernel(STEP, "report to the monitor", errno))
    }
}

/// Takes what has arrived on `building.control`, without blocking. `None`: nothing complete yet.
/// Call it again until it returns `None` or `Closed`.
///
/// # Errors
/// A malformed message or a failing socket.
pub fn read_control(building: &mut Building) -> Result<Option<ControlMessage>, IsolateError> {
    loop {
        // Who hears of a failure must know what there is to clean up: a failure that came before
        // the word of the process's birth waits for that, or for the end of both senders.
        let is_born = building.is_born;
        if let Some(error) = building.failed.take_if(|_| is_born) {
            return Ok(Some(ControlMessage::Failed(error)));
        }
        let message = match socket::receive(&building.control, MAX_MESSAGE, false) {
            Err(Errno::AGAIN) => return Ok(None),
            result => result
                .map_err(|errno| IsolateError::kernel(STEP, "hear from the container", errno))?,
        };
        if message.bytes.is_empty() {
            let failed = building.failed.take().map(ControlMessage::Failed);
            return Ok(Some(failed.unwrap_or(ControlMessage::Closed)));
        }
        let wire: Wire = serde_json::from_slice(&message.bytes).map_err(|error| {
            IsolateError::invalid(
                STEP,
                format!("cannot read the container's message: {error}"),
            )
        })?;
        let fds = message.fds;
        match wire {
            Wire::Failed(error) => building.failed = Some(error),
            Wire::Executing => {}
            Wire::Handed { pid, cgroup, steps } => {
                building.cgroup = Some(cgroup);
                building.steps.splice(0..0, steps);
                building.builder_pidfd = building.take_child(pid, fds)?;
                building.builder_pid = pid;
                return Ok(Some(ControlMessage::Handed));
            }
            Wire::Groups(some) => building.groups.extend(some),
            Wire::Forked { pid, steps } => {
                building.is_born = true;
                building.steps.extend(steps);
                building.process = Some((pid, building.take_child(pid, fds)?));
            }
            Wire::Ready { .. } if message.has_lost_fds => {
                return Err(out_of_descriptors("take over the container's terminal"));
            }
            Wire::Ready {
                user,
                program,
                steps,
            } => {
                building.ready = Some(Ready {
                    ids: user,
                    program,
                    console: fds.into_iter().next(),
                });
                building.steps.extend(steps);
            }
        }
        // The two come from two processes: either may be first.
        if building.process.is_none() || building.ready.is_none() {
            continue;
        }
        if let (Some(ready), Some((pid, pidfd))) = (building.ready.take(), building.process.take())
        {
            let Ready {
                ids,
                program,
                console,
            } = ready;
            return Ok(Some(ControlMessage::Created(Created {
                pid: program.unwrap_or(pid),
                pidfd,
                console,
                user: ids.map(|(uid, gid)| ResolvedUser {
                    uid,
                    gid,
                    additional_gids: std::mem::take(&mut building.groups),
                }),
                cgroup: building.cgroup.clone().unwrap_or_default(),
                steps: std::mem::take(&mut building.steps),
            })));
        }
    }
}

/// Lets the parked init go on to execve; the outcome arrives as `Failed` or `Closed`.
///
/// # Errors
/// When the init is gone.
pub fn send_go(building: &Building) -> Result<(), IsolateError> {
    send_go_on(&building.control)
}

/// `send_go` for callers that kept only the socket.
///
/// # Errors
/// When the init is gone.
pub fn send_go_on(control: impl AsFd) -> Result<(), IsolateError> {
    socket::send(control, b"go", &[])
        .map_err(|errno| IsolateError::kernel("start", "start container", errno))
}

/// Waits, in the parked init, for "go". False when the other side has gone away.
pub(crate) fn wait_for_go(control: impl AsFd) -> bool {
    socket::receive(control, 16, true).is_ok_and(|message| message.bytes == b"go")
}

/// Measures steps.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    last: Instant,
    pub(crate) steps: Vec<StepTime>,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self {
            last: Instant::now(),
            steps: Vec::new(),
        }
    }

    /// Ends the step that ran until now.
    pub(crate) fn lap(&mut self, step: &str) {
        let now = Instant::now();
        let elapsed = now.duration_since(self.last).as_micros();
        self.last = now;
        self.steps.push(StepTime {
            step: step.to_owned(),
            elapsed_us: u64::try_from(elapsed).unwrap_or(u64::MAX),
        });
    }
}

#[cfg(test)]
mod tests;
