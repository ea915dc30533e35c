//! Hooks in bundles.

use std::fs;

use serde_json::{Value, json};

use super::bundle::Bundle;

/// A hook that runs a script; `$DIR` is where it may write: in the container, its root.
pub fn hook(bundle: &Bundle, kind: &str, script: &str) -> Value {
    let dir = match kind {
        "startContainer" => "/".to_owned(),
        _ => bundle.dir().join("rootfs").display().to_string(),
    };
    json!({
        "path": "/bin/busybox",
        "args": ["sh", "-c", script, "hook", kind],
        "env": [format!("DIR={dir}"), "PATH=/bin"],
    })
}

pub fn with_hooks(bundle: &Bundle, hooks: Value) -> Value {
    let mut spec = bundle.spec(&["sh", "-c", "echo program >>/order; sleep 100"]);
    spec["hooks"] = hooks;
    bundle.write(&spec);
    spec
}

pub fn written(bundle: &Bundle, name: &str) -> String {
    let path = bundle.dir().join("rootfs").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}
