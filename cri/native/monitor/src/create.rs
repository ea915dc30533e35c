//! From a request to a parked init.

use std::fs::DirBuilder;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use estiba_isolate::{CreateRequest, Created, Parking, PidTarget, Rootfs};
use estiba_wire::v1::{self, ErrorCode, Fault};
use rustix::io::Errno;
use rustix::pipe::PipeFlags;

use crate::client::Address;
use crate::container::{Container, Init, Phase, Stream};
use crate::convert;
use crate::log::{LogFile, Splitter, StreamName};
use crate::monitor::{Answer, Monitor};
use crate::poller::{Key, Source};
use crate::record::container_dir;
use crate::spec_head::{Head, head_of};
use crate::timestamp;

const DEFAULT_DEADLINE: Duration = Duration::from_secs(110);

/// What is passed to the container, and what stays with us.
struct Stdio {
    child: [Option<OwnedFd>; 3],
    stdin: Option<OwnedFd>,
    outputs: Vec<(OwnedFd, StreamName)>,
}

impl Monitor {
    pub(crate) fn create_container(
        &mut self,
        from: Address,
        request: &v1::CreateContainer,
    ) -> Result<(), Fault> {
        let id = request.container_id.clone();
        self.check_new(&id)?;
        let Head {
            cgroup,
            label,
            hooks,
        } = head_of(&request.spec_json)?;
        let rootfs = request
            .rootfs
            .as_ref()
            .filter(|rootfs| !rootfs.lower_dirs.is_empty());
        let rootfs = rootfs.ok_or_else(|| invalid(&id, "it has no lower_dirs"))?;
        let writable_dir = PathBuf::from(&rootfs.writable_dir);
        if !writable_dir.is_absolute() {
            return Err(invalid(&id, "its writable_dir is not absolute"));
        }
        let directory = container_dir(&self.identity.pod_dir, &id);
        make_directory(&directory)?;
        let key = self.new_key();
        let mut container = Container::new(id, cgroup, writable_dir);
        container.create_reply = Some(from);
        // Another program runs those of its containers itself.
        container.after = hooks.filter(|_| self.program.is_none()).unwrap_or_default();
        container.seccomp = request.seccomp.clone().map(convert::seccomp_filter);
        container.mount_label = label;
        container.shares_pids = !request.pid_target_container_id.is_empty();
        self.share_pids(&request.pid_target_container_id);
        self.containers.insert(key, container);
        // On disk before anything exists that would have to be cleaned up.
        let begun = self
            .write_state()
            .and_then(|()| self.begin(key, request, &directory));
        if let Err(fault) = begun {
            self.make_wreck(key, fault);
        }
        Ok(())
    }

    fn check_new(&self, id: &str) -> Result<(), Fault> {
        let is_id = id.len() == 64
            && id
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if !is_id {
            return Err(invalid(id, "its id is not 64 lower-case hex digits"));
        }
        if self.release.is_some() || self.is_taken_down {
            let message = format!("cannot create container {id:?}: the pod is being released");
            return Err(Fault::new(ErrorCode::FailedPrecondition, "create", message));
        }
        if self.find(id).is_ok() {
            let message = format!("cannot create container {id:?}: it exists");
            return Err(Fault::new(ErrorCode::AlreadyExists, "create", message));
        }
        Ok(())
    }

    /// A pipe (read end, write end) for a container's program, or a command in the container.
    pub(crate) fn pipe_for(&self, key: Key) -> Result<(OwnedFd, OwnedFd), Fault> {
        let labelled = self.containers.get(&key);
        match labelled.filter(|container| !container.mount_label.is_empty()) {
            Some(container) => {
                estiba_isolate::labelled_pipe(&container.mount_label).map_err(convert::fault)
            }
            None => rustix::pipe::pipe_with(PipeFlags::CLOEXEC).map_err(errno_fault),
        }
    }

    /// Writes the pod's state record with all cgroups that there are.
    pub(crate) fn write_state(&self) -> Result<(), Fault> {
        let own = self.namespaces.init_cgroup.clone();
        let containers = self
            .containers
            .values()
            .map(|container| container.cgroup.clone());
        self.identity
            .write_state(own.into_iter().chain(containers).collect())
    }

    fn begin(
        &mut self,
        key: Key,
        request: &v1::CreateContainer,
        directory: &Path,
    ) -> Result<(), Fault> {
        let stdio = request.stdio.clone().unwrap_or_default();
        let log = match stdio.log_path.as_str() {
            "" => None,
            path => Some(LogFile::open(
                Path::new(path),
                Path::new(&stdio.log_directory),
            )?),
        };
        let Stdio {
            child: [stdin, stdout, stderr],
            stdin: kept_stdin,
            outputs,
        } = make_stdio(&stdio, || self.pipe_for(key))?;
        if let Some(container) = self.containers.get_mut(&key) {
            container.log = log;
            container.stdin = kept_stdin;
            for (index, (pipe, name)) in outputs.into_iter().enumerate() {
                let pipe = self.poller.watch(pipe, Source::Output(key, index))?;
                container.streams.push(Stream {
                    pipe: Some(pipe),
                    splitter: Splitter::new(name),
                });
            }
        }
        let target = self.pid_target(&request.pid_target_container_id)?;
        let target_process = target.map(|init| PidTarget {
            pid: init.pid,
            start_time_ticks: init.start_time_ticks,
        });
        let rootfs = request.rootfs.clone().unwrap_or_default();
        let config_path = directory.join("config.json");
        let create = CreateRequest {
            id: &request.container_id,
            bundle: directory,
            spec_json: &request.spec_json,
            rootfs: Rootfs::Overlay {
                lower_dirs: rootfs.lower_dirs.into_iter().map(PathBuf::from).collect(),
                writable_dir: rootfs.writable_dir.into(),
                volatile: rootfs.volatile,
            },
            seccomp: request.seccomp.clone().map(convert::seccomp_filter),
            user: request.user.clone().map(convert::user_request),
            stdin,
            stdout,
            stderr,
            tty: stdio.tty,
            pod: Some(&self.namespaces),
            pid_target: target.map(|init| init.pidfd.as_fd()),
            config_path: Some(&config_path),
            legacy_mounts: self.legacy_mounts,
            parking: Parking::Control,
        };
        let building = match &self.program {
            None => estiba_isolate::spawn_create(&self.host, create),
            Some(program) => {
                let id = &request.container_id;
                estiba_isolate::spawn_shim(&self.host, create, program, id, target_process)
            }
        };
        let building = building.map_err(convert::fault)?;
        let construction = self.adopt(building, Source::Control(key), Some(key))?;
        let patience = match request.deadline_ms {
            0 => DEFAULT_DEADLINE,
            milliseconds => Duration::from_millis(milliseconds),
        };
        if let Some(container) = self.containers.get_mut(&key) {
            container.construction = Some(construction);
            container.build_deadline = Instant::now().checked_add(patience);
        }
        Ok(())
    }

    /// From now on a neighbour may look into what is run in this container.
    fn share_pids(&mut self, id: &str) {
        if let Some(target) = self
            .find(id)
            .ok()
            .and_then(|key| self.containers.get_mut(&key))
        {
            target.shares_pids = true;
        }
    }

    fn pid_target(&self, id: &str) -> Result<Option<&Init>, Fault> {
        if id.is_empty() {
            return Ok(None);
        }
        let target = self.find(id).ok().and_then(|key| self.containers.get(&key));
        // A parked init still has rights that a neighbour must not get at.
        let running = target.filter(|container| container.phase == Phase::Running);
        match running.and_then(|container| container.init.as_ref()) {
            Some(init) => Ok(Some(init)),
            None => {
                let message = format!(
                    "cannot join the pid namespace of container {id:?}: it is not running in this pod"
                );
                Err(Fault::new(
                    ErrorCode::FailedPrecondition,
                    "pid-target",
                    message,
                ))
            }
        }
    }

    /// The container is built and parked.
    pub(crate) fn container_created(&mut self, key: Key, created: Created) {
        let taken = self.take_over(key, created);
        match taken {
            Ok((reply_to, answer)) => {
                if let Some(address) = reply_to {
                    self.answer(address, Answer::ContainerCreated(answer));
                }
                self.watch_oom(key);
            }
            Err(fault) => self.make_wreck(key, fault),
        }
    }

    fn take_over(
        &mut self,
        key: Key,
        created: Created,
    ) -> Result<(Option<Address>, v1::ContainerCreated), Fault> {
        let init = Init {
            pid: created.pid,
            start_time_ticks: estiba_kernel::process::start_time_ticks(created.pid).unwrap_or(0),
            pidfd: self.watch_process(created.pidfd, Source::Init(key), Some(key))?,
            is_killed: false,
        };
        let Some(container) = self.containers.get_mut(&key) else {
            return Err(crate::monitor::no_container(""));
        };
        container.init = Some(init);
        if let Some(console) = created.console {
            rustix::io::ioctl_fionbio(&console, true).map_err(errno_fault)?;
            container.streams.push(Stream {
                pipe: Some(self.poller.watch(console, Source::Output(key, 0))?),
                splitter: Splitter::new(StreamName::Stdout),
            });
        }
        container.phase = Phase::Created;
        container.build_deadline = None;
        container.created_at_ns = timestamp::now_ns();
        container.user = created.user.unwrap_or_default();
        let answer = v1::ContainerCreated {
            pid: created.pid,
            user: Some(convert::resolved_user(&container.user)),
            created_at_ns: container.created_at_ns,
            steps: convert::steps(created.steps),
        };
        Ok((container.create_reply.take(), answer))
    }
}

fn make_directory(directory: &Path) -> Result<(), Fault> {
    DirBuilder::new()
        .mode(0o700)
        .create(directory)
        .map_err(|error| {
            let what = format!("cannot make directory {directory:?}");
            Fault::from_io("mkdir", &what, &error)
        })
}

fn make_stdio(
    stdio: &v1::Stdio,
    pipe: impl Fn() -> Result<(OwnedFd, OwnedFd), Fault>,
) -> Result<Stdio, Fault> {
    let mut made = Stdio {
        child: [None, None, None],
        stdin: None,
        outputs: Vec::new(),
    };
    if stdio.tty {
        return Ok(made);
    }
    let [child_stdin, child_stdout, child_stderr] = &mut made.child;
    if stdio.stdin {
        let (read, write) = pipe()?;
        (*child_stdin, made.stdin) = (Some(read), Some(write));
    }
    if !stdio.log_path.is_empty() {
        let names = [
            (child_stdout, StreamName::Stdout),
            (child_stderr, StreamName::Stderr),
        ];
        for (child, name) in names {
            let (read, write) = pipe()?;
            rustix::io::ioctl_fionbio(&read, true).map_err(errno_fault)?;
            *child = Some(write);
            made.outputs.push((read, name));
        }
    }
    Ok(made)
}

fn errno_fault(errno: Errno) -> Fault {
    let what = "cannot make the container's standard streams";
    Fault::from_errno("stdio", what, errno.raw_os_error())
}

fn invalid(id: &str, why: &str) -> Fault {
    let message = format!("cannot create container {id:?}: {why}");
    Fault::new(ErrorCode::InvalidArgument, "check", message)
}
