//! Which devices a cgroup may use: files in v1, a BPF program in v2.

use std::path::Path;

use super::limits::LimitsError;
use super::{CgroupError, write_value};
use crate::bpf::{self, DeviceKind, DeviceRule};

pub(super) fn v1_devices(dir: &Path, rules: &[DeviceRule]) -> Result<(), LimitsError> {
    for rule in rules {
        let file = dir.join(if rule.allow {
            "devices.allow"
        } else {
            "devices.deny"
        });
        write_value(&file, &v1_rule(rule))?;
    }
    Ok(())
}

fn v1_rule(rule: &DeviceRule) -> String {
    let number = |number: Option<u32>| number.map_or("*".to_owned(), |number| number.to_string());
    let kind = match rule.kind {
        DeviceKind::All => return "a".to_owned(),
        DeviceKind::Block => 'b',
        DeviceKind::Char => 'c',
    };
    let mut access = String::new();
    for (wanted, letter) in [(rule.read, 'r'), (rule.write, 'w'), (rule.mknod, 'm')] {
        if wanted {
            access.push(letter);
        }
    }
    format!(
        "{kind} {}:{} {access}",
        number(rule.major),
        number(rule.minor)
    )
}

pub(super) fn v2_devices(dir: &Path, rules: &[DeviceRule]) -> Result<(), LimitsError> {
    use rustix::fs::{Mode, OFlags};
    let fail = |errno| CgroupError::new("attach device rules to", dir, errno);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let cgroup = rustix::fs::open(dir, flags, Mode::empty()).map_err(fail)?;
    bpf::attach_device_rules(&cgroup, rules, false).map_err(fail)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_rules_read_as_the_v1_files_want_them() {
        let rule = DeviceRule {
            allow: true,
            kind: DeviceKind::Char,
            major: Some(1),
            minor: None,
            read: true,
            write: false,
            mknod: true,
        };
        assert_eq!(v1_rule(&rule), "c 1:* rm");
        assert_eq!(
            v1_rule(&DeviceRule {
                kind: DeviceKind::All,
                ..rule
            }),
            "a"
        );
    }
}
