//! Hooks of the OCI runtime spec: programs of the host (startContainer: of the container) that are run
//! at six moments of a container's life, with its state on their standard input.
//!
//! | kind | who runs it | where |
//! |---|---|---|
//! | prestart, createRuntime | the builder, before the root is changed | the runtime's namespaces |
//! | createContainer | the same, afterwards | the container's, but for its user namespace |
//! | startContainer | the init, between "go" and the program | the container, as its user |
//! | poststart, poststop | whoever starts and deletes | the runtime's namespaces |

mod after;
mod child;
mod link;
mod run;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use after::after;
pub use after::{poststart, poststop};
pub(crate) use link::{Link, Serving, link, serve};
pub(crate) use run::{Place, run_all};

use crate::error::IsolateError;
use crate::oci::{SPEC_VERSION, Status};
use crate::spec::Spec;

const STEP: &str = "hooks";
/// For a hook that names no timeout.
const PATIENCE: Duration = Duration::from_secs(60);

/// The spec's hooks, by their kinds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Hooks {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prestart: Vec<Hook>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub create_runtime: Vec<Hook>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub create_container: Vec<Hook>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub start_container: Vec<Hook>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub poststart: Vec<Hook>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub poststop: Vec<Hook>,
}

/// One program to run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Hook {
    pub path: String,
    pub args: Vec<String>,
    /// All that it gets.
    pub env: Vec<String>,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i64>,
    /// Not the OCI spec's: the device that brings it, for errors.
    #[serde(rename = "estibaDevice", skip_serializing_if = "String::is_empty")]
    pub device: String,
}

/// Names of all kinds, as the OCI runtime spec writes them, in their order.
pub const KINDS: [&str; 6] = [
    "prestart",
    "createRuntime",
    "createContainer",
    "startContainer",
    "poststart",
    "poststop",
];

impl Hooks {
    fn by_kind(&self) -> [&[Hook]; 6] {
        [
            &self.prestart,
            &self.create_runtime,
            &self.create_container,
            &self.start_container,
            &self.poststart,
            &self.poststop,
        ]
    }

    /// Whether there is anything to run while the container is created.
    pub(crate) fn are_for_create(&self) -> bool {
        self.of_create().next().is_some()
    }

    fn of_create(&self) -> impl Iterator<Item = &Hook> {
        let runtime = self.prestart.iter().chain(&self.create_runtime);
        runtime.chain(&self.create_container)
    }

    /// The most that the hooks of a creation may take.
    pub(crate) fn create_time(&self) -> Duration {
        self.of_create().map(Hook::patience).sum()
    }

    /// The same for those of a start.
    pub(crate) fn start_time(&self) -> Duration {
        self.start_container.iter().map(Hook::patience).sum()
    }

    /// What hangs when one of them does.
    fn names(&self) -> String {
        let names: Vec<String> = self
            .of_create()
            .map(|hook| format!("{:?}", hook.path))
            .collect();
        format!("hooks {}", names.join(", "))
    }

    /// Refuses what cannot work.
    pub(crate) fn check(&self) -> Result<(), IsolateError> {
        for (kind, hooks) in KINDS.iter().zip(self.by_kind()) {
            for hook in hooks {
                hook.check(kind)?;
            }
        }
        Ok(())
    }
}

impl Hook {
    fn patience(&self) -> Duration {
        let given = self.timeout.and_then(|seconds| u32::try_from(seconds).ok());
        given.map_or(PATIENCE, |seconds| Duration::from_secs(seconds.into()))
    }

    fn check(&self, kind: &str) -> Result<(), IsolateError> {
        let refuse = |why: &str| {
            let message = format!("cannot use {kind} hook {:?}: {why}", self.path);
            Err(IsolateError::invalid(STEP, message))
        };
        if !self.path.starts_with('/') {
            return refuse("its path is not absolute");
        }
        let mut texts = self.args.iter().chain(&self.env).chain([&self.path]);
        if texts.any(|text| text.contains('\0')) {
            return refuse("it holds a NUL byte");
        }
        match self.timeout {
            Some(seconds) if seconds <= 0 => {
                refuse(&format!("its timeout of {seconds} s is not above 0"))
            }
            _ => Ok(()),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct State<'a> {
    oci_version: &'a str,
    id: &'a str,
    status: Status,
    pid: i32,
    bundle: &'a Path,
    annotations: &'a BTreeMap<String, String>,
}

/// The state that hooks are told, as JSON. `bundle`: the directory that config.json is in.
pub(crate) fn state_of(
    spec: &Spec,
    id: &str,
    bundle: &Path,
    status: Status,
    pid: i32,
) -> Result<Vec<u8>, IsolateError> {
    let state = State {
        oci_version: SPEC_VERSION,
        id,
        status,
        pid,
        bundle,
        annotations: &spec.annotations,
    };
    serde_json::to_vec(&state)
        .map_err(|error| IsolateError::invalid(STEP, format!("cannot encode state: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(change: impl FnOnce(&mut Hook)) -> Hooks {
        let mut hook = Hook {
            path: "/bin/hook".to_owned(),
            ..Hook::default()
        };
        change(&mut hook);
        Hooks {
            poststop: vec![hook],
            ..Hooks::default()
        }
    }

    #[test]
    fn hooks_that_cannot_work_are_refused_with_kind_and_path() {
        hook(|hook| hook.timeout = Some(1)).check().unwrap();
        for (hooks, why) in [
            (
                hook(|hook| hook.path = "hook".to_owned()),
                "cannot use poststop hook \"hook\": its path is not absolute",
            ),
            (
                hook(|hook| hook.timeout = Some(0)),
                "cannot use poststop hook \"/bin/hook\": its timeout of 0 s is not above 0",
            ),
            (
                hook(|hook| hook.env = vec!["A=\0".to_owned()]),
                "cannot use poststop hook \"/bin/hook\": it holds a NUL byte",
            ),
        ] {
            assert_eq!(hooks.check().unwrap_err().message, why);
        }
    }

    #[test]
    fn what_a_document_says_of_hooks_is_kept() {
        let text = r#"{"createContainer":[{"path":"/h","args":["h","a"],"env":["A=b"],
            "timeout":3,"estibaDevice":"v/c=d"}],"poststop":[{"path":"/p"}],"later":[]}"#;
        let hooks: Hooks = serde_json::from_str(text).unwrap();
        assert!(hooks.are_for_create());
        let again: Hooks = serde_json::from_str(&serde_json::to_string(&hooks).unwrap()).unwrap();
        let [hook] = again.create_container.as_slice() else {
            panic!("{again:?}");
        };
        assert_eq!((hook.timeout, &*hook.device), (Some(3), "v/c=d"));
        assert_eq!((hook.args.len(), again.poststop.len()), (2, 1));
    }
}
