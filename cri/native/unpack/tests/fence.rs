//! What a thread may still do after a job, and that the host sees nothing of it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod common;

use std::fs;
use std::io::Cursor;
use std::net::TcpStream;

use common::{Scene, dir, file, tar};
use estiba_unpack::{Outcome, Source, UnpackJob, run_job};

const NAMESPACES: [&str; 4] = ["mnt", "net", "ipc", "uts"];

fn namespaces() -> Vec<String> {
    let link = |name| fs::read_link(format!("/proc/thread-self/ns/{name}")).unwrap();
    NAMESPACES
        .iter()
        .map(|name| link(name).display().to_string())
        .collect()
}

fn status(field: &str) -> String {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.rsplit('\t').next().unwrap().to_owned()
}

#[test]
fn a_job_gives_up_everything_it_does_not_need() {
    let Some(scene) = Scene::new() else { return };
    let before = namespaces();
    let job = UnpackJob::new(scene.layer("a"));
    let canary = scene.home.path().join("canary");
    let worker = std::thread::spawn(move || {
        let blob = tar(&[dir("d"), file("d/f", "x")]);
        // Read before the fence closes: afterwards nothing outside can be opened.
        let thread = fs::File::open("/proc/thread-self/status").unwrap();
        let result = run_job(
            &job,
            Source::Stream(Box::new(Cursor::new(blob))),
            &mut |_| (),
        )
        .unwrap();
        let Outcome::Unpacked(result) = result else {
            unreachable!("{result:?}")
        };
        let read = std::io::read_to_string(thread).unwrap();
        let field = |name: &str| {
            let line = read.lines().find(|line| line.starts_with(name)).unwrap();
            line.rsplit('\t').next().unwrap().to_owned()
        };
        let capabilities = [
            "CapInh",
            "CapPrm",
            "CapEff",
            "CapBnd",
            "CapAmb",
            "NoNewPrivs",
            // 2: a filter.
            "Seccomp",
        ]
        .map(field);
        let open = fs::File::open(&canary).map(drop);
        let write = fs::write(canary.with_file_name("new"), "x");
        let connect = TcpStream::connect("127.0.0.1:9").map(drop);
        // Allowed by the capabilities that are kept, and by Landlock.
        let flags = rustix::mount::MountFlags::empty();
        let mount = rustix::mount::mount("tmpfs", "/", "tmpfs", flags, None);
        let program = std::process::Command::new("/bin/true").status().map(drop);
        let refused = [mount.map_err(std::io::Error::from), program];
        (result, capabilities, [open, write, connect], refused)
    });
    let (result, capabilities, attempts, refused) = worker.join().unwrap();
    for attempt in refused {
        assert_eq!(attempt.unwrap_err().raw_os_error(), Some(1));
    }
    // CHOWN, DAC_OVERRIDE, FOWNER, FSETID, SYS_ADMIN, MKNOD, SETFCAP.
    let kept = format!("{:016x}", 0b1011u64 | 1 << 4 | 1 << 21 | 1 << 27 | 1 << 31);
    let none = format!("{:016x}", 0);
    assert_eq!(
        capabilities,
        [
            none.clone(),
            kept.clone(),
            kept.clone(),
            kept,
            none,
            "1".to_owned(),
            "2".to_owned()
        ]
    );
    if result.fence_gaps.is_empty() {
        for attempt in attempts {
            assert_eq!(
                attempt.unwrap_err().kind(),
                std::io::ErrorKind::PermissionDenied
            );
        }
    } else {
        eprintln!(
            "Landlock not checked: this kernel lacks {:?}",
            result.fence_gaps
        );
    }
    assert_eq!(namespaces(), before);
    assert_ne!(status("CapEff"), "0000000000000000");
}

#[test]
fn nothing_stays_mounted() {
    let Some(scene) = Scene::new() else { return };
    let mounts = || {
        fs::read_to_string("/proc/self/mountinfo")
            .unwrap()
            .lines()
            .count()
    };
    let before = mounts();
    scene.unpack("base", &[dir("d"), file("d/f", "x")]).unwrap();
    scene
        .unpack_on("top", &["base"], &[file("d/g", "x")])
        .unwrap();
    scene
        .unpack_on("bad", &["base"], &[file("../g", "x")])
        .unwrap_err();
    assert_eq!(mounts(), before);
}
