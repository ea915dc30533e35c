//! Our programs decide as libseccomp's do, for random profiles and random calls.

#![allow(clippy::unwrap_used, reason = "what tests share may end them")]

mod libseccomp;
mod random;

use std::cell::Cell;
use std::io::Write as _;

use estiba_seccomp::{Arch, Call, Filter, Instruction, compile_for, number_of, run};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use libseccomp::Library;
use random::{MULTIPLEXED, Profile};

const X86: [Arch; 3] = [Arch::X86_64, Arch::X86, Arch::X32];
const ARM: [Arch; 2] = [Arch::Aarch64, Arch::Arm];

fn library() -> Option<Library> {
    let library = Library::open();
    if library.is_none() {
        // Not by a macro: what those print is shown for failures only.
        let why = "libseccomp.so.2 is not installed (apt-get install libseccomp2)";
        writeln!(
            std::io::stderr(),
            "\nskipped: seccomp filters beside libseccomp's: {why}"
        )
        .ok();
    }
    library
}

#[test]
fn the_tables_agree() {
    let Some(library) = library() else { return };
    let mut compared = 0;
    for arch in X86.into_iter().chain(ARM) {
        for name in random::names() {
            // Negative: it has none, or reaches it through another call.
            let theirs = u32::try_from(library.number(arch, name));
            if let (Ok(theirs), Some(ours)) = (theirs, number_of(arch, name)) {
                assert_eq!(ours, theirs, "{name} on {arch:?}");
                compared += 1;
            }
        }
    }
    assert!(compared > 1500, "{compared}");
    let known = random::names();
    for arch in X86.into_iter().chain(ARM) {
        let mark = if arch == Arch::X32 { 0x4000_0000 } else { 0 };
        for number in (0..600).map(|number| number | mark) {
            let name = library.name(arch, number);
            let missing = name.filter(|name| !known.contains(&name.as_str()));
            assert_eq!(missing, None, "{number} on {arch:?}");
        }
    }
}

/// The architecture that a call is of, as the kernel tells it.
fn arch_of(profile: &Profile, call: Call) -> Option<Arch> {
    let all = profile.all_architectures();
    let is_marked = call.token == Arch::X32.token() && call.number >= 0x4000_0000;
    let wanted = if is_marked { Arch::X32 } else { Arch::X86_64 };
    all.into_iter().find(|arch| {
        arch.token() == call.token && (call.token != Arch::X32.token() || *arch == wanted)
    })
}

/// What differs on purpose, see the crate's first page.
fn expected(profile: &Profile, call: Call, theirs: u32) -> u32 {
    let is_permissive = matches!(
        profile.default & 0xffff_0000,
        0x7fff_0000 | 0x7ffc_0000 | 0x7ff0_0000
    );
    let Some(arch) = arch_of(profile, call) else {
        return theirs;
    };
    let is_private = arch == Arch::Arm && call.number >= 0xf_0000;
    match profile.last(arch) {
        Some(last) if !is_permissive && !is_private && call.number > last => random::ERRNO | 38,
        _ => theirs,
    }
}

/// Programs for another machine libseccomp 2.5 sometimes makes without the load of the call's number.
fn forgets_the_number(profile: &Profile, program: &[Instruction]) -> bool {
    let loads = program
        .iter()
        .filter(|one| one.code == 0x20 && one.operand == 0);
    profile.native != Arch::native() && loads.count() < profile.all_architectures().len()
}

/// Lets the kernel check every instruction of the program, behind one that allows everything.
fn is_taken_by_the_kernel(filter: &Filter) -> bool {
    let allow = Instruction {
        code: 0x06,
        if_true: 0,
        if_false: 0,
        operand: 0x7fff_0000,
    };
    let mut program = vec![allow];
    program.extend(&filter.program);
    let harmless = Filter { flags: 0, program };
    // Filters are a thread's own.
    let install = move || {
        estiba_kernel::process::set_no_new_privs()?;
        estiba_kernel::seccomp::install(&harmless.to_bytes(), 0)
    };
    std::thread::spawn(install).join().unwrap().is_ok()
}

fn compare(native: Arch, family: &'static [Arch]) {
    let Some(library) = library() else { return };
    let mut known = random::names();
    // Not those that this libseccomp does not know yet.
    known.retain(|name| {
        family.iter().all(|arch| {
            let theirs = library.number(*arch, name);
            theirs != -1 && u32::try_from(theirs).ok() == number_of(*arch, name)
        })
    });
    let config = Config {
        cases: 100,
        failure_persistence: None,
        ..Config::default()
    };
    let strategy = random::profile(native, family, &known).prop_flat_map(|profile| {
        let calls = prop::collection::vec(random::calls(&profile), 120);
        (Just(profile), calls)
    });
    let compared = Cell::new(0_u32);
    TestRunner::new(config)
        .run(&strategy, |(profile, calls)| {
            let Some(theirs) = library.compile(&profile) else {
                return Ok(());
            };
            if forgets_the_number(&profile, &theirs) {
                return Ok(());
            }
            let json = profile.json();
            let ours = compile_for(json.as_bytes(), native).unwrap();
            prop_assert!(is_taken_by_the_kernel(&ours));
            for (token, number, arguments) in calls {
                let call = Call {
                    token: family.get(token).map_or(0xc000_003e, |arch| arch.token()),
                    number,
                    arguments,
                };
                let verdict = expected(&profile, call, run(&theirs, call).unwrap());
                let about = profile.entries_of(call.number);
                prop_assert_eq!(
                    run(&ours.program, call).unwrap(),
                    verdict,
                    "{:x?} default {:x} {:?} {:x?}",
                    call,
                    profile.default,
                    profile.architectures,
                    about
                );
                compared.set(compared.get() + 1);
            }
            Ok(())
        })
        .unwrap();
    let compared = compared.get();
    assert!(compared > 8_000, "{compared}");
}

#[test]
fn programs_for_x86_decide_as_libseccomps() {
    compare(Arch::X86_64, &X86);
}

#[test]
fn programs_for_arm_decide_as_libseccomps() {
    compare(Arch::Aarch64, &ARM);
}

#[test]
fn no_multiplexed_call_is_forgotten() {
    assert!(MULTIPLEXED.iter().all(|name| {
        number_of(Arch::X86, name).is_some()
            || ["accept", "send", "recv", "semop", "semtimedop"].contains(name)
    }));
}
