//! Times pods, containers and execs by step: `lifecycle-bench [rounds] [pause in ms]`. Needs what the
//! container tests need.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "a developer's measuring tool"
)]

#[path = "../tests/containers/fixture.rs"]
mod fixture;
#[path = "../tests/containers/running.rs"]
mod running;
#[path = "../tests/containers/spec.rs"]
mod spec;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use estiba_kernel::spawn::wait_pidfd;

#[derive(Default)]
struct Table(Vec<String>, BTreeMap<String, Vec<u64>>);

impl Table {
    fn add(&mut self, name: &str, us: u64) {
        if !self.1.contains_key(name) {
            self.0.push(name.to_owned());
        }
        self.1.entry(name.to_owned()).or_default().push(us);
    }

    fn since(&mut self, name: &str, start: Instant) {
        self.add(name, u64::try_from(start.elapsed().as_micros()).unwrap());
    }

    fn print(&mut self) {
        println!(
            "{:<32} {:>8} {:>8} {:>8}",
            "step", "p50 us", "p90 us", "max us"
        );
        for name in &self.0 {
            let values = self.1.get_mut(name).unwrap();
            values.sort_unstable();
            let at = |q: usize| values[(values.len() - 1) * q / 100];
            println!("{name:<32} {:>8} {:>8} {:>8}", at(50), at(90), at(100));
        }
    }
}

fn main() {
    let number = |n: usize, default: u64| {
        std::env::args()
            .nth(n)
            .map_or(default, |text| text.parse().unwrap())
    };
    let (rounds, pause) = (number(1, 50), Duration::from_millis(number(2, 0)));
    estiba_kernel::spawn::unshare(libc::CLONE_NEWNS).unwrap();
    let private =
        rustix::mount::MountPropagationFlags::PRIVATE | rustix::mount::MountPropagationFlags::REC;
    rustix::mount::mount_change("/", private).unwrap();
    let fixture = fixture::Fixture::new(Path::new("/bin/busybox"));
    let mut table = Table::default();
    for _ in 0..rounds {
        std::thread::sleep(pause);
        let start = Instant::now();
        let pod = fixture.pod();
        table.since("POD", start);
        std::thread::sleep(pause);
        let spec = pod.spec(&["/bin/sleep", "100"]);
        let start = Instant::now();
        let mut running = pod.create(&spec);
        table.since("CREATE and builder reaped", start);
        let us = |time: Duration| u64::try_from(time.as_micros()).unwrap();
        table.add("CREATE from fork to parked", us(fixture.waited.get()));
        for step in &running.created.steps {
            table.add(&format!("  create {}", step.step), step.elapsed_us);
        }
        let start = Instant::now();
        running.start().unwrap();
        table.since("START", start);
        std::thread::sleep(pause);
        let start = Instant::now();
        let (created, _output) = pod.spawn_exec(&running, &["/bin/true"], None).unwrap();
        table.since("EXEC to running, builder reaped", start);
        table.add("EXEC from fork to running", us(fixture.waited.get()));
        wait_pidfd(&created.pidfd, true).unwrap();
        table.since("EXEC to reaped", start);
        for step in &created.steps {
            table.add(&format!("  exec {}", step.step), step.elapsed_us);
        }
        std::thread::sleep(pause);
        let start = Instant::now();
        pod.remove(&running);
        table.since("KILL and REMOVE", start);
        let start = Instant::now();
        drop(pod);
        table.since("POD REMOVE", start);
    }
    table.print();
    estiba_isolate::remove_cgroup(&fixture.host, &fixture::parent(), Duration::from_secs(1))
        .unwrap();
}
