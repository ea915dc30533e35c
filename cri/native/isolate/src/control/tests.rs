//! The conversation, spoken by hand.

use super::*;

fn building() -> (Building, OwnedFd) {
    let (ours, theirs) = socket::seqpacket_pair().unwrap();
    (Building::new(1, theirs.try_clone().unwrap(), ours), theirs)
}

fn failure() -> Wire {
    Wire::Failed(IsolateError::invalid("test", "cannot"))
}

fn forked() -> Wire {
    Wire::Forked {
        pid: 7,
        steps: Vec::new(),
    }
}

#[test]
fn a_failure_is_told_only_when_it_is_known_what_to_clean_up() {
    let (mut building, child) = building();
    failure().send(&child, &[]).unwrap();
    assert!(read_control(&mut building).unwrap().is_none());
    forked().send(&child, &[child.as_fd()]).unwrap();
    let told = read_control(&mut building).unwrap();
    assert!(matches!(told, Some(ControlMessage::Failed(_))), "{told:?}");
    assert_eq!(building.process.as_ref().map(|(pid, _)| *pid), Some(7));
}

#[test]
fn a_user_may_be_in_as_many_groups_as_the_kernel_allows() {
    let (mut building, child) = building();
    let groups: Vec<u32> = (0..65_536).map(|n| u32::MAX - n).collect();
    let expected = groups.clone();
    let sender = std::thread::spawn(move || {
        Wire::send_groups(&groups, &child).unwrap();
        forked().send(&child, &[child.as_fd()]).unwrap();
        let ready = Wire::Ready {
            user: Some((5, 6)),
            program: Some(8),
            steps: Vec::new(),
        };
        ready.send(&child, &[]).unwrap();
    });
    let created = loop {
        match read_control(&mut building).unwrap() {
            Some(ControlMessage::Created(created)) => break created,
            None => std::thread::yield_now(),
            other => panic!("{other:?}"),
        }
    };
    sender.join().unwrap();
    let user = created.user.unwrap();
    assert_eq!((created.pid, user.uid, user.gid), (8, 5, 6));
    assert!(user.additional_gids == expected);
}

#[test]
fn a_successor_is_named_with_the_cgroup_that_it_is_in() {
    let (mut building, child) = building();
    let handed = Wire::Handed {
        pid: 9,
        cgroup: "/c".to_owned(),
        steps: Vec::new(),
    };
    handed.send(&child, &[child.as_fd()]).unwrap();
    let told = read_control(&mut building).unwrap();
    assert!(matches!(told, Some(ControlMessage::Handed)), "{told:?}");
    assert_eq!(building.builder_pid, 9);
    assert_eq!(building.cgroup.as_deref(), Some("/c"));
}

#[test]
fn a_failure_without_a_birth_is_told_when_the_builder_is_gone() {
    let (mut building, child) = building();
    failure().send(&child, &[]).unwrap();
    building.builder_pidfd = building.control.try_clone().unwrap();
    drop(child);
    let told = read_control(&mut building).unwrap();
    assert!(matches!(told, Some(ControlMessage::Failed(_))), "{told:?}");
    let told = read_control(&mut building).unwrap();
    assert!(matches!(told, Some(ControlMessage::Closed)), "{told:?}");
}

#[test]
fn a_failure_that_is_longer_than_a_message_keeps_its_beginning_and_its_reason() {
    for long in ["x".repeat(1 << 20), "\u{1}ä".repeat(20_000)] {
        let (mut building, child) = building();
        let action = format!("mount {long}");
        let error = IsolateError::kernel("mount", action, Errno::NAMETOOLONG).because(long);
        assert_eq!(crate::builder::report(&error, &child), 1);
        drop(child);
        building.is_born = true;
        building.builder_pidfd = std::fs::File::open("/dev/null").unwrap().into();
        match read_control(&mut building).unwrap() {
            Some(ControlMessage::Failed(told)) => {
                assert!(told.message.starts_with("cannot mount "), "{told}");
                assert!(told.message.ends_with(": file name too long"), "{told}");
                assert_eq!(told.code, error.code);
            }
            other => panic!("{other:?}"),
        }
    }
}
