//! Containers for real: needs root, cgroups and Debian's busybox-static. Runs without the usual
//! harness because the library forks and must find one thread only.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "a test program without the harness that would exempt it"
)]

mod fixture;
mod running;
mod scenarios;
mod spec;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use fixture::Fixture;

fn missing() -> Option<&'static str> {
    if !rustix::process::geteuid().is_root() {
        return Some("not root");
    }
    if !Path::new("/bin/busybox").exists() {
        return Some("/bin/busybox is missing (apt-get install busybox-static)");
    }
    None
}

/// An own mount namespace: what a failing test leaves mounted goes away with this process.
fn own_mount_namespace() {
    estiba_kernel::spawn::unshare(libc::CLONE_NEWNS).unwrap();
    let flags =
        rustix::mount::MountPropagationFlags::PRIVATE | rustix::mount::MountPropagationFlags::REC;
    rustix::mount::mount_change("/", flags).unwrap();
}

fn main() {
    let filter = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    if let Some(reason) = missing() {
        println!("skipped: all of the program \"containers\": {reason}");
        return;
    }
    own_mount_namespace();
    let fixture = Fixture::new(Path::new("/bin/busybox"));
    let (mut passed, mut failed) = (0, 0);
    for (name, scenario) in scenarios::ALL {
        if filter
            .as_ref()
            .is_some_and(|filter| !name.contains(filter.as_str()))
        {
            continue;
        }
        let ok = catch_unwind(AssertUnwindSafe(|| scenario(&fixture))).is_ok();
        println!("test {name} ... {}", if ok { "ok" } else { "FAILED" });
        if ok {
            passed += 1;
        } else {
            failed += 1;
        }
    }
    let left = scenarios::left_behind(&fixture);
    let word = if failed == 0 && left.is_empty() {
        "ok"
    } else {
        "FAILED"
    };
    println!("\ntest result: {word}. {passed} passed; {failed} failed; left behind: {left:?}");
    drop(fixture);
    if failed > 0 || !left.is_empty() {
        std::process::abort();
    }
}
