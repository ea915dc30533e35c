//! The scenarios, each a sentence.

mod bundle;
mod escape;
mod filters;
mod kernel;
mod mounts;
mod processes;

use std::fs;
use std::time::{Duration, Instant};

use estiba_kernel::spawn::Ended;
use serde_json::Value;

use crate::fixture::{Fixture, Pod, parent};

type Scenario = fn(&Fixture);

pub const ALL: &[(&str, Scenario)] = &[
    ("a_container_runs_and_its_exit_code_is_seen", runs),
    ("limits_stand_in_the_kernel", kernel::limits),
    ("a_limit_that_needs_v2_says_so", kernel::needs_v2),
    (
        "namespaces_are_the_pods_and_pid_1_is_ours",
        kernel::namespaces,
    ),
    ("paths_are_masked_and_read_only", mounts::masked),
    ("volumes_follow_their_options", mounts::volumes),
    ("symlinks_in_the_image_lead_nowhere_else", mounts::symlinks),
    ("propagation_needs_a_shared_source", mounts::propagation),
    ("users_come_from_the_image", processes::users),
    (
        "capabilities_are_exact_in_init_and_exec",
        processes::capabilities,
    ),
    ("a_filter_is_in_force_in_init_and_exec", filters::enforced),
    (
        "a_program_may_be_left_nothing_but_its_own_calls",
        filters::strict,
    ),
    ("a_filter_that_cannot_be_says_why", filters::refused),
    ("commands_run_in_the_container", processes::exec),
    (
        "a_killed_exec_takes_its_descendants_along",
        processes::exec_kill,
    ),
    ("failures_say_why", processes::failures),
    (
        "what_enters_a_pods_pid_namespace_has_nothing_of_the_host",
        escape::closed,
    ),
    (
        "what_enters_a_pods_pid_namespace_has_nothing_of_the_host_in_a_user_namespace",
        escape::closed_in_user_namespace,
    ),
    (
        "what_joins_another_containers_pid_namespace_has_no_privileges_there",
        escape::joined,
    ),
    (
        "a_target_cannot_pass_something_else_for_its_procfs",
        escape::misdirected,
    ),
    ("a_terminal_is_the_containers_own", processes::terminal),
    (
        "a_long_path_is_no_obstacle_to_the_root_file_system",
        mounts::long_path,
    ),
    ("the_old_way_of_mounting_works", mounts::legacy),
    ("sysctls_of_the_host_are_refused", kernel::sysctls),
    (
        "a_sysctl_that_something_is_mounted_over_is_written_and_nothing_else",
        kernel::misdirected_sysctl,
    ),
    (
        "sysctls_are_set_where_parts_of_proc_are_mounts",
        kernel::sysctls_of_mounted_parts,
    ),
    ("an_oom_kill_is_counted", kernel::oom),
    ("a_bundle_lives_through_the_oci_command_line", bundle::oci),
];

/// Cgroups and processes that tests have left.
pub fn left_behind(fixture: &Fixture) -> Vec<String> {
    let mut left = Vec::new();
    for name in ["unified", "memory", "pids", "freezer", "cpu", "devices", ""] {
        let dir = format!("/sys/fs/cgroup/{name}{}", parent());
        if let Ok(entries) = fs::read_dir(&dir) {
            let dirs = entries.flatten().filter(|e| e.path().is_dir());
            left.extend(dirs.map(|entry| entry.path().display().to_string()));
        }
    }
    if left.is_empty() {
        estiba_isolate::remove_cgroup(&fixture.host, &parent(), Duration::from_secs(1)).unwrap();
    }
    left
}

fn sh(pod: &Pod<'_>, script: &str) -> Value {
    pod.spec(&["/bin/sh", "-c", script])
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn runs(fixture: &Fixture) {
    let pod = fixture.pod();
    let (ended, text) = pod.run(&sh(&pod, "cat /etc/layer; exit 7"));
    assert_eq!(ended, Ended::Exited(7));
    assert_eq!(text, "top\n");
}
