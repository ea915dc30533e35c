//! Processes that the kernel kills for lack of memory: counted, and told with the limit that made
//! the kernel do so. What happens while the container lives is an event, all of it is in the record.

use std::time::{Duration, Instant};

use estiba_isolate::{IsolateError, OomKills, OomLevel, OomWatch, oom_ancestors, watch_oom};
use estiba_wire::v1;
use rustix::event::epoll::EventFlags;

use crate::container::Container;
use crate::monitor::{Answer, Monitor};
use crate::poller::{Key, Source};
use crate::stderr_log::Level;

/// A v1 event comes before the kill: looked at again after this time.
const SOON: Duration = Duration::from_millis(5);
/// For so long nothing is heard after an event: a v2 file also tells of memory that is short without
/// a kill, many times a second, and a container can have its children killed as often.
const PAUSE: Duration = Duration::from_millis(200);
/// After which a limit that was reached has killed whom it kills.
const SETTLED: Duration = Duration::from_secs(1);

/// The watch over one container.
#[derive(Debug)]
pub(crate) struct Oom {
    watch: OomWatch,
    /// In the event loop; `None` while nothing is to be heard.
    token: Option<u64>,
    pub(crate) look_at: Option<Instant>,
    /// Pauses before the looks after the next one, last first.
    later: Vec<Duration>,
}

impl Monitor {
    /// From its creation on, to be undone by `end_oom_watch`. Without a watch kills are still counted
    /// at the end.
    pub(crate) fn watch_oom(&mut self, key: Key) {
        if let Err(error) = self.try_watch_oom(key) {
            let fields = [("why", &*error)];
            self.log(
                Level::Warn,
                "cannot watch the memory of a container",
                &fields,
            );
        }
    }

    fn try_watch_oom(&mut self, key: Key) -> Result<(), String> {
        let Some(container) = self.containers.get_mut(&key) else {
            return Ok(());
        };
        let text = |error: IsolateError| error.message;
        let parent = parent(&container.cgroup).to_owned();
        let host = &self.host;
        let ancestors = self
            .oom_ancestors
            .entry(parent)
            .or_insert_with(|| oom_ancestors(host, &container.cgroup));
        let watch = watch_oom(host, &container.cgroup, ancestors).map_err(text)?;
        container.oom = Some(Oom {
            watch,
            token: None,
            // What was killed while it was built is seen now, and from then on events are heard.
            look_at: Some(Instant::now()),
            later: Vec::new(),
        });
        Ok(())
    }

    /// Something may have been killed, or is about to be.
    pub(crate) fn oom_event(&mut self, key: Key) {
        let found = self.take_oom_kills(key);
        let container = self.containers.get_mut(&key);
        if let Some(oom) = container.and_then(|container| container.oom.as_mut()) {
            let (event, tells_of_kills) = oom.watch.event();
            if let Some(token) = oom.token.take() {
                self.poller.remove(event, token);
            }
            let mut looks = vec![PAUSE];
            if !found && !tells_of_kills {
                looks = vec![SETTLED, PAUSE, SOON];
            }
            let first = looks.pop().unwrap_or(PAUSE);
            oom.look_at = Instant::now().checked_add(first);
            oom.later = looks;
        }
        if found {
            self.tell_oom_kills(key);
        }
    }

    /// The time to look again, and then to hear of events again, has come.
    pub(crate) fn look_at_oom(&mut self, key: Key) {
        let found = self.take_oom_kills(key);
        if let Err(why) = self.listen_again(key, found) {
            let fields = [("why", &*why)];
            self.log(
                Level::Warn,
                "cannot watch the memory of a container",
                &fields,
            );
        }
        if found {
            self.tell_oom_kills(key);
        }
    }

    fn listen_again(&mut self, key: Key, found: bool) -> Result<(), String> {
        let Some(container) = self.containers.get_mut(&key) else {
            return Ok(());
        };
        let ancestors = self.oom_ancestors.get_mut(parent(&container.cgroup));
        let (Some(oom), Some(ancestors)) = (&mut container.oom, ancestors) else {
            return Ok(());
        };
        // As long as there are kills they are looked for, not heard of.
        if found {
            oom.later = vec![PAUSE];
        }
        let pause = oom.later.pop();
        oom.look_at = pause.and_then(|pause| Instant::now().checked_add(pause));
        if oom.look_at.is_some() {
            return Ok(());
        }
        oom.watch.settle(ancestors);
        if oom.token.is_none() {
            let (event, is_exceptional) = oom.watch.event();
            let flags = if is_exceptional {
                EventFlags::PRI
            } else {
                EventFlags::IN
            };
            let added = self.poller.add_for(event, Source::Oom(key), flags);
            oom.token = Some(added.map_err(|fault| fault.message)?);
        }
        Ok(())
    }

    /// Adds what was killed since the last look to the container's sum; whether that was anything.
    pub(crate) fn take_oom_kills(&mut self, key: Key) -> bool {
        let Some(container) = self.containers.get_mut(&key) else {
            return false;
        };
        let Some(ancestors) = self.oom_ancestors.get_mut(parent(&container.cgroup)) else {
            return false;
        };
        let Some(oom) = &mut container.oom else {
            return false;
        };
        let found = estiba_isolate::take_oom_kills(&self.host, &mut oom.watch, ancestors);
        let Some(found) = found else { return false };
        let before = container.oom_kills.take().map_or(0, |sum| sum.kills);
        container.oom_kills = Some(sum(before, &found));
        if found.level != OomLevel::Own {
            self.settle_neighbours(key);
        }
        true
    }

    /// A limit above has killed here: it may be killing others now, but is no reason for what
    /// happens to them later.
    fn settle_neighbours(&mut self, key: Key) {
        let at = Instant::now().checked_add(SETTLED);
        let others = self
            .containers
            .iter_mut()
            .filter(|(other, _)| **other != key);
        for oom in others.filter_map(|(_, container)| container.oom.as_mut()) {
            oom.look_at = oom.look_at.or(at);
        }
    }

    fn tell_oom_kills(&mut self, key: Key) {
        let Some(container) = self.containers.get(&key) else {
            return;
        };
        let event = v1::ContainerOomKilled {
            container_id: container.id.clone(),
            oom: container.oom_kills.clone(),
        };
        self.publish(&Answer::ContainerOomKilled(event));
    }

    /// Ends the watch and returns all that were killed. To be called while the cgroup is there.
    pub(crate) fn end_oom_watch(&mut self, key: Key) -> Option<v1::OomKills> {
        self.take_oom_kills(key);
        let container = self.containers.get_mut(&key)?;
        if let Some(oom) = container.oom.take() {
            if let Some(token) = oom.token {
                self.poller.remove(oom.watch.event().0, token);
            }
            return container.oom_kills.clone();
        }
        let kills = estiba_isolate::oom_kill_count(&self.host, &container.cgroup).unwrap_or(0);
        container.oom_kills = (kills > 0).then(|| v1::OomKills {
            kills,
            ..v1::OomKills::default()
        });
        container.oom_kills.clone()
    }

    /// Whether any process of the container has been killed since there were `before` kills.
    pub(crate) fn oom_kills_since(&mut self, key: Key, before: u64) -> bool {
        if self.take_oom_kills(key) {
            self.tell_oom_kills(key);
        }
        self.containers
            .get(&key)
            .is_some_and(|container| container.oom_kills_so_far() > before)
    }
}

impl Container {
    pub(crate) fn oom_kills_so_far(&self) -> u64 {
        self.oom_kills.as_ref().map_or(0, |sum| sum.kills)
    }
}

fn parent(cgroup: &str) -> &str {
    cgroup.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn sum(before: u64, found: &OomKills) -> v1::OomKills {
    let level = match found.level {
        OomLevel::Own => v1::OomLevel::Container,
        OomLevel::Above(1) => v1::OomLevel::Pod,
        OomLevel::Above(_) => v1::OomLevel::Ancestor,
        OomLevel::Machine => v1::OomLevel::Node,
    };
    v1::OomKills {
        kills: before.saturating_add(found.kills),
        level: level.into(),
        cgroup: found.cgroup.clone(),
        limit_bytes: found.limit_bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kills_add_up_and_the_last_level_stands() {
        let found = |level| OomKills {
            kills: 2,
            level,
            cgroup: "/p".to_owned(),
            limit_bytes: 7,
        };
        let told = |level| sum(3, &found(level));
        assert_eq!(told(OomLevel::Own).kills, 5);
        let levels = [
            (OomLevel::Own, v1::OomLevel::Container),
            (OomLevel::Above(1), v1::OomLevel::Pod),
            (OomLevel::Above(3), v1::OomLevel::Ancestor),
            (OomLevel::Machine, v1::OomLevel::Node),
        ];
        for (level, expected) in levels {
            assert_eq!(told(level).level(), expected);
        }
    }

    #[test]
    fn the_parent_of_a_cgroup_is_what_stands_before_its_name() {
        assert_eq!(parent("/kubepods/pod1/c"), "/kubepods/pod1");
        assert_eq!(parent("/c"), "");
    }
}
