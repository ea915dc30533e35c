use estiba_isolate::oci::{Changes, ExecCommand};

use super::*;

fn parsed(line: &str) -> Result<Invocation, (Refusal, Log)> {
    let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
    parse(&words)
}

fn refusal(line: &str) -> Refusal {
    parsed(line).unwrap_err().0
}

#[test]
fn the_shims_way_of_calling_is_understood() {
    let line = "--root /r --log /l --log-format json create --bundle /b --pid-file=/p \
                --console-socket /c id-1";
    let expected = Invocation {
        root: "/r".into(),
        log: Log {
            path: Some("/l".into()),
            format: Format::Json,
        },
        command: Command::Create(Build {
            id: "id-1".to_owned(),
            bundle: "/b".into(),
            pid_file: Some("/p".into()),
            console_socket: Some("/c".into()),
        }),
    };
    assert_eq!(parsed(line), Ok(expected));
}

#[test]
fn options_may_stand_before_or_after_the_id() {
    let kill = |all| Command::Kill {
        id: "x".to_owned(),
        signal: 9,
        all,
    };
    for (line, all) in [
        ("kill x KILL", false),
        ("kill --all x 9", true),
        ("kill --all=false x 9", false),
        ("kill x 9 -a", true),
    ] {
        assert_eq!(parsed(line).unwrap().command, kill(all), "{line}");
    }
    let delete = parsed("delete -f -- -x").unwrap().command;
    let expected = Command::Delete {
        id: "-x".to_owned(),
        force: true,
    };
    assert_eq!(delete, expected);
}

#[test]
fn without_options_the_defaults_hold() {
    let invocation = parsed("kill x").unwrap();
    assert_eq!(invocation.root, PathBuf::from("/run/estiba-oci"));
    assert_eq!(invocation.log, Log::default());
    let expected = Command::Kill {
        id: "x".to_owned(),
        signal: 15,
        all: false,
    };
    assert_eq!(invocation.command, expected);
}

#[test]
fn what_this_runtime_does_not_have_is_refused_by_name() {
    for (line, name) in [
        ("--systemd-cgroup create x", "--systemd-cgroup"),
        ("create --no-pivot x", "--no-pivot"),
        ("create --preserve-fds 2 x", "--preserve-fds"),
        ("create --no-new-keyring x", "--no-new-keyring"),
        ("run --no-pivot x", "--no-pivot"),
        ("exec --preserve-fds 1 x true", "--preserve-fds"),
        ("exec --cgroup /a x true", "--cgroup"),
        ("checkpoint x", "\"checkpoint\""),
    ] {
        match refusal(line) {
            Refusal::Unsupported(message) => assert!(message.contains(name), "{message}"),
            Refusal::Usage(message) => panic!("{line}: {message}"),
        }
    }
    assert!(parsed("create --preserve-fds 0 x").is_ok());
}

#[test]
fn a_refusal_knows_the_log_whatever_the_order() {
    let (_, log) = parsed("--systemd-cgroup --log /l --log-format=json state x").unwrap_err();
    assert_eq!(log.path, Some("/l".into()));
    assert_eq!(log.format, Format::Json);
}

#[test]
fn nonsense_is_a_usage_error() {
    for line in [
        "",
        "--root",
        "frob x",
        "start",
        "start a b",
        "start --force a",
        "kill x NOPE",
        "kill a 1 2",
        "delete --force=maybe x",
        "--log-format xml state x",
        "features x",
        "exec",
        "exec x",
        "exec -u root x true",
        "exec -g -1 x true",
        "pause",
        "ps",
        "ps --format xml x",
        "list x",
        "events --interval 5 x",
        "events --interval 0s x",
        "update",
        "update --memory lots x",
        "update --cpu-share -x x",
    ] {
        assert!(matches!(refusal(line), Refusal::Usage(_)), "{line}");
    }
}

#[test]
fn a_command_begins_behind_the_container_and_keeps_its_options() {
    let line =
        "exec -t --cwd /w -e A=b --env=C=d -u 5:6 -g 7 -c CAP_KILL --no-new-privs -d x ls -l --";
    let Command::Exec(exec) = parsed(line).unwrap().command else {
        panic!("not an exec");
    };
    assert_eq!((exec.id.as_str(), exec.detach), ("x", true));
    let expected = Changes {
        argv: ["ls", "-l", "--"].map(str::to_owned).into(),
        cwd: Some("/w".to_owned()),
        env: ["A=b", "C=d"].map(str::to_owned).into(),
        tty: true,
        user: Some((5, Some(6))),
        additional_gids: vec![7],
        no_new_privs: true,
        capabilities: vec!["CAP_KILL".to_owned()],
        ..Changes::default()
    };
    assert_eq!(exec.command, ExecCommand::Changes(expected));
}

#[test]
fn engines_give_the_process_as_a_document() {
    let line =
        "exec --process /p.json --detach --console-socket /c --pid-file /f --ignore-paused x";
    let expected = Exec {
        id: "x".to_owned(),
        command: ExecCommand::Document("/p.json".into()),
        pid_file: Some("/f".into()),
        console_socket: Some("/c".into()),
        detach: true,
        ignore_paused: true,
    };
    assert_eq!(parsed(line).unwrap().command, Command::Exec(expected));
}

#[test]
fn run_takes_what_create_takes_and_more() {
    let line = "run -d --keep -b /b --pid-file /p x";
    let expected = Command::Run {
        build: Build {
            id: "x".to_owned(),
            bundle: "/b".into(),
            pid_file: Some("/p".into()),
            console_socket: None,
        },
        detach: true,
        keep: true,
    };
    assert_eq!(parsed(line).unwrap().command, expected);
}

#[test]
fn limits_stand_where_the_spec_has_them() {
    let line =
        "update --memory 64m --memory-swap -1 --cpu-share 512 --cpuset-cpus 0-1 --pids-limit 7 x";
    let expected = Command::Update {
        id: "x".to_owned(),
        limits: Limits::Given(serde_json::json!({
            "memory": {"limit": 64 << 20, "swap": -1},
            "cpu": {"shares": 512, "cpus": "0-1"},
            "pids": {"limit": 7},
        })),
    };
    assert_eq!(parsed(line).unwrap().command, expected);
    let limits = |line: &str| {
        let Command::Update { limits, .. } = parsed(line).unwrap().command else {
            panic!("{line}");
        };
        limits
    };
    assert_eq!(limits("update --resources - x"), Limits::Stdin);
    assert_eq!(limits("update x -r /f"), Limits::File("/f".into()));
}

#[test]
fn what_is_looked_at_can_be_chosen() {
    let expected = Command::Ps {
        id: "x".to_owned(),
        is_json: true,
        arguments: ["-o", "pid"].map(str::to_owned).into(),
    };
    assert_eq!(parsed("ps -f json x -o pid").unwrap().command, expected);
    let expected = Command::List {
        is_json: false,
        only_ids: true,
    };
    assert_eq!(parsed("list -q").unwrap().command, expected);
    let events = |interval| Command::Events {
        id: "x".to_owned(),
        interval,
    };
    assert_eq!(parsed("events --stats x").unwrap().command, events(None));
    let often = Some(Duration::from_millis(1500));
    assert_eq!(
        parsed("events --interval 1.5s x").unwrap().command,
        events(often)
    );
    let usual = Some(Duration::from_secs(5));
    assert_eq!(parsed("events x").unwrap().command, events(usual));
}
