//! Mounts: what a container sees, and what it cannot reach.

use std::fs;
use std::path::Path;

use estiba_kernel::spawn::Ended;
use serde_json::{Value, json};

use super::sh;
use crate::fixture::Fixture;

pub fn masked(fixture: &Fixture) {
    let pod = fixture.pod();
    let mut spec = sh(
        &pod,
        "cat /proc/keys | head -c 1; /bin/ls; touch /tmp/x; echo a > /proc/sys/kernel/hostname",
    );
    spec["linux"]["maskedPaths"] = json!(["/proc/keys", "/bin/ls", "/no/such"]);
    spec["linux"]["readonlyPaths"] = json!(["/proc/sys", "/tmp"]);
    let (_, text) = pod.run(&spec);
    assert!(text.contains("/bin/ls: Permission denied"), "{text}");
    assert!(text.contains("/tmp/x: Read-only file system"), "{text}");
    assert!(
        text.contains("/proc/sys/kernel/hostname: Read-only file system"),
        "{text}"
    );
    let mut spec = sh(&pod, "touch /x");
    spec["root"]["readonly"] = true.into();
    assert!(pod.run(&spec).1.contains("Read-only file system"));
}

fn add_mount(spec: &mut Value, source: &Path, destination: &str, options: &[&str]) {
    let mount = json!({"destination": destination, "type": "bind", "source": source,
                       "options": options});
    spec["mounts"].as_array_mut().unwrap().push(mount);
}

pub fn volumes(fixture: &Fixture) {
    let pod = fixture.pod();
    let volume = fixture.path("volume");
    fs::create_dir_all(volume.join("below")).unwrap();
    rustix::mount::mount(
        "t",
        volume.join("below"),
        "tmpfs",
        rustix::mount::MountFlags::empty(),
        None,
    )
    .unwrap();
    fs::write(fixture.path("one-file"), "hello\n").unwrap();
    let script = "touch /data/x; touch /data/below/x && echo below; cat /new/dir/file";
    let run = |option: &str| {
        let mut spec = sh(&pod, script);
        add_mount(&mut spec, &volume, "/data", &["rbind", "rprivate", option]);
        add_mount(
            &mut spec,
            &fixture.path("one-file"),
            "/new/dir/file",
            &["bind"],
        );
        pod.run(&spec).1
    };
    let plain = run("ro");
    assert!(plain.contains("/data/x: Read-only file system"), "{plain}");
    assert!(
        plain.contains("below\nhello"),
        "read-only must not be recursive: {plain}"
    );
    let deep = run("rro");
    assert!(
        deep.contains("/data/below/x: Read-only file system"),
        "{deep}"
    );
    rustix::mount::unmount(volume.join("below"), rustix::mount::UnmountFlags::DETACH).unwrap();
    let mut spec = sh(&pod, "true");
    add_mount(&mut spec, Path::new("/no/such/volume"), "/data", &["rbind"]);
    let error = pod.try_create(&spec, None, false).map(drop).unwrap_err();
    assert_eq!(error.step, "mount-volume");
    assert!(error.message.contains("\"/no/such/volume\""), "{error}");
}

pub fn symlinks(fixture: &Fixture) {
    let pod = fixture.pod();
    let outside = fixture.path("outside");
    fs::create_dir_all(&outside).unwrap();
    let top = fixture.path("layers/top");
    let link =
        |name: &str, target: &Path| std::os::unix::fs::symlink(target, top.join(name)).unwrap();
    link("escape", &outside);
    link("up", Path::new("../../../../../../tmp"));
    link("data", Path::new("/proc"));
    let volume = fixture.path("volume");
    let mut spec = sh(&pod, "true");
    add_mount(&mut spec, &volume, "/escape/made", &["rbind"]);
    add_mount(&mut spec, &volume, "/up/made", &["rbind"]);
    spec["process"]["cwd"] = "/escape/cwd".into();
    assert_eq!(pod.run(&spec).0, Ended::Exited(0));
    assert_eq!(
        fs::read_dir(&outside).unwrap().count(),
        0,
        "something was made on the host"
    );
    let mut spec = sh(&pod, "true");
    add_mount(&mut spec, &volume, "/data/sys", &["rbind"]);
    let error = pod.try_create(&spec, None, false).map(drop).unwrap_err();
    assert_eq!(error.step, "mount", "{error}");
    let mut spec = sh(&pod, "true");
    spec["process"]["cwd"] = "/proc/self/fd/3".into();
    assert!(pod.try_create(&spec, None, false).is_err());
    for name in ["escape", "up", "data"] {
        fs::remove_file(top.join(name)).unwrap();
    }
}

pub fn propagation(fixture: &Fixture) {
    let pod = fixture.pod();
    let volume = fixture.path("shared");
    fs::create_dir_all(volume.join("point")).unwrap();
    let mut spec = pod.spec(&["/bin/sh", "-c", "sleep 0.3; cat /data/point/x"]);
    add_mount(&mut spec, &volume, "/data", &["rbind", "rslave"]);
    let error = pod.try_create(&spec, None, false).map(drop).unwrap_err();
    assert!(
        error.message.contains("not on a shared or slave mount"),
        "{error}"
    );
    rustix::mount::mount_bind(&volume, &volume).unwrap();
    rustix::mount::mount_change(&volume, rustix::mount::MountPropagationFlags::SHARED).unwrap();
    let running = pod.create(&spec);
    // A mount made between Create and the program's use appears.
    let point = volume.join("point");
    rustix::mount::mount(
        "t",
        &point,
        "tmpfs",
        rustix::mount::MountFlags::empty(),
        None,
    )
    .unwrap();
    fs::write(point.join("x"), "seen\n").unwrap();
    let (_, text) = pod.finish(running);
    rustix::mount::unmount(&point, rustix::mount::UnmountFlags::DETACH).unwrap();
    rustix::mount::unmount(&volume, rustix::mount::UnmountFlags::DETACH).unwrap();
    assert_eq!(text, "seen\n");
}

pub fn legacy(fixture: &Fixture) {
    let mut pod = fixture.pod();
    pod.legacy = true;
    let (ended, text) = pod.run(&sh(
        &pod,
        "cat /etc/layer; grep -c /dev/shm /proc/mounts; touch /x",
    ));
    assert_eq!((ended, text.as_str()), (Ended::Exited(0), "top\n1\n"));
}

pub fn long_path(fixture: &Fixture) {
    let mut pod = fixture.pod();
    // Longer than a value of fsconfig may be.
    pod.writable_parent = fixture.path(&"x".repeat(200)).join("y".repeat(200));
    let (ended, text) = pod.run(&sh(&pod, "cat /etc/layer; touch /x"));
    assert_eq!((ended, text.as_str()), (Ended::Exited(0), "top\n"));
}
