//! Sysctls of a pod or container: only those that a namespace of its own keeps apart.

use std::collections::BTreeMap;

use estiba_kernel::{Errno, userns};

use crate::error::{ErrorCode, IsolateError};
use crate::host_proc::Procfs;
use crate::ids::Ids;

const STEP: &str = "sysctl";

/// Which own namespaces there are.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Own {
    pub network: bool,
    pub ipc: bool,
}

const IPC_KEYS: [&str; 9] = [
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
    "kernel.msg_next_id",
];

/// What a pod with its own network namespace starts from; in a user namespace its groups may ping.
const NETWORK_DEFAULTS: [(&str, &str); 2] = [
    ("net.ipv4.ip_unprivileged_port_start", "0"),
    (PING_GROUPS, "0 2147483647"),
];
const PING_GROUPS: &str = "net.ipv4.ping_group_range";
/// The largest group that the range may name.
const LAST_PING_GROUP: u32 = i32::MAX as u32;

/// The path below /proc/sys. Keys are written with dots, or with slashes where a name holds dots.
fn path_of(key: &str) -> Option<String> {
    let good = |c: char| c.is_ascii_alphanumeric() || "_-./:@".contains(c);
    if key.is_empty() || !key.chars().all(good) {
        return None;
    }
    let first_separator = key.find(['.', '/'])?;
    let path = if key
        .get(first_separator..)
        .is_some_and(|rest| rest.starts_with('/'))
    {
        key.to_owned()
    } else {
        // In dotted keys a slash stands for a dot inside a name, as sysctl(8) has it.
        key.chars()
            .map(|c| {
                if c == '.' {
                    '/'
                } else if c == '/' {
                    '.'
                } else {
                    c
                }
            })
            .collect()
    };
    let names_ok = path
        .split('/')
        .all(|name| !name.is_empty() && name != "." && name != "..");
    names_ok.then_some(path)
}

fn check(key: &str, value: &str, own: Own) -> Result<String, IsolateError> {
    let refuse = |why: &str| {
        IsolateError::invalid(
            STEP,
            format!("cannot set sysctl {key:?} to {value:?}: {why}"),
        )
    };
    let path = path_of(key).ok_or_else(|| refuse("this is not the name of a sysctl"))?;
    if value.contains(['\n', '\0']) {
        return Err(refuse("the value holds a line end or NUL"));
    }
    let dotted = path.replace('/', ".");
    let (has, namespace) = if dotted.starts_with("net.") {
        (own.network, "network")
    } else if dotted.starts_with("fs.mqueue.") || IPC_KEYS.contains(&dotted.as_str()) {
        (own.ipc, "ipc")
    } else {
        return Err(refuse(
            "it belongs to no namespace and would change the host",
        ));
    };
    if has {
        Ok(path)
    } else {
        Err(refuse(&format!("the {namespace} namespace is the host's")))
    }
}

/// Writes the sysctls (and, with `defaults`, those of a new pod network) in the namespaces that the
/// caller is in. /proc is still the host's.
pub(crate) fn apply(
    sysctls: &BTreeMap<String, String>,
    own: Own,
    ids: &Ids,
    defaults: bool,
) -> Result<(), IsolateError> {
    let mut writes = Vec::new();
    for (key, value) in sysctls {
        let path = check(key, value, own)?;
        let value = if path.replace('/', ".") == PING_GROUPS {
            ping_groups(value, ids)?
        } else {
            value.clone()
        };
        writes.push((key.as_str(), path, value, true));
    }
    if defaults && own.network {
        for (key, value) in NETWORK_DEFAULTS {
            let path = key.replace('.', "/");
            if !writes.iter().any(|(_, other, ..)| *other == path) {
                let value = if key == PING_GROUPS {
                    all_ping_groups(ids).unwrap_or_else(|| value.to_owned())
                } else {
                    value.to_owned()
                };
                writes.push((key, path, value, false));
            }
        }
    }
    for (key, path, value, required) in writes {
        match write_one(&path, &value, ids)? {
            Ok(()) => {}
            // A default that this kernel does not have, or that this host keeps out of reach, is no
            // reason to fail.
            Err(Errno::NOENT | Errno::XDEV) if !required => {}
            Err(errno) => return Err(failed(key, &value, errno)),
        }
    }
    Ok(())
}

fn failed(key: &str, value: &str, errno: Errno) -> IsolateError {
    let action = format!("set sysctl {key:?} to {value:?}");
    let mut error = IsolateError::kernel(STEP, &action, errno);
    match errno {
        Errno::INVAL | Errno::NOENT => error.code = ErrorCode::InvalidArgument,
        Errno::XDEV => {
            error.code = ErrorCode::FailedPrecondition;
            error.message = format!(
                "cannot {action}: something is mounted over it in /proc, and no other procfs can be made here"
            );
        }
        _ => {}
    }
    error
}

/// The range as the host counts groups: this process is not in the user namespace.
fn ping_groups(value: &str, ids: &Ids) -> Result<String, IsolateError> {
    let mut ends = value.split_ascii_whitespace().map(str::parse::<u32>);
    let (Some(Ok(first)), Some(Ok(last)), None) = (ends.next(), ends.next(), ends.next()) else {
        // The kernel's to refuse.
        return Ok(value.to_owned());
    };
    if !ids.are_mapped() || first > last {
        return Ok(value.to_owned());
    }
    match (ids.gid(first), ids.gid(last)) {
        (Some(low), Some(high)) if low <= high => Ok(format!("{low} {high}")),
        _ => {
            let message = format!(
                "cannot set sysctl {PING_GROUPS:?} to {value:?}: these are not groups of the pod's user namespace"
            );
            Err(IsolateError::invalid(STEP, message))
        }
    }
}

/// All groups of the first range of the user namespace, as far as the sysctl can name them.
fn all_ping_groups(ids: &Ids) -> Option<String> {
    let range = ids.gids.first()?;
    let last = range.outside.saturating_add(range.length.saturating_sub(1));
    Some(format!("{} {}", range.outside, last.min(LAST_PING_GROUP)))
}

/// The outer error is not of the sysctl.
fn write_one(path: &str, value: &str, ids: &Ids) -> Result<Result<(), Errno>, IsolateError> {
    let path = format!("sys/{path}");
    let mut proc = Procfs::of_host();
    let write =
        |proc: &Result<Procfs, Errno>| proc.as_ref().map_err(|errno| *errno)?.write(&path, value);
    let mut result = write(&proc);
    if result == Err(Errno::XDEV) {
        proc = Procfs::detached().map_err(|_refused| Errno::XDEV);
        result = write(&proc);
    }
    if ids.are_mapped() && result == Err(Errno::ACCESS) {
        // Newer kernels take those of an ipc namespace from its own root only.
        let (uid, gid) = ids.root()?;
        result = userns::as_root_of(uid, gid, || write(&proc));
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    #![allow(unsafe_code, reason = "fork point")]

    use super::*;
    use estiba_kernel::spawn;
    use rustix::mount::{MountPropagationFlags, mount_bind, mount_change};
    use std::panic::catch_unwind;

    const BOTH: Own = Own {
        network: true,
        ipc: true,
    };

    #[test]
    fn keys_become_paths_below_proc_sys() {
        assert_eq!(
            path_of("net.core.somaxconn").as_deref(),
            Some("net/core/somaxconn")
        );
        assert_eq!(
            path_of("net/ipv4/conf/eth0.1/x").as_deref(),
            Some("net/ipv4/conf/eth0.1/x")
        );
        assert_eq!(
            path_of("net.ipv4.conf.eth0/1.x").as_deref(),
            Some("net/ipv4/conf/eth0.1/x")
        );
        for bad in [
            "",
            "net",
            "net..x",
            "net.//.x",
            "net. x",
            "net/../kernel/core_pattern",
        ] {
            assert_eq!(path_of(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn only_sysctls_of_own_namespaces_pass() {
        assert!(check("net.core.somaxconn", "1", BOTH).is_ok());
        assert!(check("fs.mqueue.msg_max", "1", BOTH).is_ok());
        assert!(
            check(
                "kernel.shmmax",
                "1",
                Own {
                    network: true,
                    ipc: false
                }
            )
            .is_err()
        );
        assert!(
            check(
                "net.core.somaxconn",
                "1",
                Own {
                    network: false,
                    ipc: true
                }
            )
            .is_err()
        );
        for key in [
            "kernel.core_pattern",
            "vm.swappiness",
            "kernel.hostname",
            "kernel.shm",
        ] {
            let error = check(key, "1", BOTH).unwrap_err();
            assert!(error.message.contains(key), "{error}");
        }
    }

    #[test]
    fn groups_that_may_ping_are_counted_as_the_host_does() {
        let range = estiba_kernel::userns::Range {
            inside: 0,
            outside: 100_000,
            length: 65_536,
        };
        let ids = Ids {
            uids: vec![range],
            gids: vec![range],
        };
        assert_eq!(ping_groups("5 10", &ids).unwrap(), "100005 100010");
        assert_eq!(ping_groups("1 0", &ids).unwrap(), "1 0");
        assert_eq!(ping_groups("0 7", &Ids::default()).unwrap(), "0 7");
        assert!(ping_groups("0 2147483647", &ids).is_err());
        assert_eq!(all_ping_groups(&ids).unwrap(), "100000 165535");
        assert_eq!(all_ping_groups(&Ids::default()), None);
    }

    /// In namespaces of its own, where something is mounted over the sysctls of the network and no
    /// procfs can be made, as in a container that is the host of ours.
    #[test]
    fn a_default_that_the_host_keeps_out_of_reach_is_left_and_what_is_asked_is_refused() {
        use estiba_kernel::caps::{self, CapSet};
        let set = |wanted: &[(&str, &str)]| {
            let one = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
            apply(
                &wanted.iter().map(one).collect(),
                BOTH,
                &Ids::default(),
                true,
            )
        };
        let work = || {
            spawn::unshare(libc::CLONE_NEWNS | libc::CLONE_NEWNET).unwrap();
            let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
            mount_change("/", private).unwrap();
            mount_bind("/proc/sys/net", "/proc/sys/net").unwrap();
            let few = CapSet::from_names(&["CAP_NET_ADMIN"]).unwrap();
            caps::set(few, few, CapSet::default()).unwrap();
            set(&[]).unwrap();
            let error = set(&[("net.core.somaxconn", "7")]).unwrap_err();
            assert_eq!(error.code, ErrorCode::FailedPrecondition);
            let start =
                "cannot set sysctl \"net.core.somaxconn\" to \"7\": something is mounted over it";
            assert!(error.message.starts_with(start), "{error}");
        };
        // SAFETY: the child ends in exit_now.
        match unsafe { spawn::clone3(&spawn::Clone::default()) }.unwrap() {
            spawn::Side::Child => {
                let is_good = catch_unwind(work).is_ok();
                spawn::exit_now(i32::from(!is_good))
            }
            spawn::Side::Parent { pidfd, .. } => {
                let ended = spawn::wait_pidfd(&pidfd, true).unwrap();
                assert_eq!(ended, Some(spawn::Ended::Exited(0)));
            }
        }
    }

    #[test]
    fn values_cannot_carry_a_second_line() {
        assert!(check("net.core.somaxconn", "1\nkernel.core_pattern=x", BOTH).is_err());
    }
}
