//! What a thread of the client has done elsewhere, because it would block: making connections, and finding out who leads.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use reactor::Reactor;

use super::BACKOFF;
use crate::cluster::{Access, Map};
use crate::dial::{Address, Dialed};
use crate::error::BenchError;
use crate::moment::Moment;
use crate::producer::TopicName;

/// What came of an errand.
pub(super) enum News {
    /// Of the connection with this index.
    Connected(usize, Result<Dialed, BenchError>),
    Mapped(Result<Map, BenchError>),
}

/// See the module.
pub(super) struct Errands {
    access: Access,
    sender: Sender<News>,
    news: Receiver<News>,
    /// When the map was asked for last, and whether the answer is still to come.
    mapped: Moment,
    mapping: bool,
}

impl Errands {
    pub(super) fn new(access: Access) -> Self {
        let (sender, news) = channel();
        Self { access, sender, news, mapped: Moment::ORIGIN, mapping: false }
    }

    /// How long others may take.
    pub(super) fn timeout(&self) -> Duration {
        self.access.timeout
    }

    /// Makes a connection after a pause.
    pub(super) fn dial(&self, reactor: &mut Reactor, index: usize, address: Address, pause: Duration) {
        let (sender, access) = (self.sender.clone(), self.access.clone());
        reactor.offload(move || {
            std::thread::sleep(pause);
            // Nobody listens only if the thread has ended.
            let _ = sender.send(News::Connected(index, Dialed::open(&address, &access)));
        });
    }

    /// Asks who leads the partitions of these topics, unless that was asked just now.
    pub(super) fn look_for_leaders(
        &mut self,
        reactor: &mut Reactor,
        map: &Map,
        topics: &[TopicName],
        now: Moment,
    ) {
        if self.mapping || now.since(self.mapped) < BACKOFF {
            return;
        }
        (self.mapping, self.mapped) = (true, now);
        let (sender, mut access) = (self.sender.clone(), self.access.clone());
        access.bootstrap.extend(map.brokers.values().cloned());
        let names: Vec<_> = topics.iter().map(|topic| topic.name.clone()).collect();
        reactor.offload(move || {
            let _ = sender.send(News::Mapped(access.map(&names)));
        });
    }

    /// What has come in.
    pub(super) fn next(&mut self) -> Option<News> {
        let news = self.news.try_recv().ok()?;
        if matches!(news, News::Mapped(_)) {
            self.mapping = false;
        }
        Some(news)
    }
}
