use proptest::prelude::*;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

use super::*;
use crate::v1::{self, MonitorRequest, launcher_request, monitor_reply, monitor_request};

fn pair(flags: SocketFlags) -> (std::os::fd::OwnedFd, std::os::fd::OwnedFd) {
    socketpair(
        AddressFamily::UNIX,
        SocketType::STREAM,
        flags | SocketFlags::CLOEXEC,
        None,
    )
    .unwrap()
}

fn framed(message: &impl Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    append(&mut bytes, message).unwrap();
    bytes
}

#[test]
fn a_message_travels_over_a_socket() {
    let (left, right) = pair(SocketFlags::empty());
    let request = v1::LauncherRequest {
        version: 1,
        job: Some(launcher_request::Job::Ping(v1::Ping::default())),
    };
    send(&left, &request).unwrap();
    let mut reader = FrameReader::new();
    assert_eq!(
        receive::<v1::LauncherRequest>(&right, &mut reader).unwrap(),
        request
    );
}

#[test]
fn an_announced_length_above_the_limit_is_refused_before_its_bytes_come() {
    let mut reader = FrameReader::new();
    let length = u32::try_from(MAX_FRAME_BYTES + 1).unwrap();
    reader.push_bytes(&length.to_le_bytes());
    assert!(matches!(
        reader.next_frame::<v1::Ping>(),
        Err(FrameError::TooLong(_))
    ));
}

#[test]
fn bytes_that_are_no_message_are_refused() {
    let mut reader = FrameReader::new();
    reader.push_bytes(&[3, 0, 0, 0, 0xff, 0xff, 0xff]);
    assert!(matches!(
        reader.next_frame::<MonitorRequest>(),
        Err(FrameError::Malformed(_))
    ));
}

#[test]
fn an_end_inside_a_frame_is_an_error_and_an_end_between_frames_is_not() {
    let (left, right) = pair(SocketFlags::empty());
    let bytes = framed(&v1::ReopenLog {
        container_id: "x".repeat(64),
    });
    rustix::io::write(&left, &bytes).unwrap();
    rustix::io::write(&left, &bytes[..20]).unwrap();
    drop(left);
    let mut reader = FrameReader::new();
    let _: v1::ReopenLog = receive(&right, &mut reader).unwrap();
    assert!(matches!(
        receive::<v1::ReopenLog>(&right, &mut reader),
        Err(FrameError::Closed)
    ));

    let (left, right) = pair(SocketFlags::empty());
    drop(left);
    assert_eq!(FrameReader::new().fill(&right).unwrap(), Fill::Eof);
}

#[test]
fn a_slow_peer_gets_everything_in_order_and_the_queue_is_bounded() {
    let (left, right) = pair(SocketFlags::NONBLOCK);
    let mut writer = FrameWriter::new(1 << 20);
    let message = v1::ExecOutput {
        stdout: vec![7; 60_000],
        stderr: Vec::new(),
    };
    let mut pushed = 0;
    while writer.push(&message).is_ok() {
        pushed += 1;
    }
    assert!(writer.queued() < (1 << 20) + 70_000);
    let mut reader = FrameReader::new();
    let mut received = 0;
    loop {
        let empty = writer.flush(&left).unwrap();
        while reader.fill(&right).unwrap() == Fill::Some {
            while let Some(got) = reader.next_frame::<v1::ExecOutput>().unwrap() {
                assert_eq!(got, message);
                received += 1;
            }
        }
        if empty {
            break;
        }
    }
    assert_eq!(received, pushed);
    assert_eq!(writer.queued(), 0);
    assert!(
        writer.queue.capacity() <= KEEP_BYTES,
        "a drained queue gives its memory back"
    );
    assert!(reader.pending.capacity() <= MAX_FRAME_BYTES);
}

#[test]
fn a_message_above_the_limit_is_not_sent() {
    let mut writer = FrameWriter::new(usize::MAX);
    let message = v1::ExecOutput {
        stdout: vec![0; MAX_FRAME_BYTES],
        stderr: Vec::new(),
    };
    assert!(matches!(writer.push(&message), Err(FrameError::TooLong(_))));
    assert_eq!(writer.queued(), 0);
}

fn any_request() -> impl Strategy<Value = MonitorRequest> {
    let call = prop_oneof![
        Just(monitor_request::Call::GetPod(v1::GetPod {})),
        ("[0-9a-f]{0,64}", any::<i32>(), any::<u64>()).prop_map(
            |(container_id, signal, grace_ms)| {
                monitor_request::Call::StopContainer(v1::StopContainer {
                    container_id,
                    signal,
                    grace_ms,
                })
            }
        ),
        (
            "[0-9a-f]{64}",
            prop::collection::vec(any::<u8>(), 0..5000),
            any::<bool>()
        )
            .prop_map(|(container_id, spec_json, tty)| {
                monitor_request::Call::CreateContainer(v1::CreateContainer {
                    container_id,
                    spec_json,
                    stdio: Some(v1::Stdio {
                        tty,
                        ..Default::default()
                    }),
                    ..Default::default()
                })
            }),
    ];
    (any::<u64>(), call).prop_map(|(id, call)| MonitorRequest {
        version: 1,
        id,
        call: Some(call),
    })
}

proptest! {
    #[test]
    fn any_cut_of_the_stream_gives_back_the_same_messages(
        requests in prop::collection::vec(any_request(), 0..8),
        cuts in prop::collection::vec(1_usize..700, 1..50),
    ) {
        let stream: Vec<u8> = requests.iter().flat_map(framed).collect();
        let mut reader = FrameReader::new();
        let mut got = Vec::new();
        let mut rest = stream.as_slice();
        let mut cut = cuts.iter().cycle();
        while !rest.is_empty() {
            let (now, later) = rest.split_at((*cut.next().unwrap()).min(rest.len()));
            reader.push_bytes(now);
            while let Some(message) = reader.next_frame::<MonitorRequest>().unwrap() {
                got.push(message);
            }
            rest = later;
        }
        prop_assert_eq!(got, requests);
    }

    #[test]
    fn arbitrary_bytes_never_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let mut reader = FrameReader::new();
        reader.push_bytes(&bytes);
        while let Ok(Some(reply)) = reader.next_frame::<v1::MonitorReply>() {
            prop_assert!(!matches!(reply.result, Some(monitor_reply::Result::Fault(_))) || reply.encoded_len() > 0);
        }
    }
}
