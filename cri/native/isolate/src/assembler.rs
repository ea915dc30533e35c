//! The child that builds a container's file system, in the container's cgroup and outside of its pid
//! namespace, and then gives birth to the init.
//!
//! Whatever enters a pid namespace that others share can be looked into there, by a container with
//! CAP_SYS_PTRACE even if it is not dumpable: its descriptors, its root, its memory. So the init is
//! born with the container's root, without a descriptor of the host and, where the namespace exists
//! already, without a privilege that its container does not have.

#![allow(unsafe_code, reason = "fork point")]

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::PathBuf;

use estiba_kernel::cgroup::Joined;
use estiba_kernel::fd;
use estiba_kernel::spawn::{Clone, Side, clone3, exit_now, unshare};
use estiba_kernel::{Errno, mount};

use crate::builder::Outcome;
use crate::console::{self, Console};
use crate::control::{Stopwatch, Wire};
use crate::error::IsolateError;
use crate::gate::Gate;
use crate::hooks::Link;
use crate::host::Host;
use crate::ids::{self, Ids};
use crate::init::{self, Birth};
use crate::inside::{self, Inside};
use crate::mounts::{self, Copies};
use crate::namespaces::{self, Pids};
use crate::note;
use crate::own_fds::OwnFds;
use crate::process::{Stdio, place_stdio, set_oom_score};
use crate::procfs_guard::{self, Guard};
use crate::request::{CreateRequest, Parking, Rootfs};
use crate::seccomp::{Confinement, Way};
use crate::sources::{self, Source};
use crate::spec::Spec;
use crate::stage;
use crate::{apparmor, config, devices, masks, pod_user, selinux, users};

/// What the builder hands on.
#[derive(Debug)]
pub(crate) struct Assembly<'a> {
    pub host: &'a Host,
    pub request: CreateRequest<'a>,
    pub spec: Spec,
    pub gate: Gate,
    /// To who runs the hooks that are due before the root is changed, where there are any.
    pub link: Option<Link>,
}

/// A container that wants nothing but its root and its init.
struct Assembled<'a> {
    inside: Inside<'a>,
    pids: Pids,
    /// Master of the terminal, which is the standard streams by now.
    terminal: Option<OwnedFd>,
    /// The root file system; `None` when it is the root of the mount namespace.
    root: Option<OwnedFd>,
}

pub(crate) fn run(mut assembly: Assembly<'_>, joined: Joined, control: OwnedFd) -> Outcome {
    let mut clock = Stopwatch::start();
    // First of all, and alone: see Joined::enter_v1.
    let entered = joined.enter_v1();
    drop(joined);
    if let Err(errno) = entered {
        let error = IsolateError::kernel("join-cgroup", "join the container's cgroup", errno);
        return Err((error, control));
    }
    clock.lap("join-cgroup");
    let spec = assembly.spec.clone();
    let assembled = assemble(&mut assembly, &spec, &mut clock).and_then(|mut assembled| {
        // Hooks are told the pid of the container's process where nobody could abuse it that early.
        let is_early = assembly.link.is_some() && assembled.pids == Pids::Fresh;
        if !is_early {
            let root = assembled.root.take();
            enter_root(&spec, root, assembly.link.take(), None, &mut clock)?;
        }
        if !assembled.pids.need_the_init() {
            inside::finish(&mut assembled.inside, &mut clock)?;
        }
        Ok(assembled)
    });
    match assembled {
        Ok(assembled) => give_birth(assembly, assembled, clock, control),
        Err(error) => Err((error, control)),
    }
}

/// Makes the root file system the root of the mount namespace, after the hooks that are due before.
/// `init`: the container's process, if there is one.
fn enter_root(
    spec: &Spec,
    root: Option<OwnedFd>,
    link: Option<Link>,
    init: Option<(i32, BorrowedFd<'_>)>,
    clock: &mut Stopwatch,
) -> Result<(), IsolateError> {
    let fail = |errno| IsolateError::kernel("pivot-root", "enter the root file system", errno);
    let root = root.ok_or(Errno::BADF).map_err(fail)?;
    if let Some(link) = link {
        let own = rustix::process::getpid().as_raw_nonzero().get();
        let (pid, pidfd) = init.map_or((own, None), |(pid, pidfd)| (pid, Some(pidfd)));
        link.run_hooks(spec, place_for_hooks(&root)?, pid, pidfd)?;
        clock.lap("hooks");
    }
    mount::replace_root(&root).map_err(fail)?;
    // Not before: a shared root cannot be pivoted to.
    inside::finish_root(spec, root.as_fd())?;
    clock.lap("pivot-root");
    Ok(())
}

/// Where the root is in this mount namespace, as hooks look for it there.
fn place_for_hooks(root: &OwnedFd) -> Result<PathBuf, IsolateError> {
    let place = OwnFds::open()?.place_of(root);
    place.map_err(|errno| IsolateError::kernel("hooks", "find the root file system", errno))
}

fn assemble<'a>(
    assembly: &mut Assembly<'_>,
    spec: &'a Spec,
    clock: &mut Stopwatch,
) -> Result<Assembled<'a>, IsolateError> {
    let monitor = rustix::process::getppid().map_or(0, |pid| pid.as_raw_nonzero().get());
    let request = &mut assembly.request;
    let ids = Ids::of(&spec.linux);
    let joining = namespaces::join(
        &spec.linux,
        monitor,
        request.pod,
        request.pid_target,
        request.legacy_mounts,
    )?;
    let user = if ids::are_for_new_namespace(&spec.linux) {
        Some(pod_user::make_and_join(&ids, joining.fresh)?)
    } else {
        unshare(joining.fresh).map_err(|errno| {
            IsolateError::kernel("join-namespaces", "make the container's namespaces", errno)
        })?;
        ids::open(&spec.linux, monitor, request.pod)?
    };
    clock.lap("join-namespaces");
    selinux::confine(spec)?;
    set_oom_score(spec.process.oom_score_adj)?;
    apparmor::set_profile(&spec.process)?;
    namespaces::set_values(spec)?;

    let config = request.config_path.map(config::open_dir).transpose()?;
    let null = masks::null_stream()?;
    let mut planned = sources::plan(
        &spec.mounts,
        &sources::Context {
            linux: &spec.linux,
            cgroups: &assembly.host.cgroups,
            cgroup: &spec.linux.cgroups_path,
            monitor,
            pod: request.pod,
            pids: joining.pids,
            ids: &ids,
            user: user.as_ref(),
        },
    )?;
    clock.lap("open-sources");
    note::busy_with("the root file system");
    let own_fds = OwnFds::open()?;
    let mut guard = Guard::new(&own_fds);
    let with_images = planned
        .iter()
        .any(|one| matches!(one.source, Source::Image(..)));
    let stage = stage::set_the_stage(assembly, &ids, user.as_ref(), with_images, clock)?;
    let root = stage.root.as_fd();
    ids::make_files_as_root(&ids)?;
    let late = procfs_guard::split_off_procfs(&mut planned);
    procfs_guard::refuse_in_procfs(&late)?;
    guard.keep_free(root, &late)?;
    let copies = Copies {
        shm: stage.pod_shm.as_ref(),
        proc: None,
        guard: Some(&guard),
        staging: stage.staging.as_ref(),
        ids: Some(&ids),
        label: &spec.linux.mount_label,
    };
    let mut dev = None;
    for one in planned {
        let is_dev = devices::is_dev(one.mount);
        let made = mounts::attach(root, one, &copies)?;
        if is_dev {
            dev = made;
        }
    }
    clock.lap("mounts");
    note::busy_with("the files of the root file system");
    let wanted = assembly.request.user.as_ref();
    let identity = users::identify(root, &own_fds, wanted, &spec.process)?;
    devices::give_to(&identity.user, &mut assembly.spec.linux.devices);
    let console = furnish(assembly, root, dev, &ids, clock)?;
    inside::make_cwd(root, &spec.process.cwd, &late)?;
    ids::make_files_as_host(&ids)?;
    let cover = mount::clone_fd(&stage.null, false)
        .map_err(|errno| IsolateError::kernel("mask-paths", "copy the null device", errno))?;
    users::complete_process(&mut assembly.spec.process, &identity);
    if assembly.link.is_some() && matches!(assembly.request.rootfs, Rootfs::Overlay { .. }) {
        let root = assembly.spec.root.get_or_insert_default();
        root.path = place_for_hooks(&stage.root)?.to_string_lossy().into_owned();
    }
    note::busy_with("");
    if let Some((dir, name)) = config {
        config::write(&dir, &name, &assembly.spec)?;
        clock.lap("write-config");
    }
    let filter = assembly.request.seccomp.take();
    let way = Way {
        has_terminal: console.is_some(),
        has_listener: matches!(assembly.request.parking, Parking::Listener(_)),
        has_hooks: spec
            .hooks
            .as_ref()
            .is_some_and(|hooks| !hooks.start_container.is_empty()),
    };
    let is_first = joining.pids == Pids::Fresh;
    let confinement = Confinement::of_init(filter, &spec.process, is_first, way)?;
    let owner = ids.owner(&identity.user)?;
    place_streams(&mut assembly.request, console.as_ref(), &null, owner)?;
    let inside = Inside {
        spec,
        late,
        proc: joining.proc.or(stage.pod_proc),
        cover: Some(cover),
        user: identity.user,
        user_namespace: user,
        confinement,
    };
    Ok(Assembled {
        inside,
        pids: joining.pids,
        terminal: console.map(|console| console.master),
        root: Some(stage.root),
    })
}

/// Standard streams before birth: those of this process are the monitor's.
fn place_streams(
    request: &mut CreateRequest<'_>,
    console: Option<&Console>,
    null: &OwnedFd,
    uid: u32,
) -> Result<(), IsolateError> {
    if let Some(console) = console {
        console::give(console, uid)?;
    }
    let stdio = Stdio {
        stdin: request.stdin.take(),
        stdout: request.stdout.take(),
        stderr: request.stderr.take(),
    };
    place_stdio(&stdio, console, null, uid)
}

/// What the init may hold besides its standard streams.
fn kept_fds(
    assembled: &Assembled<'_>,
    parking: &Parking,
    control: &OwnedFd,
    gates: &[&Gate],
) -> Vec<RawFd> {
    let mut keep = vec![control.as_raw_fd()];
    keep.extend(gates.iter().flat_map(|gate| gate.fds()));
    keep.extend(assembled.terminal.iter().map(AsRawFd::as_raw_fd));
    keep.extend(assembled.inside.fds());
    keep.extend(assembled.root.iter().map(AsRawFd::as_raw_fd));
    if let Parking::Listener(socket) = parking {
        keep.push(socket.as_raw_fd());
    }
    keep
}

fn give_birth(
    assembly: Assembly<'_>,
    assembled: Assembled<'_>,
    mut clock: Stopwatch,
    control: OwnedFd,
) -> Outcome {
    let Assembly {
        request,
        spec,
        gate: own_gate,
        link,
        ..
    } = assembly;
    let ready = Gate::new().and_then(|gate| {
        let hold = link.as_ref().map(|_| Gate::new()).transpose()?;
        let mut gates = vec![&own_gate, &gate];
        gates.extend(&hold);
        let mut keep = kept_fds(&assembled, &request.parking, &control, &gates);
        keep.extend(link.as_ref().map(Link::fd));
        fd::close_all_except(&keep).map_err(|errno| {
            IsolateError::kernel("close-range", "close the host's descriptors", errno)
        })?;
        // Where the monitor has not heard of this process nobody would reap its child either.
        own_gate.pass()?;
        Wire::send_groups(&assembled.inside.user.additional_gids, &control)?;
        Ok((gate, hold))
    });
    let (gate, hold) = match ready {
        Ok(gates) => gates,
        Err(error) => return Err((error, control)),
    };
    let how = Clone {
        namespaces: assembled.pids.clone_flag(),
        sibling: true,
        cgroup: None,
        // Under the container's filter.
        old_call: assembled
            .inside
            .confinement
            .as_ref()
            .is_some_and(Confinement::is_early),
    };
    // SAFETY: this child of a single-threaded process has one thread; the new process ends in
    // exit_now or execve.
    match unsafe { clone3(&how) } {
        Ok(Side::Child) => {
            drop((assembled.root, link));
            let birth = Birth {
                id: request.id,
                bundle: request.bundle,
                spec: &spec,
                inside: assembled.inside,
                is_finished: !assembled.pids.need_the_init(),
                terminal: assembled.terminal,
                parking: request.parking,
                hold,
                gate,
            };
            exit_now(init::run(birth, control))
        }
        Ok(Side::Parent { pid, pidfd }) => {
            clock.lap("clone-init");
            if let Some(hold) = hold {
                let init = Some((pid, pidfd.as_fd()));
                let entered = enter_root(&spec, assembled.root, link, init, &mut clock);
                if let Err(error) = entered {
                    return Err((error, control));
                }
                hold.open();
            }
            let steps = clock.steps;
            let sent = Wire::Forked { pid, steps }.send(&control, &[pidfd.as_fd()]);
            gate.open();
            sent.map_err(|error| (error, control))
        }
        Err(errno) => Err((
            IsolateError::kernel("clone-init", "clone the container's init", errno),
            control,
        )),
    }
}

/// Devices and the terminal. `dev`: the file system that was mounted at /dev.
fn furnish(
    assembly: &Assembly<'_>,
    root: BorrowedFd<'_>,
    dev: Option<OwnedFd>,
    ids: &Ids,
    clock: &mut Stopwatch,
) -> Result<Option<Console>, IsolateError> {
    let spec = &assembly.spec;
    let dev = devices::open_dev(root, &spec.mounts, dev)?;
    if let Some(dev) = &dev {
        devices::fill(root, dev, &spec.linux.devices, ids)?;
    }
    let mut terminal = None;
    if assembly.request.tty {
        let dev = match dev {
            Some(dev) => dev,
            None => console::open_dev(root)?,
        };
        let opened = console::open(&dev, spec.process.console_size)?;
        console::bind_console(&dev, &opened)?;
        terminal = Some(opened);
    }
    clock.lap("devices");
    Ok(terminal)
}
