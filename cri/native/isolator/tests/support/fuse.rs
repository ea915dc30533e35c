//! A FUSE server of one directory with one file, in this process, that can stop answering: whoever
//! has asked it something then hangs in the kernel and cannot be killed, as with a dead network
//! volume. Nobody in the test itself may touch the mount while it is dead.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustix::mount::{MountFlags, UnmountFlags};

/// What the file "file" holds.
pub const CONTENT: &[u8] = b"alive\n";

const IN_HEADER: usize = 40;
const ROOT: u64 = 1;
const FILE: u64 = 2;

pub struct Volume {
    pub at: PathBuf,
    server: Option<JoinHandle<()>>,
    state: Arc<Mutex<State>>,
}

struct State {
    device: File,
    is_dead: bool,
    unanswered: Vec<Vec<u8>>,
}

impl Volume {
    /// Mounts it at `scratch/name`; `None` where the kernel or this user cannot.
    pub fn mount(scratch: &Path, name: &str) -> Option<Self> {
        let device = File::options()
            .read(true)
            .write(true)
            .open("/dev/fuse")
            .ok()?;
        let at = scratch.join(name);
        std::fs::create_dir(&at).ok()?;
        let options = format!(
            "fd={},rootmode=40000,user_id=0,group_id=0,allow_other",
            device.as_raw_fd()
        );
        let options = std::ffi::CString::new(options).unwrap();
        let flags = MountFlags::NOSUID | MountFlags::NODEV;
        rustix::mount::mount("test", &at, "fuse", flags, Some(options.as_c_str())).ok()?;
        let reader = device.try_clone().unwrap();
        let state = Arc::new(Mutex::new(State {
            device,
            is_dead: false,
            unanswered: Vec::new(),
        }));
        let shared = Arc::clone(&state);
        let server = Some(std::thread::spawn(move || serve(reader, &shared)));
        let volume = Self { at, server, state };
        // The kernel has been told what this server can do when it gets its first answer.
        let content = std::fs::read(volume.at.join("file")).unwrap();
        assert_eq!(content, CONTENT);
        Some(volume)
    }

    /// From now on nobody gets an answer.
    pub fn die(&self) {
        self.state.lock().unwrap().is_dead = true;
    }

    /// Answers everybody who waits, and who comes later.
    pub fn revive(&self) {
        let mut state = self.state.lock().unwrap();
        state.is_dead = false;
        for request in std::mem::take(&mut state.unanswered) {
            state.answer(&request);
        }
    }

    /// How many wait for an answer in vain.
    pub fn waiting(&self) -> usize {
        self.state.lock().unwrap().unanswered.len()
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // By force: everybody who waits gets an error.
        let flags = UnmountFlags::FORCE | UnmountFlags::DETACH;
        rustix::mount::unmount(&self.at, flags).ok();
        if let Some(server) = self.server.take() {
            server.join().ok();
        }
    }
}

fn serve(mut device: File, state: &Mutex<State>) {
    let mut buffer = vec![0; 256 << 10];
    loop {
        let length = match device.read(&mut buffer) {
            Ok(length) => length,
            // Interrupted, or a request that was withdrawn before it was read.
            Err(error) if matches!(error.raw_os_error(), Some(2 | 4 | 11)) => continue,
            Err(_) => return,
        };
        let request = buffer[..length].to_vec();
        let mut state = state.lock().unwrap();
        if state.is_dead {
            if !matches!(number(&request, 4), 2 | 36 | 42) {
                state.unanswered.push(request);
            }
        } else {
            state.answer(&request);
        }
    }
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from_ne_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// Numbers as the kernel has them, one behind the other.
#[derive(Default)]
struct Packed(Vec<u8>);

impl Packed {
    fn u32s(mut self, numbers: &[u32]) -> Self {
        self.0.extend(numbers.iter().flat_map(|n| n.to_ne_bytes()));
        self
    }

    fn u64s(mut self, numbers: &[u64]) -> Self {
        self.0.extend(numbers.iter().flat_map(|n| n.to_ne_bytes()));
        self
    }

    /// `struct fuse_attr`
    fn attributes(self, node: u64) -> Self {
        let (size, mode) = match node {
            ROOT => (0, 0o040_755),
            _ => (CONTENT.len() as u64, 0o100_644),
        };
        self.u64s(&[node, size, 1, 0, 0, 0])
            .u32s(&[0, 0, 0, mode, 1, 0, 0, 0, 4096, 0])
    }
}

impl State {
    fn answer(&mut self, request: &[u8]) {
        let (code, unique, node) = (number(request, 4), long(request, 8), long(request, 16));
        let body = &request[IN_HEADER..];
        let answer = match code {
            // FORGET, INTERRUPT, BATCH_FORGET
            2 | 36 | 42 => return,
            // LOOKUP
            1 if body == b"file\0" => {
                let entry = Packed::default().u64s(&[FILE, 0, 0, 0]).u32s(&[0, 0]);
                Ok(entry.attributes(FILE).0)
            }
            1 => Err(2),
            // GETATTR
            3 => Ok(Packed::default()
                .u64s(&[0])
                .u32s(&[0, 0])
                .attributes(node)
                .0),
            // OPEN, OPENDIR: without the page cache
            14 | 27 => Ok(Packed::default().u64s(&[0]).u32s(&[1, 0]).0),
            // READ
            15 if long(body, 8) == 0 => Ok(CONTENT.to_vec()),
            // READ at the end, READDIR, RELEASE, RELEASEDIR, FLUSH, ACCESS
            15 | 28 | 18 | 29 | 25 | 34 => Ok(Vec::new()),
            // STATFS
            17 => Ok(vec![0; 80]),
            // INIT of protocol 7.31, all features off
            26 => {
                let start = Packed::default().u32s(&[7, 31, 0, 0]);
                Ok(start.u32s(&[0, 64 << 10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]).0)
            }
            _ => Err(38),
        };
        let (error, payload) = match answer {
            Ok(payload) => (0, payload),
            Err(errno) => (-errno, Vec::new()),
        };
        let length = u32::try_from(16 + payload.len()).unwrap();
        let mut reply = length.to_ne_bytes().to_vec();
        reply.extend(i32::to_ne_bytes(error));
        reply.extend(unique.to_ne_bytes());
        reply.extend(payload);
        // Whoever asked may be gone.
        self.device.write_all(&reply).ok();
    }
}
