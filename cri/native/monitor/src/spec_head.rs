//! What the monitor itself has to know of a container's spec.

use estiba_wire::v1::{ErrorCode, Fault};
use serde::Deserialize;

use crate::hooks::After;

#[derive(Deserialize)]
struct SpecHead {
    linux: Option<LinuxHead>,
    hooks: Option<After>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LinuxHead {
    cgroups_path: Option<String>,
    mount_label: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Head {
    pub cgroup: String,
    /// SELinux label of its files; "" = none.
    pub label: String,
    pub hooks: Option<After>,
}

pub(crate) fn head_of(spec_json: &[u8]) -> Result<Head, Fault> {
    let refuse = |why: String| {
        let message = format!("cannot read the OCI spec: {why}");
        Fault::new(ErrorCode::InvalidArgument, "spec", message)
    };
    let head: SpecHead =
        serde_json::from_slice(spec_json).map_err(|error| refuse(error.to_string()))?;
    let (path, label) = head
        .linux
        .map(|linux| (linux.cgroups_path, linux.mount_label))
        .unwrap_or_default();
    let path = path.unwrap_or_default();
    if !estiba_kernel::cgroup::is_cgroup_path(&path) {
        return Err(refuse(format!(
            "linux.cgroupsPath {path:?} is not the absolute path of a cgroup"
        )));
    }
    Ok(Head {
        cgroup: path,
        label: label.unwrap_or_default(),
        hooks: head.hooks,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cgroup_is_taken_from_the_spec_and_must_be_absolute() {
        let spec = br#"{"ociVersion":"1.1.0","linux":{"cgroupsPath":"/a/b","x":1},"process":{}}"#;
        assert_eq!(head_of(spec).unwrap().cgroup, "/a/b");
        for spec in [&br#"{"linux":{"cgroupsPath":"a"}}"#[..], b"{}", b"{", b"[]"] {
            assert_eq!(
                head_of(spec).unwrap_err().code(),
                ErrorCode::InvalidArgument
            );
        }
    }
}
