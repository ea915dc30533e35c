//! What the monitor itself has to know of a container's spec.

use std::borrow::Cow;

use estiba_wire::v1::{ErrorCode, Fault};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::hooks::After;

#[derive(Deserialize)]
struct SpecHead<'a> {
    #[serde(borrow)]
    linux: Option<LinuxHead<'a>>,
    hooks: Option<After>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LinuxHead<'a> {
    cgroups_path: Option<String>,
    mount_label: Option<String>,
    #[serde(borrow)]
    seccomp: Option<&'a RawValue>,
}

/// A spec with null for its seccomp profile, which is long, and read by nobody where the filter has
/// been compiled: not when the container is built, and not for any of its execs.
pub(crate) fn without<'a>(spec_json: &'a [u8], profile: Option<&RawValue>) -> Cow<'a, [u8]> {
    let Some(profile) = profile.map(RawValue::get) else {
        return Cow::Borrowed(spec_json);
    };
    // It is a part of the text that it was read from.
    let start = profile.as_ptr().addr() - spec_json.as_ptr().addr();
    match (
        spec_json.get(..start),
        spec_json.get(start + profile.len()..),
    ) {
        (Some(before), Some(behind)) => Cow::Owned([before, b"null", behind].concat()),
        _ => Cow::Borrowed(spec_json),
    }
}

#[derive(Debug)]
pub(crate) struct Head<'a> {
    pub cgroup: String,
    /// SELinux label of its files; "" = none.
    pub label: String,
    pub hooks: Option<After>,
    /// seccomp.
    pub profile: Option<&'a RawValue>,
}

pub(crate) fn head_of(spec_json: &[u8]) -> Result<Head<'_>, Fault> {
    let refuse = |why: String| {
        let message = format!("cannot read the OCI spec: {why}");
        Fault::new(ErrorCode::InvalidArgument, "spec", message)
    };
    let head: SpecHead<'_> =
        serde_json::from_slice(spec_json).map_err(|error| refuse(error.to_string()))?;
    let (path, label, profile) = head
        .linux
        .map(|linux| (linux.cgroups_path, linux.mount_label, linux.seccomp))
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
        profile,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_of_a_compiled_filter_is_not_handed_on() {
        let spec =
            br#"{"linux":{"cgroupsPath":"/a","seccomp": {"x":[1, "}"]} ,"y":1},"process":{}}"#;
        let profile = head_of(spec).unwrap().profile;
        let handed = without(spec, profile);
        let expected = r#"{"linux":{"cgroupsPath":"/a","seccomp": null ,"y":1},"process":{}}"#;
        assert_eq!(std::str::from_utf8(&handed).unwrap(), expected);
        let profile = head_of(&handed).unwrap().profile;
        assert!(profile.is_none());
        assert_eq!(without(&handed, profile), handed);
    }

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
