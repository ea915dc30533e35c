use super::*;

struct Fake {
    scratch: tempfile::TempDir,
    hierarchies: Hierarchies,
}

impl Fake {
    /// A v2 tree with the cgroups /slice/pod/container.
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let hierarchies = Hierarchies {
            v2: Some(scratch.path().to_owned()),
            v2_controllers: vec!["memory".to_owned()],
            v1: Vec::new(),
        };
        let fake = Self {
            scratch,
            hierarchies,
        };
        let dir = fake.scratch.path().join("slice/pod/container");
        std::fs::create_dir_all(&dir).unwrap();
        fake.write("slice/pod", "memory.max", "4096\n");
        fake.write("slice", "memory.max", "8192\n");
        fake.write("slice/pod/container", "memory.max", "1024\n");
        fake.events("slice/pod/container", 0, 0);
        fake
    }

    fn write(&self, cgroup: &str, file: &str, text: &str) {
        std::fs::write(self.scratch.path().join(cgroup).join(file), text).unwrap();
    }

    fn events(&self, cgroup: &str, oom: u64, kills: u64) {
        let text = format!("low 0\nhigh 0\nmax 9\noom {oom}\noom_kill {kills}\n");
        self.write(cgroup, "memory.events", &text);
        self.write(cgroup, "memory.events.local", &text);
    }

    fn watch(&self) -> (OomWatch, OomAncestors) {
        let mut ancestors = self.hierarchies.oom_ancestors("/slice/pod/container");
        let watch = self
            .hierarchies
            .watch_oom("/slice/pod/container", &mut ancestors)
            .unwrap();
        (watch, ancestors)
    }
}

fn kills(count: u64, level: OomLevel, cgroup: &str, limit_bytes: u64) -> OomKills {
    OomKills {
        kills: count,
        level,
        cgroup: cgroup.to_owned(),
        limit_bytes,
    }
}

#[test]
fn the_limit_that_was_reached_is_found_at_every_level() {
    let fake = Fake::new();
    let (mut watch, mut ancestors) = fake.watch();
    let mut take = || watch.take(&fake.hierarchies, &mut ancestors);
    assert_eq!(take(), None);
    let container = "/slice/pod/container";
    fake.events("slice/pod/container", 1, 2);
    assert_eq!(take(), Some(kills(2, OomLevel::Own, container, 1024)));
    assert_eq!(take(), None, "told once");
    fake.events("slice/pod", 1, 0);
    fake.events("slice/pod/container", 1, 3);
    let pod = kills(1, OomLevel::Above(1), "/slice/pod", 4096);
    assert_eq!(take(), Some(pod));
    fake.events("slice", 1, 0);
    fake.events("slice/pod/container", 1, 4);
    let slice = kills(1, OomLevel::Above(2), "/slice", 8192);
    assert_eq!(take(), Some(slice));
    fake.events("slice/pod/container", 1, 5);
    assert_eq!(take(), Some(kills(1, OomLevel::Machine, "", 0)));
}

#[test]
fn what_happened_above_before_the_watch_is_no_reason() {
    let fake = Fake::new();
    fake.events("slice/pod", 7, 0);
    let (mut watch, mut ancestors) = fake.watch();
    fake.events("slice/pod/container", 1, 1);
    let found = watch.take(&fake.hierarchies, &mut ancestors).unwrap();
    assert_eq!(found.level, OomLevel::Own);
}

#[test]
fn a_limit_that_was_reached_without_a_kill_waits_for_the_kill() {
    let fake = Fake::new();
    let (mut watch, mut ancestors) = fake.watch();
    fake.events("slice/pod", 1, 0);
    assert_eq!(watch.take(&fake.hierarchies, &mut ancestors), None);
    fake.events("slice/pod/container", 0, 1);
    let found = watch.take(&fake.hierarchies, &mut ancestors).unwrap();
    assert_eq!(found.level, OomLevel::Above(1));
}

#[test]
fn what_killed_a_neighbour_is_no_reason_for_what_comes_later() {
    let fake = Fake::new();
    let (mut watch, mut ancestors) = fake.watch();
    fake.events("slice/pod", 1, 1);
    watch.settle(&mut ancestors);
    fake.events("slice/pod/container", 0, 1);
    let found = watch.take(&fake.hierarchies, &mut ancestors).unwrap();
    assert_eq!(found.level, OomLevel::Machine);
}

#[test]
fn a_v1_event_is_the_highest_ones_own() {
    let shares = |mut reached: Vec<u64>| {
        own_share(&mut reached);
        reached
    };
    assert_eq!(shares(vec![1, 0, 0]), [1, 0, 0]);
    assert_eq!(shares(vec![1, 1, 0]), [0, 1, 0]);
    assert_eq!(shares(vec![3, 2, 2]), [1, 0, 2]);
}
