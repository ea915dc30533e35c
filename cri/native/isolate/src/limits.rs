//! The spec's resources in the terms of the kernel crate.

use estiba_kernel::bpf::{DeviceKind, DeviceRule};
use estiba_kernel::cgroup::{Limits, LimitsError};

use crate::error::{ErrorCode, IsolateError};
use crate::host::Host;
use crate::spec::{Device, DeviceRule as SpecRule, Resources};

const STEP: &str = "cgroup-limits";

/// Devices that every container may use, and the right to make nodes of any: (kind, major, minor,
/// access). What must not be used is denied at open.
const ALWAYS: [(DeviceKind, Option<u32>, Option<u32>, &str); 9] = [
    (DeviceKind::Char, None, None, "m"),
    (DeviceKind::Block, None, None, "m"),
    (DeviceKind::Char, Some(1), Some(3), "rwm"),
    (DeviceKind::Char, Some(1), Some(5), "rwm"),
    (DeviceKind::Char, Some(1), Some(7), "rwm"),
    (DeviceKind::Char, Some(1), Some(8), "rwm"),
    (DeviceKind::Char, Some(1), Some(9), "rwm"),
    (DeviceKind::Char, Some(5), None, "rwm"),
    (DeviceKind::Char, Some(136), None, "rwm"),
];

fn invalid(message: String) -> IsolateError {
    IsolateError::invalid(STEP, message)
}

fn number(what: &str, value: Option<i64>) -> Result<Option<u32>, IsolateError> {
    match value {
        None | Some(-1) => Ok(None),
        Some(value) => u32::try_from(value)
            .map(Some)
            .map_err(|_invalid| invalid(format!("cannot use device {what} number {value}"))),
    }
}

fn rules_of(rule: &SpecRule) -> Result<Vec<DeviceRule>, IsolateError> {
    let access = if rule.access.is_empty() {
        "rwm"
    } else {
        &rule.access
    };
    if let Some(bad) = access.chars().find(|c| !"rwm".contains(*c)) {
        return Err(invalid(format!(
            "cannot use device access {access:?}: unknown letter {bad:?}"
        )));
    }
    let make = |kind| -> Result<DeviceRule, IsolateError> {
        Ok(DeviceRule {
            allow: rule.allow,
            kind,
            major: number("major", rule.major)?,
            minor: number("minor", rule.minor)?,
            read: access.contains('r'),
            write: access.contains('w'),
            mknod: access.contains('m'),
        })
    };
    match rule.kind.as_str() {
        "" | "a" => {
            let all = make(DeviceKind::All)?;
            let whole = all.major.is_none() && all.minor.is_none() && access.len() == 3;
            // The v1 files know "all" only without exceptions.
            if whole {
                return Ok(vec![all]);
            }
            Ok(vec![make(DeviceKind::Block)?, make(DeviceKind::Char)?])
        }
        "b" => Ok(vec![make(DeviceKind::Block)?]),
        "c" | "u" => Ok(vec![make(DeviceKind::Char)?]),
        other => Err(invalid(format!(
            "cannot use device type {other:?}: not one of a, b, c, u"
        ))),
    }
}

/// Everything is denied, then what the spec says, then what no container can do without. Devices of
/// `linux.devices` are the business of the spec's rules. `None` when the end is "allow everything".
pub(crate) fn device_rules(rules: &[SpecRule]) -> Result<Option<Vec<DeviceRule>>, IsolateError> {
    let all = SpecRule {
        allow: false,
        kind: "a".to_owned(),
        ..SpecRule::default()
    };
    let mut found = rules_of(&all)?;
    for rule in rules {
        found.extend(rules_of(rule)?);
    }
    if found
        .last()
        .is_some_and(|rule| rule.allow && rule.kind == DeviceKind::All)
    {
        return Ok(None);
    }
    found.extend(
        ALWAYS
            .iter()
            .map(|(kind, major, minor, access)| DeviceRule {
                allow: true,
                kind: *kind,
                major: *major,
                minor: *minor,
                read: access.contains('r'),
                write: access.contains('w'),
                mknod: access.contains('m'),
            }),
    );
    Ok(Some(found))
}

/// Limits of the container's cgroup.
pub(crate) fn limits_of(resources: &Resources) -> Result<Limits, IsolateError> {
    Ok(Limits {
        memory: resources.memory.limit,
        memory_and_swap: resources.memory.swap,
        memory_reservation: resources.memory.reservation,
        memory_swappiness: resources.memory.swappiness,
        cpu_shares: resources.cpu.shares,
        cpu_quota: resources.cpu.quota,
        cpu_period: resources.cpu.period,
        cpu_burst: resources.cpu.burst,
        cpu_idle: resources.cpu.idle,
        cpus: resources.cpu.cpus.clone(),
        mems: resources.cpu.mems.clone(),
        pids: resources.pids.limit,
        huge_pages: resources
            .hugepage_limits
            .iter()
            .map(|limit| (limit.page_size.clone(), limit.limit))
            .collect(),
        unified: resources
            .unified
            .iter()
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect(),
        devices: device_rules(&resources.devices)?,
    })
}

/// Changes the limits of a container's cgroup that are given, all of them or none; `resources` is
/// the part of that name of an OCI runtime spec. Device rules, tasks and everything that is not there
/// stay as they are. May take as long as the kernel needs to give memory back.
///
/// # Errors
/// The limit that was refused, with its file and value; `FailedPrecondition` when more is in use than
/// it allows.
pub fn update_limits(host: &Host, cgroup: &str, resources: &[u8]) -> Result<(), IsolateError> {
    let resources: Resources = serde_json::from_slice(resources)
        .map_err(|error| invalid(format!("cannot read resources: {error}")))?;
    update_resources(host, cgroup, &resources)
}

/// The same for resources that have been read.
pub(crate) fn update_resources(
    host: &Host,
    cgroup: &str,
    resources: &Resources,
) -> Result<(), IsolateError> {
    let limits = Limits {
        devices: None,
        ..limits_of(resources)?
    };
    let updated = host.cgroups.update(cgroup, &limits);
    updated.map_err(|error| limits_error(&error))
}

/// The error that users see for a limit that could not be set.
pub(crate) fn limits_error(error: &LimitsError) -> IsolateError {
    let (code, errno) = code_and_errno(error);
    let mut made = IsolateError::new(code, STEP, error.to_string());
    made.errno = errno;
    made
}

fn code_and_errno(error: &LimitsError) -> (ErrorCode, i32) {
    match error {
        LimitsError::Cgroup(inner) => {
            let known = IsolateError::kernel(STEP, "", inner.errno);
            let code = match known.errno {
                // The kernel's words for a value it does not like, and for what is in use.
                libc::EINVAL | libc::ERANGE => ErrorCode::InvalidArgument,
                libc::EBUSY => ErrorCode::FailedPrecondition,
                _ => known.code,
            };
            (code, known.errno)
        }
        LimitsError::NeedsV1(_) | LimitsError::NeedsV2(_) => (ErrorCode::Unimplemented, 0),
        LimitsError::NoController(..) | LimitsError::InUse { .. } => {
            (ErrorCode::FailedPrecondition, 0)
        }
        LimitsError::Invalid(..) => (ErrorCode::InvalidArgument, 0),
        LimitsError::HalfDone { why, .. } => (ErrorCode::Internal, code_and_errno(why).1),
    }
}

/// Checks a device node of the spec before it is made.
pub(crate) fn device_number(device: &Device) -> Result<(u32, u32), IsolateError> {
    let bad = || {
        invalid(format!(
            "cannot make device {:?}: {}:{} is not a device number",
            device.path, device.major, device.minor
        ))
    };
    let major = u32::try_from(device.major).map_err(|_invalid| bad())?;
    let minor = u32::try_from(device.minor).map_err(|_invalid| bad())?;
    Ok((major, minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_denied_by_default_and_the_usual_ones_allowed() {
        let rules = device_rules(&[]).unwrap().unwrap();
        assert!(!rules[0].allow && rules[0].kind == DeviceKind::All);
        assert!(
            rules
                .iter()
                .any(|r| r.allow && r.major == Some(1) && r.minor == Some(3))
        );
        assert!(!rules.iter().any(|r| r.allow && r.major == Some(8)));
    }

    #[test]
    fn a_privileged_spec_stays_open() {
        let all = SpecRule {
            allow: true,
            access: "rwm".to_owned(),
            ..SpecRule::default()
        };
        assert_eq!(device_rules(&[all]).unwrap(), None);
    }

    #[test]
    fn rules_that_mean_nothing_are_refused() {
        let rule = SpecRule {
            access: "rx".to_owned(),
            ..SpecRule::default()
        };
        assert!(device_rules(&[rule]).is_err());
        let rule = SpecRule {
            kind: "z".to_owned(),
            ..SpecRule::default()
        };
        assert!(device_rules(&[rule]).is_err());
        let rule = SpecRule {
            major: Some(-5),
            ..SpecRule::default()
        };
        assert!(device_rules(&[rule]).is_err());
    }
}
