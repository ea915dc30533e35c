//! What a spec must not ask for, and values that cannot work.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::error::IsolateError;
use crate::hooks::Hooks;
use crate::spec::{STEP, Spec};

const NAMESPACES: [&str; 8] = [
    "pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time",
];

/// Whether an optional JSON value holds anything.
pub(crate) fn is_set(value: Option<&serde_json::Value>) -> bool {
    match value {
        None | Some(serde_json::Value::Null) => false,
        Some(serde_json::Value::Object(map)) => !map.is_empty(),
        Some(serde_json::Value::Array(list)) => !list.is_empty(),
        Some(_) => true,
    }
}

fn first_twice<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen = Vec::new();
    for name in names {
        if seen.contains(&name) {
            return Some(name);
        }
        seen.push(name);
    }
    None
}

fn is_filled<T>(list: &Option<Vec<T>>) -> bool {
    list.as_ref().is_some_and(|list| !list.is_empty())
}

impl Spec {
    /// Refuses what would otherwise be ignored silently, and values that cannot work.
    pub(crate) fn check(&self) -> Result<(), IsolateError> {
        self.check_unsupported()?;
        self.hooks.as_ref().map_or(Ok(()), Hooks::check)?;
        let invalid = |message: String| Err(IsolateError::invalid(STEP, message));
        if !self.oci_version.starts_with("1.") {
            return invalid(format!(
                "cannot use OCI runtime spec: version {:?} is not 1.x",
                self.oci_version
            ));
        }
        if self.process.args.is_empty() {
            return invalid("cannot create container: process.args is empty".to_owned());
        }
        if !self.process.cwd.starts_with('/') {
            return invalid(format!(
                "cannot create container: working directory {:?} is not absolute",
                self.process.cwd
            ));
        }
        let args = self.process.args.iter().map(OsStr::new);
        let env = self.process.env.iter().map(OsString::as_os_str);
        for text in args.chain(env) {
            if text.as_bytes().contains(&0) {
                return invalid(format!(
                    "cannot create container: {text:?} holds a NUL byte"
                ));
            }
        }
        if let Some(unknown) = self
            .linux
            .namespaces
            .iter()
            .find(|namespace| !NAMESPACES.contains(&namespace.kind.as_str()))
        {
            return invalid(format!(
                "cannot create container: namespace type {:?} is not known",
                unknown.kind
            ));
        }
        let kinds = self.linux.namespaces.iter().map(|one| one.kind.as_str());
        if let Some(twice) = first_twice(kinds) {
            return invalid(format!(
                "cannot create container: linux.namespaces has {twice:?} twice"
            ));
        }
        let limits = self.process.rlimits.iter().map(|one| one.kind.as_str());
        if let Some(twice) = first_twice(limits) {
            return invalid(format!(
                "cannot create container: process.rlimits has {twice:?} twice"
            ));
        }
        if self.linux.cgroups_path.contains(':') && !self.linux.cgroups_path.starts_with('/') {
            return invalid(format!(
                "cannot create container: linux.cgroupsPath {:?} is for the systemd cgroup driver",
                self.linux.cgroups_path
            ));
        }
        if self
            .linux
            .namespace("mount")
            .is_none_or(|ns| !ns.path.is_empty())
        {
            return invalid(
                "cannot create container: linux.namespaces must hold a new mount namespace"
                    .to_owned(),
            );
        }
        Ok(())
    }

    fn check_unsupported(&self) -> Result<(), IsolateError> {
        let linux = &self.linux;
        let resources = &linux.resources;
        let process = &self.process;
        let features: [(&str, bool); 16] = [
            ("Intel RDT", is_set(linux.intel_rdt.as_ref())),
            ("personality", is_set(linux.personality.as_ref())),
            ("process.scheduler", is_set(process.scheduler.as_ref())),
            ("process.ioPriority", is_set(process.io_priority.as_ref())),
            (
                "process.execCPUAffinity",
                is_set(process.exec_cpu_affinity.as_ref()),
            ),
            ("linux.netDevices", is_set(linux.net_devices.as_ref())),
            ("linux.memoryPolicy", is_set(linux.memory_policy.as_ref())),
            (
                "joining a cgroup namespace",
                linux
                    .namespace("cgroup")
                    .is_some_and(|namespace| !namespace.path.is_empty()),
            ),
            ("time namespaces", linux.namespace("time").is_some()),
            (
                "uidMappings without a user namespace",
                linux.namespace("user").is_none() && is_filled(&linux.uid_mappings),
            ),
            (
                "a user namespace without uidMappings and gidMappings",
                linux.namespace("user").is_some()
                    && !(is_filled(&linux.uid_mappings) && is_filled(&linux.gid_mappings)),
            ),
            ("resources.blockIO", is_set(resources.block_io.as_ref())),
            ("resources.network", is_set(resources.network.as_ref())),
            ("resources.rdma", is_set(resources.rdma.as_ref())),
            (
                "resources.memory.disableOOMKiller",
                resources.memory.disable_oom_killer == Some(true),
            ),
            (
                "resources.cpu.realtime*",
                resources.cpu.realtime_runtime.is_some_and(|us| us != 0)
                    || resources.cpu.realtime_period.is_some_and(|us| us != 0),
            ),
        ];
        match features.iter().find(|(_, used)| *used) {
            Some((feature, _)) => Err(IsolateError::unimplemented(STEP, feature)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    fn minimal() -> serde_json::Value {
        serde_json::json!({
            "ociVersion": "1.0.2",
            "process": {"args": ["/bin/true"], "cwd": "/", "futureField": 1},
            "linux": {"namespaces": [{"type": "mount"}]},
        })
    }

    fn parse(value: &serde_json::Value) -> Result<Spec, IsolateError> {
        Spec::parse(value.to_string().as_bytes())
    }

    #[test]
    fn unknown_fields_are_tolerated() {
        assert_eq!(parse(&minimal()).unwrap().process.args, ["/bin/true"]);
    }

    #[test]
    fn what_cannot_be_honoured_yet_is_refused_by_name() {
        let mut spec = minimal();
        spec["process"]["scheduler"] = serde_json::json!({"policy": "SCHED_FIFO"});
        let error = parse(&spec).unwrap_err();
        assert_eq!(error.code, ErrorCode::Unimplemented);
        assert!(error.message.contains("scheduler"), "{error}");
    }

    #[test]
    fn namespaces_that_cannot_be_had_are_refused_by_name() {
        let refusal = |namespace: serde_json::Value| {
            let mut spec = minimal();
            spec["linux"]["namespaces"] = serde_json::json!([{"type": "mount"}, namespace]);
            parse(&spec).unwrap_err().message
        };
        for (namespace, name) in [
            (
                serde_json::json!({"type": "user"}),
                "a user namespace without uidMappings",
            ),
            (serde_json::json!({"type": "neetwork"}), "\"neetwork\""),
            (
                serde_json::json!({"type": "cgroup", "path": "/proc/1/ns/cgroup"}),
                "joining a cgroup namespace",
            ),
        ] {
            let message = refusal(namespace);
            assert!(message.contains(name), "{message}");
        }
    }

    #[test]
    fn values_that_cannot_work_are_quoted() {
        let mut spec = minimal();
        spec["hooks"] = serde_json::json!({"poststop": [{"path": "true"}]});
        let error = parse(&spec).unwrap_err();
        assert!(error.message.contains("poststop hook \"true\""), "{error}");
        let mut spec = minimal();
        spec["process"]["cwd"] = "work".into();
        let error = parse(&spec).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument);
        assert!(error.message.contains("\"work\""), "{error}");
    }
}
