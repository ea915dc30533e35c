//! Names that are exchanged again and again while something is done by them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use rustix::fs::{CWD, RenameFlags};
use serde_json::{Value, json};

/// Swaps `one` and `other` as fast as it can while `act` runs. A race that was not run proves nothing:
/// there must have been some swaps.
pub fn while_swapping<T>(one: &Path, other: &Path, act: impl FnOnce() -> T) -> T {
    let swap = || {
        let flags = RenameFlags::EXCHANGE;
        rustix::fs::renameat_with(CWD, one, CWD, other, flags).unwrap();
    };
    during(swap, act)
}

/// Does `mischief` again and again while `act` runs.
pub fn during<T>(mischief: impl Fn() + Sync, act: impl FnOnce() -> T) -> T {
    let stop = AtomicBool::new(false);
    let count = AtomicU64::new(0);
    let result = thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                mischief();
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        // Also when a test fails: the scope waits for the thread.
        let _stopping = Stopping(&stop);
        act()
    });
    let count = count.into_inner();
    assert!(count >= 20, "swapped {count} times only");
    result
}

struct Stopping<'a>(&'a AtomicBool);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A volume that a hostile neighbour holds: "door" in it is a directory now and a link out then.
pub struct Trap {
    pub volume: PathBuf,
    /// Where the link leads: a directory of the host that nothing may be made, read or covered in.
    pub outside: PathBuf,
}

impl Trap {
    pub fn new(scratch: &Path) -> Self {
        let trap = Self {
            volume: scratch.join("trap"),
            outside: scratch.join("outside"),
        };
        fs::create_dir_all(trap.volume.join("door")).unwrap();
        fs::create_dir(&trap.outside).unwrap();
        // The way out is tried by the path of the host and by climbing.
        symlink(trap.way_out(), trap.volume.join("other")).unwrap();
        fs::write(trap.outside.join("passwd"), "mallory:x:0:0::/:/bin/sh\n").unwrap();
        fs::write(trap.volume.join("door/passwd"), "").unwrap();
        fs::write(trap.outside.join("secret"), "secret of the host\n").unwrap();
        fs::write(trap.volume.join("door/secret"), "").unwrap();
        trap
    }

    pub fn way_out(&self) -> String {
        format!("{}{}", "../".repeat(40), self.outside.display())
    }

    pub fn door(&self) -> PathBuf {
        self.volume.join("door")
    }

    pub fn other(&self) -> PathBuf {
        self.volume.join("other")
    }

    pub fn assert_nobody_was_outside(&self, how: &str) {
        let names = names_in(&self.outside);
        assert_eq!(
            names,
            ["passwd", "secret"],
            "{how}: something was made outside"
        );
        let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let outside = self.outside.to_string_lossy();
        assert!(
            !table.contains(&*outside),
            "{how}: something was mounted outside"
        );
    }
}

pub fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

pub fn bind(source: &Path, target: &str) -> Value {
    json!({"destination": target, "type": "bind", "source": source, "options": ["rbind"]})
}

pub fn add_mount(spec: &mut Value, mount: Value) {
    spec["mounts"].as_array_mut().unwrap().push(mount);
}

/// A layer of one link, to be laid over an image.
pub fn layer_with_link(scratch: &Path, name: &str, target: &str) -> String {
    let layer = scratch.join(format!("layer-with-{name}"));
    if !layer.exists() {
        fs::create_dir(&layer).unwrap();
        symlink(target, layer.join(name)).unwrap();
    }
    layer.to_string_lossy().into_owned()
}
