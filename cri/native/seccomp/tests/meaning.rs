//! What profiles mean, where libseccomp is no measure: see the crate's first page.

#![allow(clippy::unwrap_used, reason = "what tests share may end them")]

use estiba_seccomp::{Arch, Call, Filter, SeccompError, compile_for, number_of, run};
use serde_json::{Value, json};

const ALLOW: u32 = 0x7fff_0000;
const EPERM: u32 = 0x0005_0001;
const ENOSYS: u32 = 0x0005_0026;
const KILL_PROCESS: u32 = 0x8000_0000;

fn compile(profile: &Value) -> Filter {
    compile_for(profile.to_string().as_bytes(), Arch::X86_64).unwrap()
}

fn refusal(profile: &Value) -> String {
    let result: Result<Filter, SeccompError> =
        compile_for(profile.to_string().as_bytes(), Arch::X86_64);
    result.unwrap_err().to_string()
}

fn ask(filter: &Filter, arch: Arch, name: &str, first: u64) -> u32 {
    ask_number(filter, arch, number_of(arch, name).unwrap(), first)
}

fn ask_number(filter: &Filter, arch: Arch, number: u32, first: u64) -> u32 {
    let call = Call {
        token: arch.token(),
        number,
        arguments: [first, 0, 0, 0, 0, 0],
    };
    run(&filter.program, call).unwrap()
}

fn when(operator: &str, value: u64) -> Value {
    json!({"index": 0, "value": value, "op": operator})
}

#[test]
fn an_argument_that_stands_twice_means_or() {
    let filter = compile(&json!({
        "defaultAction": "SCMP_ACT_ERRNO",
        "syscalls": [{
            "names": ["socket"], "action": "SCMP_ACT_ALLOW",
            "args": [when("SCMP_CMP_LT", 38), when("SCMP_CMP_EQ", 39), when("SCMP_CMP_GT", 40)],
        }],
    }));
    for (family, verdict) in [
        (2, ALLOW),
        (38, EPERM),
        (39, ALLOW),
        (40, EPERM),
        (41, ALLOW),
    ] {
        assert_eq!(
            ask(&filter, Arch::X86_64, "socket", family),
            verdict,
            "{family}"
        );
    }
}

#[test]
fn the_first_entry_that_matches_decides_and_one_without_arguments_decides_alone() {
    let entry = |errno: u32, args: Value| json!({"names": ["personality"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno, "args": args});
    let filter = compile(&json!({
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [
            entry(5, json!([when("SCMP_CMP_EQ", 1)])),
            entry(6, json!([when("SCMP_CMP_LE", 2)])),
            entry(7, json!([when("SCMP_CMP_EQ", 1)])),
        ],
    }));
    let of = |first| ask(&filter, Arch::X86_64, "personality", first);
    assert_eq!([of(1), of(2), of(3)], [0x0005_0005, 0x0005_0006, ALLOW]);
    let filter = compile(&json!({
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [
            entry(5, json!([when("SCMP_CMP_EQ", 1)])), entry(8, json!([])), entry(9, json!(null)),
        ],
    }));
    assert_eq!(ask(&filter, Arch::X86_64, "personality", 1), 0x0005_0008);
}

#[test]
fn calls_that_are_newer_than_a_restrictive_profile_do_not_exist() {
    let profile = |default: &str| {
        compile(&json!({
            "defaultAction": default,
            "syscalls": [{"names": ["read", "mseal", "from_the_future"], "action": "SCMP_ACT_TRAP"}],
        }))
    };
    let newer = |filter: &Filter| ask(filter, Arch::X86_64, "setxattrat", 0);
    assert_eq!(newer(&profile("SCMP_ACT_ERRNO")), ENOSYS);
    assert_eq!(newer(&profile("SCMP_ACT_KILL")), ENOSYS);
    assert_eq!(newer(&profile("SCMP_ACT_ALLOW")), ALLOW);
    assert_eq!(newer(&profile("SCMP_ACT_LOG")), 0x7ffc_0000);
    assert_eq!(
        ask(&profile("SCMP_ACT_ERRNO"), Arch::X86_64, "write", 0),
        EPERM
    );
}

#[test]
fn other_architectures_are_ended_unless_they_are_listed() {
    let profile = |architectures: Value| {
        compile(&json!({
            "defaultAction": "SCMP_ACT_ERRNO",
            "architectures": architectures,
            "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW"}],
        }))
    };
    let own = profile(json!(["SCMP_ARCH_S390X", "SCMP_ARCH_AARCH64"]));
    assert_eq!(ask(&own, Arch::X86_64, "read", 0), ALLOW);
    assert_eq!(ask(&own, Arch::X86, "read", 0), KILL_PROCESS);
    assert_eq!(ask(&own, Arch::X32, "read", 0), KILL_PROCESS);
    assert_eq!(ask(&own, Arch::Aarch64, "read", 0), KILL_PROCESS);
    // A debugger has taken the call away.
    assert_eq!(ask_number(&own, Arch::X86_64, u32::MAX, 0), EPERM);
    let all = profile(json!(["SCMP_ARCH_X86", "SCMP_ARCH_X32"]));
    for arch in [Arch::X86_64, Arch::X86, Arch::X32] {
        assert_eq!(ask(&all, arch, "read", 0), ALLOW, "{arch:?}");
    }
}

#[test]
fn calls_of_32_bit_x86_that_do_the_work_of_many_follow_them() {
    let filter = |default: &str, action: &str, args: Value| {
        compile(&json!({
            "defaultAction": default,
            "architectures": ["SCMP_ARCH_X86"],
            "syscalls": [
                {"names": ["socket", "semop"], "action": action, "args": args},
                {"names": ["execve"], "action": action},
            ],
        }))
    };
    let of = |filter: &Filter, call, first| ask(filter, Arch::X86, call, first);
    let denied = filter("SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", json!([]));
    assert_eq!(of(&denied, "socketcall", 1), EPERM);
    assert_eq!(of(&denied, "socketcall", 2), ALLOW);
    // The kernel keeps a version in the upper half.
    assert_eq!(of(&denied, "ipc", 0x1_0001), EPERM);
    // The family lies in memory: refused in doubt, and never allowed in doubt.
    let some = json!([when("SCMP_CMP_EQ", 38)]);
    let denied = filter("SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", some.clone());
    assert_eq!(of(&denied, "socketcall", 1), EPERM);
    let allowed = filter("SCMP_ACT_ERRNO", "SCMP_ACT_ALLOW", some);
    assert_eq!(of(&allowed, "socketcall", 1), EPERM);
    let allowed = filter("SCMP_ACT_ERRNO", "SCMP_ACT_ALLOW", json!([]));
    assert_eq!(of(&allowed, "socketcall", 1), ALLOW);
    assert_eq!(of(&allowed, "socketcall", 2), EPERM);
}

#[test]
fn flags_are_honoured() {
    let flags = |flags: Value| {
        let profile = json!({"defaultAction": "SCMP_ACT_ALLOW", "flags": flags});
        compile_for(profile.to_string().as_bytes(), Arch::X86_64).map(|filter| filter.flags)
    };
    assert_eq!(flags(json!(null)).unwrap(), 4);
    assert_eq!(flags(json!([])).unwrap(), 0);
    let log = flags(json!([
        "SECCOMP_FILTER_FLAG_LOG",
        "SECCOMP_FILTER_FLAG_TSYNC"
    ]));
    assert_eq!(log.unwrap(), 3);
    let refused = flags(json!(["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"])).unwrap_err();
    assert!(
        refused.to_string().contains("WAIT_KILLABLE_RECV"),
        "{refused}"
    );
}

#[test]
fn what_is_not_known_is_refused_by_name() {
    let entry = |entry: Value| json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [entry]});
    for (profile, word) in [
        (
            json!({"defaultAction": "SCMP_ACT_MAYBE"}),
            "\"SCMP_ACT_MAYBE\"",
        ),
        (
            json!({"defaultAction": "SCMP_ACT_NOTIFY"}),
            "SCMP_ACT_NOTIFY",
        ),
        (json!({}), "defaultAction"),
        (json!([]), "not a seccomp profile"),
        (
            json!({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_Z80"]}),
            "Z80",
        ),
        (
            json!({"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/x"}),
            "listenerPath",
        ),
        (
            entry(json!({"names": [], "action": "SCMP_ACT_KILL"})),
            "syscalls[0] names no",
        ),
        (
            entry(json!({"name": "read", "action": "SCMP_ACT_KILL"})),
            "syscalls[0] names no",
        ),
        (
            entry(json!({"names": ["read"], "action": "SCMP_ACT_NOTIFY"})),
            "syscalls[0].action",
        ),
        (
            entry(json!({"names": ["mount"], "action": "SCMP_ACT_KILL",
                "includes": {"caps": ["CAP_SYS_ADMIN"]}, "excludes": {}})),
            "syscalls[0].includes",
        ),
        (
            entry(json!({"names": ["read"], "action": "SCMP_ACT_KILL", "errnoRet": 1})),
            "syscalls[0].errnoRet",
        ),
        (
            entry(json!({"names": ["read"], "action": "SCMP_ACT_KILL",
                "args": [{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}]})),
            "syscalls[0].args[0].index 6",
        ),
        (
            entry(json!({"names": ["read"], "action": "SCMP_ACT_KILL",
                "args": [{"index": 0, "value": 0, "op": "SCMP_CMP_LIKE"}]})),
            "syscalls[0].args[0].op \"SCMP_CMP_LIKE\"",
        ),
    ] {
        let message = refusal(&profile);
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn neighbours_with_one_outcome_are_one_step() {
    let filter = compile(&json!({
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{
            "names": ["read", "write", "open", "close", "stat", "fstat", "lstat", "poll", "lseek"],
            "action": "SCMP_ACT_ERRNO",
        }],
    }));
    assert!(filter.program.len() < 12, "{:#?}", filter.program);
}

#[test]
fn a_profile_that_the_kernel_would_not_take_is_refused() {
    let names = [
        "read", "write", "close", "stat", "fstat", "lstat", "poll", "lseek", "mmap",
    ];
    let entries: Vec<Value> = (0..2000)
        .map(|value| {
            let name = names[value % names.len()];
            let value = u64::try_from(value).unwrap();
            json!({"names": [name], "action": "SCMP_ACT_KILL", "args": [when("SCMP_CMP_EQ", value)]})
        })
        .collect();
    let profile = json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": entries});
    assert!(refusal(&profile).contains("4096"), "{}", refusal(&profile));
}

#[test]
fn the_kernel_enforces_what_was_compiled() {
    let profile = json!({
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [
            {"names": ["getppid"], "action": "SCMP_ACT_ERRNO", "errnoRet": 7},
            {"names": ["umask"], "action": "SCMP_ACT_ERRNO", "errnoRet": 8,
                "args": [when("SCMP_CMP_EQ", 0o777)]},
        ],
    });
    let filter = estiba_seccomp::compile(profile.to_string().as_bytes()).unwrap();
    let thread = std::thread::spawn(move || {
        estiba_kernel::process::set_no_new_privs().unwrap();
        estiba_kernel::seccomp::install(&filter.to_bytes(), filter.flags).unwrap();
        let errors = [call(libc::SYS_getppid, 0), call(libc::SYS_umask, 0o777)];
        (errors, call(libc::SYS_umask, 0o022))
    });
    let (errors, umask) = thread.join().unwrap();
    assert_eq!(errors, [Err(7), Err(8)]);
    assert!(umask.is_ok());
}

#[allow(unsafe_code, reason = "a raw system call")]
fn call(number: i64, argument: u32) -> Result<i64, i32> {
    // SAFETY: only calls without pointers are made here.
    let result = unsafe { libc::syscall(number, argument) };
    if result >= 0 {
        return Ok(result);
    }
    Err(std::io::Error::last_os_error().raw_os_error().unwrap())
}
