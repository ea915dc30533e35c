//! libseccomp as it is installed on this machine, opened at run time: it is no part of the product.

#![allow(unsafe_code, reason = "a C library is called")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what tests share may end them"
)]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::os::fd::{AsFd, AsRawFd};

use estiba_seccomp::{Arch, Instruction, from_bytes};

use crate::random::{Condition, Profile};

/// `struct scmp_arg_cmp`.
#[repr(C)]
struct Comparison {
    argument: u32,
    operator: u32,
    first: u64,
    second: u64,
}

const BAD_ARCHITECTURE: c_int = 2;
const KILL_PROCESS: u32 = 0x8000_0000;

type Context = *mut c_void;

/// The functions that are needed.
pub(crate) struct Library {
    init: unsafe extern "C" fn(u32) -> Context,
    release: unsafe extern "C" fn(Context),
    set_attribute: unsafe extern "C" fn(Context, c_int, u32) -> c_int,
    add_architecture: unsafe extern "C" fn(Context, u32) -> c_int,
    remove_architecture: unsafe extern "C" fn(Context, u32) -> c_int,
    resolve: unsafe extern "C" fn(u32, *const c_char) -> c_int,
    resolve_number: unsafe extern "C" fn(u32, c_int) -> *mut c_char,
    add_rule: unsafe extern "C" fn(Context, u32, c_int, u32, *const Comparison) -> c_int,
    export: unsafe extern "C" fn(Context, c_int) -> c_int,
}

/// libseccomp's own words for architectures: it tells the two kinds of 64-bit x86 apart.
fn token(arch: Arch) -> u32 {
    match arch {
        Arch::X32 => 0x4000_003e,
        Arch::X86_64 | Arch::X86 | Arch::Aarch64 | Arch::Arm => arch.token(),
    }
}

fn symbol(library: *mut c_void, name: &CStr) -> *mut c_void {
    // SAFETY: the handle is open, the name ends with a NUL.
    let address = unsafe { libc::dlsym(library, name.as_ptr()) };
    assert!(!address.is_null(), "libseccomp has no {name:?}");
    address
}

impl Library {
    /// `None` where the library is not installed.
    #[allow(
        clippy::missing_transmute_annotations,
        reason = "the fields say the types"
    )]
    pub(crate) fn open() -> Option<Self> {
        // SAFETY: the name ends with a NUL; the library's constructors do nothing.
        let library = unsafe { libc::dlopen(c"libseccomp.so.2".as_ptr(), libc::RTLD_NOW) };
        if library.is_null() {
            return None;
        }
        macro_rules! function {
            ($name:literal) => {
                // SAFETY: the types are those of seccomp.h.
                unsafe { std::mem::transmute(symbol(library, $name)) }
            };
        }
        Some(Self {
            init: function!(c"seccomp_init"),
            release: function!(c"seccomp_release"),
            set_attribute: function!(c"seccomp_attr_set"),
            add_architecture: function!(c"seccomp_arch_add"),
            remove_architecture: function!(c"seccomp_arch_remove"),
            resolve: function!(c"seccomp_syscall_resolve_name_arch"),
            resolve_number: function!(c"seccomp_syscall_resolve_num_arch"),
            add_rule: function!(c"seccomp_rule_add_array"),
            export: function!(c"seccomp_export_bpf"),
        })
    }

    /// The number of a call; negative where the architecture has none.
    pub(crate) fn number(&self, arch: Arch, name: &str) -> i32 {
        let name = CString::new(name).unwrap();
        // SAFETY: the name ends with a NUL.
        unsafe { (self.resolve)(token(arch), name.as_ptr()) }
    }

    /// The name of a call. `None`: the architecture has none of this number.
    pub(crate) fn name(&self, arch: Arch, number: i32) -> Option<String> {
        // SAFETY: plain integers.
        let name = unsafe { (self.resolve_number)(token(arch), number) };
        if name.is_null() {
            return None;
        }
        // SAFETY: the library answers with a string of its own that it hands over.
        let text = unsafe { CStr::from_ptr(name) }
            .to_string_lossy()
            .into_owned();
        // SAFETY: made by malloc, and not used again.
        unsafe { libc::free(name.cast()) };
        Some(text)
    }

    /// Compiles as runc does. `None`: the library refuses to hold these rules together.
    pub(crate) fn compile(&self, profile: &Profile) -> Option<Vec<Instruction>> {
        // SAFETY: a plain integer.
        let context = unsafe { (self.init)(profile.default) };
        assert!(!context.is_null());
        let program = self.fill(context, profile);
        // SAFETY: the context is ours and not used again.
        unsafe { (self.release)(context) };
        program
    }

    fn fill(&self, context: Context, profile: &Profile) -> Option<Vec<Instruction>> {
        let done = |result: c_int| assert_eq!(result, 0, "libseccomp refuses");
        // SAFETY: the context is open.
        done(unsafe { (self.set_attribute)(context, BAD_ARCHITECTURE, KILL_PROCESS) });
        for arch in profile.all_architectures() {
            if arch != Arch::native() {
                // SAFETY: the context is open.
                done(unsafe { (self.add_architecture)(context, token(arch)) });
            }
        }
        if !profile.all_architectures().contains(&Arch::native()) {
            // SAFETY: the context is open.
            done(unsafe { (self.remove_architecture)(context, token(Arch::native())) });
        }
        for entry in &profile.entries {
            if entry.action == profile.default {
                continue;
            }
            for alternative in entry.alternatives() {
                let comparisons: Vec<Comparison> = alternative.iter().map(compare).collect();
                for name in &entry.names {
                    // Numbers are this machine's, the library translates; names of others are negative.
                    let number = self.number(Arch::native(), name);
                    if number == -1 {
                        continue;
                    }
                    let count = u32::try_from(comparisons.len()).unwrap();
                    // SAFETY: the context is open; count and pointer describe the comparisons.
                    let result = unsafe {
                        (self.add_rule)(context, entry.action, number, count, comparisons.as_ptr())
                    };
                    if result != 0 {
                        return None;
                    }
                }
            }
        }
        Some(self.exported(context))
    }

    fn exported(&self, context: Context) -> Vec<Instruction> {
        let flags = rustix::fs::MemfdFlags::CLOEXEC;
        let file = rustix::fs::memfd_create("filter", flags).unwrap();
        // SAFETY: context and descriptor are open.
        let result = unsafe { (self.export)(context, file.as_raw_fd()) };
        assert_eq!(result, 0, "libseccomp cannot export");
        let size = usize::try_from(rustix::fs::fstat(file.as_fd()).unwrap().st_size).unwrap();
        let mut bytes = vec![0; size];
        let got = rustix::io::pread(&file, &mut bytes, 0).unwrap();
        assert_eq!(got, size);
        from_bytes(&bytes).unwrap()
    }
}

fn compare(condition: &Condition) -> Comparison {
    Comparison {
        argument: condition.index,
        operator: condition.operator,
        first: condition.value,
        second: condition.value_two,
    }
}
