//! OCI bundles through the library.

use std::fs;

use estiba_isolate::ErrorCode;
use serde_json::json;

use super::wait_until;
use crate::fixture::Fixture;

pub fn oci(fixture: &Fixture) {
    use estiba_isolate::oci;
    let (root, bundle) = (fixture.path("oci-root"), fixture.path("bundle"));
    fs::create_dir_all(bundle.join("rootfs")).unwrap();
    fs::create_dir_all(bundle.join("rootfs/bin")).unwrap();
    fs::copy("/bin/busybox", bundle.join("rootfs/bin/sleep")).unwrap();
    let pod = fixture.pod();
    let mut spec = pod.spec(&["/bin/sleep", "100"]);
    spec["mounts"].as_array_mut().unwrap().pop();
    spec["linux"]["namespaces"] = json!([{"type": "mount"}, {"type": "pid"}, {"type": "network"},
                                         {"type": "ipc"}, {"type": "uts"}, {"type": "cgroup"}]);
    spec["hostname"] = "bundle".into();
    fs::write(bundle.join("config.json"), spec.to_string()).unwrap();
    let (host, pid_file) = (&fixture.host, fixture.path("pid"));
    let options = oci::CreateOptions {
        root: &root,
        id: "one",
        bundle: &bundle,
        pid_file: Some(&pid_file),
        console_socket: None,
        now: "2026-01-02T03:04:05Z",
    };
    oci::create(host, &options).unwrap();
    assert_eq!(
        oci::create(host, &options).unwrap_err().code,
        ErrorCode::AlreadyExists
    );
    let state = || oci::state(host, &root, "one").unwrap();
    assert_eq!(state().status, oci::Status::Created);
    assert_eq!(
        fs::read_to_string(&pid_file).unwrap(),
        state().pid.to_string()
    );
    let warn: oci::Warn<'_> = &|warning| panic!("{warning}");
    oci::start(host, &root, "one", warn).unwrap();
    assert_eq!(state().status, oci::Status::Running);
    assert!(oci::start(host, &root, "one", warn).is_err());
    assert!(oci::delete(host, &root, "one", false, warn).is_err());
    oci::kill(host, &root, "one", 9, false).unwrap();
    wait_until("the container stops", || {
        state().status == oci::Status::Stopped
    });
    oci::delete(host, &root, "one", false, warn).unwrap();
    assert_eq!(
        oci::state(host, &root, "one").unwrap_err().code,
        ErrorCode::NotFound
    );
    // Its init was this process's child.
    rustix::process::wait(rustix::process::WaitOptions::NOHANG).ok();
    assert_eq!(fs::read_dir(&root).unwrap().count(), 0);
}
