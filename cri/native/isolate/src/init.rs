//! The container's first process: builds the mount namespace from inside, becomes the user, parks,
//! and executes the program.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use estiba_kernel::cgroup::Joined;
use estiba_kernel::mount::{self, Attributes};
use estiba_kernel::resolve::{self, Missing};
use estiba_kernel::{Errno, fd, net, process, socket};
use rustix::fs::OFlags;

use crate::builder::report;
use crate::config;
use crate::console::{self, Console};
use crate::control::{Stopwatch, Wire, wait_for_go};
use crate::error::IsolateError;
use crate::execute::{execute, variable};
use crate::host::Host;
use crate::mounts;
use crate::options::propagation;
use crate::process::{CapabilitySets, Stdio, become_user, place_stdio, set_oom_score, set_rlimits};
use crate::request::{CreateRequest, Parking, ResolvedUser, UserRequest};
use crate::sources;
use crate::spec::Spec;
use crate::stage;
use crate::users::{self, Identity};
use crate::{devices, masks, sysctl};

/// What the builder hands to the init.
#[derive(Debug)]
pub(crate) struct Birth<'a> {
    pub host: &'a Host,
    pub request: CreateRequest<'a>,
    pub spec: Spec,
    pub joined: Joined,
    pub monitor: i32,
}

/// Runs the init; returns the exit code of a failure.
pub(crate) fn run(mut birth: Birth<'_>, control: OwnedFd) -> i32 {
    let mut clock = Stopwatch::start();
    let parked = match build(&mut birth, &mut clock) {
        Ok(parked) => parked,
        Err(error) => return report(&error, &control),
    };
    let ready = Wire::Ready {
        user: parked.user,
        steps: clock.steps,
    };
    let console = parked
        .console
        .as_ref()
        .map(|console| console.master.as_fd());
    let sent = ready.send(&control, console.as_slice());
    // The master belongs to the monitor alone.
    drop(parked.console);
    if sent.is_err() {
        return 1;
    }
    let Some(control) = park(&birth.request.parking, control) else {
        return 1;
    };
    let process = &birth.spec.process;
    report(&execute(&process.args, &process.env), &control)
}

/// Waits for "go" and returns the socket that hears about the outcome.
fn park(parking: &Parking, control: OwnedFd) -> Option<OwnedFd> {
    match parking {
        Parking::Control => wait_for_go(&control).then_some(control),
        Parking::Listener(listener) => {
            // The creator leaves; whoever starts the container comes by the listening socket.
            drop(control);
            loop {
                let connection =
                    rustix::net::accept_with(listener, rustix::net::SocketFlags::CLOEXEC).ok()?;
                // The socket file is root's alone; the check costs nothing.
                if socket::peer_uid(&connection) == Ok(0) && wait_for_go(&connection) {
                    return Some(connection);
                }
            }
        }
    }
}

struct Parked {
    user: ResolvedUser,
    console: Option<Console>,
}

fn build(birth: &mut Birth<'_>, clock: &mut Stopwatch) -> Result<Parked, IsolateError> {
    // First of all, and alone: see Joined::enter_v1.
    birth.joined.enter_v1().map_err(|errno| {
        IsolateError::kernel("join-cgroup", "join the container's cgroup", errno)
    })?;
    clock.lap("join-cgroup");
    process::set_name(c"estiba-init").ok();
    process::set_session();
    process::leave_session_keyring();
    set_oom_score(birth.spec.process.oom_score_adj)?;
    set_namespace_values(&birth.spec)?;

    let config = birth
        .request
        .config_path
        .map(config::open_dir)
        .transpose()?;
    let null = masks::open_null("/dev/null", OFlags::RDWR)?;
    let spec = birth.spec.clone();
    let planned = sources::plan(
        &spec.mounts,
        &sources::Context {
            linux: &spec.linux,
            cgroups: &birth.host.cgroups,
            cgroup: &spec.linux.cgroups_path,
            monitor: birth.monitor,
            pod: birth.request.pod,
        },
    )?;
    clock.lap("open-sources");
    let stage = stage::set_the_stage(birth, clock)?;
    let root = stage.root.as_fd();
    for one in planned {
        mounts::attach(root, one, stage.pod_shm.as_ref())?;
    }
    clock.lap("mounts");
    let console = furnish(birth, root, clock)?;
    masks::mask(root, &spec.linux.masked_paths, &stage.null)?;
    clock.lap("masked-paths");
    masks::read_only(root, &spec.linux.readonly_paths)?;
    clock.lap("readonly-paths");

    let identity = identify(root, &spec, birth.request.user.as_ref())?;
    let cwd = open_cwd(root, &spec.process.cwd)?;
    let root_fd = stage.root;
    mount::replace_root(&root_fd)
        .map_err(|errno| IsolateError::kernel("pivot-root", "enter the root file system", errno))?;
    // Not before: a shared root cannot be pivoted to.
    finish_root(&spec, root_fd.as_fd())?;
    clock.lap("pivot-root");

    complete_process(&mut birth.spec, &identity);
    if let Some((dir, name)) = config {
        config::write(&dir, &name, &birth.spec)?;
        clock.lap("write-config");
    }
    let user = identity.user;
    become_program(birth, &cwd, console.as_ref(), &null, &user)?;
    clock.lap("process");
    Ok(Parked { user, console })
}

/// Host name and sysctls, through the host's procfs, in the namespaces just joined or made.
fn set_namespace_values(spec: &Spec) -> Result<(), IsolateError> {
    const STEP: &str = "hostname";
    let linux = &spec.linux;
    for (name, what) in [
        (&spec.hostname, "hostname"),
        (&spec.domainname, "domainname"),
    ] {
        if name.is_empty() {
            continue;
        }
        if linux.namespace("uts").is_none() {
            let message = format!("cannot set {what} {name:?}: the UTS namespace is the host's");
            return Err(IsolateError::invalid(STEP, message));
        }
        let result = if what == "hostname" {
            rustix::system::sethostname(name.as_bytes())
        } else {
            rustix::system::setdomainname(name.as_bytes())
        };
        result
            .map_err(|errno| IsolateError::kernel(STEP, format!("set {what} {name:?}"), errno))?;
    }
    if linux
        .namespace("network")
        .is_some_and(|network| network.path.is_empty())
    {
        net::loopback_up()
            .map_err(|errno| IsolateError::kernel("loopback", "set loopback up", errno))?;
    }
    let own = sysctl::Own {
        network: linux.namespace("network").is_some(),
        ipc: linux.namespace("ipc").is_some(),
    };
    sysctl::apply(&linux.sysctl, own, false)
}

/// Devices and the terminal.
fn furnish(
    birth: &Birth<'_>,
    root: BorrowedFd<'_>,
    clock: &mut Stopwatch,
) -> Result<Option<Console>, IsolateError> {
    let spec = &birth.spec;
    let dev = devices::open_dev(root, &spec.mounts)?;
    if let Some(dev) = &dev {
        devices::fill(root, dev, &spec.linux.devices)?;
    }
    let mut terminal = None;
    if birth.request.tty {
        let dev = match dev {
            Some(dev) => dev,
            None => resolve::open_in_root(root, "/dev", OFlags::PATH).map_err(|errno| {
                IsolateError::kernel("console", "open /dev of the container", errno)
            })?,
        };
        let opened = console::open(&dev, spec.process.console_size)?;
        console::bind_console(&dev, &opened)?;
        terminal = Some(opened);
    }
    clock.lap("devices");
    Ok(terminal)
}

fn identify(
    root: BorrowedFd<'_>,
    spec: &Spec,
    request: Option<&UserRequest>,
) -> Result<Identity, IsolateError> {
    if let Some(request) = request {
        return users::resolve_user(root, request);
    }
    let user = &spec.process.user;
    let home = match variable(&spec.process.env, "HOME") {
        Some(_) => None,
        None => users::home_of(root, user.uid),
    };
    Ok(Identity {
        user: ResolvedUser {
            uid: user.uid,
            gid: user.gid,
            additional_gids: user.additional_gids.clone(),
        },
        home,
    })
}

/// The working directory, made when missing. A descriptor from inside the root cannot lead out.
fn open_cwd(root: BorrowedFd<'_>, cwd: &str) -> Result<OwnedFd, IsolateError> {
    let fail = |errno| {
        IsolateError::kernel(
            "working-directory",
            format!("use working directory {cwd:?}"),
            errno,
        )
    };
    let fd = resolve::ensure_in_root(root, cwd, Missing::Directory(0o755)).map_err(fail)?;
    let mode = rustix::fs::fstat(&fd).map_err(fail)?.st_mode;
    if rustix::fs::FileType::from_raw_mode(mode) == rustix::fs::FileType::Directory {
        Ok(fd)
    } else {
        Err(fail(Errno::NOTDIR))
    }
}

/// What the root mount itself gets at the end.
fn finish_root(spec: &Spec, root: BorrowedFd<'_>) -> Result<(), IsolateError> {
    const STEP: &str = "finish-rootfs";
    let fail = |errno| IsolateError::kernel(STEP, "finish the root file system", errno);
    let wanted = spec.linux.rootfs_propagation.as_str();
    let mut attributes = Attributes::default();
    if !wanted.is_empty() {
        let (bits, _) = propagation(wanted).ok_or_else(|| {
            IsolateError::invalid(STEP, format!("cannot use rootfsPropagation {wanted:?}"))
        })?;
        // "Slave" of nothing is private: the root file system has no peer on the host.
        if bits != libc::MS_SLAVE {
            attributes.propagation = bits;
        }
    }
    if spec.root.as_ref().is_some_and(|root| root.readonly) {
        attributes.set = libc::MOUNT_ATTR_RDONLY;
    }
    if attributes.is_empty() {
        Ok(())
    } else {
        mount::set_attributes(root, attributes, false).map_err(fail)
    }
}

/// Makes the spec's process what it really is, for the program and for later execs.
fn complete_process(spec: &mut Spec, identity: &Identity) {
    let process = &mut spec.process;
    process.user.uid = identity.user.uid;
    process.user.gid = identity.user.gid;
    process
        .user
        .additional_gids
        .clone_from(&identity.user.additional_gids);
    if variable(&process.env, "HOME").is_none() {
        let home = identity.home.as_deref().unwrap_or("/");
        process.env.push(format!("HOME={home}"));
    }
}

fn become_program(
    birth: &mut Birth<'_>,
    cwd: &OwnedFd,
    console: Option<&Console>,
    null: &OwnedFd,
    user: &ResolvedUser,
) -> Result<(), IsolateError> {
    let process = &birth.spec.process;
    let sets = CapabilitySets::parse(process.capabilities.as_ref())?;
    if let Some(console) = console {
        console::adopt(console, user.uid)?;
    }
    let stdio = Stdio {
        stdin: birth.request.stdin.take(),
        stdout: birth.request.stdout.take(),
        stderr: birth.request.stderr.take(),
    };
    place_stdio(&stdio, console, null, user.uid)?;
    set_rlimits(&process.rlimits)?;
    rustix::process::fchdir(cwd).map_err(|errno| {
        let action = format!("enter working directory {:?}", process.cwd);
        IsolateError::kernel("working-directory", action, errno)
    })?;
    become_user(process, sets, user)?;
    fd::close_on_exec_from_3()
        .map_err(|errno| IsolateError::kernel("close-range", "close descriptors", errno))
}
