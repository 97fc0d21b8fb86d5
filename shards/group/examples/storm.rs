//! What a storm of members costs the coordinator: so many join, join again, sync, beat 20 times and leave.
//!
//! ```text
//! cargo run --release -p strome-group --example storm
//! ```
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "it measures; the crate itself has no clock"
)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use metadata::{Image, NodeSettings};
use protocol::Str;
use protocol::messages::group_members::{
    JoinGroupRequestProtocol, MemberIdentity, SyncGroupRequestAssignment,
};
use protocol::messages::{HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, SyncGroupRequest};
use strome_group::{Context, Coordinator, Effects, Request, Response, Settings, Ticket};
use types::{BrokerId, TimestampMs, Uuid};

/// What consumers say about themselves: about as much as one that owns 20 partitions does.
const METADATA: &[u8] = &[0; 200];

fn main() {
    println!("members  in all (ms)  for each (us)");
    for members in [10, 100, 500, 1_000, 2_000, 4_000] {
        let best = (0..5).map(|_| Storm::new().run(members)).min().unwrap_or(Duration::ZERO);
        let each = best.as_secs_f64() * 1e6 / members as f64;
        println!("{members:>7}  {:>11.2}  {each:>13.2}", best.as_secs_f64() * 1e3);
    }
}

struct Storm {
    coordinator: Coordinator,
    image: Image,
    now: TimestampMs,
    tickets: u64,
}

impl Storm {
    fn new() -> Self {
        let node = NodeSettings { id: BrokerId(1), file: BTreeMap::new() };
        let image = Image::new(node).expect("defaults are in order");
        let mut settings = Settings::default();
        settings.classic.initial_rebalance_delay_ms = 0;
        Self { coordinator: Coordinator::new(settings), image, now: TimestampMs(0), tickets: 0 }
    }

    /// Sends a request; gives the answers that came.
    fn send(&mut self, request: Request) -> Vec<Response> {
        self.tickets += 1;
        let context = Context {
            ticket: Ticket(self.tickets),
            version: 5,
            now: self.now,
            client_id: "client",
            client_host: "/127.0.0.1",
            unique: Uuid(u128::from(self.tickets).to_be_bytes()),
            image: &self.image,
        };
        let mut out = Effects::default();
        self.coordinator.handle(request, &context, &mut out);
        out.replies.into_iter().map(|reply| reply.response).collect()
    }

    fn pass(&mut self, ms: i64) {
        self.now = self.now.plus(ms);
        while self.coordinator.next_deadline().is_some_and(|at| at <= self.now) {
            self.coordinator.expire(self.now, &self.image, &mut Effects::default());
        }
    }

    fn run(&mut self, members: usize) -> Duration {
        let began = Instant::now();
        let ids: Vec<Str> = (0..members).filter_map(|_| first_id(&self.send(join("")))).collect();
        for id in &ids {
            self.send(join(id));
        }
        self.pass(0);
        let rejoined: Vec<Response> = ids.iter().flat_map(|id| self.send(join(id))).collect();
        let Some(leader) = rejoined.iter().find_map(leader) else { return began.elapsed() };
        for id in ids.iter().filter(|id| **id != leader) {
            self.send(sync(id, &[]));
        }
        self.send(sync(&leader, &ids));
        for _ in 0..20 {
            self.pass(3_000);
            for id in &ids {
                let request = HeartbeatRequest {
                    group_id: "g".into(),
                    generation_id: 1,
                    member_id: id.clone(),
                    ..Default::default()
                };
                self.send(Request::Heartbeat(request));
            }
        }
        for id in ids {
            let members = vec![MemberIdentity { member_id: id, ..Default::default() }];
            let request = LeaveGroupRequest { group_id: "g".into(), members, ..Default::default() };
            self.send(Request::LeaveGroup(request));
        }
        began.elapsed()
    }
}

fn join(id: &str) -> Request {
    let protocol = JoinGroupRequestProtocol { name: "range".into(), metadata: Bytes::from_static(METADATA) };
    Request::JoinGroup(JoinGroupRequest {
        group_id: "g".into(),
        session_timeout_ms: 45_000,
        rebalance_timeout_ms: 300_000,
        member_id: id.into(),
        protocol_type: "consumer".into(),
        protocols: vec![protocol],
        ..Default::default()
    })
}

fn sync(id: &str, given: &[Str]) -> Request {
    let assignment = |id: &Str| SyncGroupRequestAssignment {
        member_id: id.clone(),
        assignment: Bytes::from_static(METADATA),
    };
    Request::SyncGroup(SyncGroupRequest {
        group_id: "g".into(),
        generation_id: 1,
        member_id: id.into(),
        assignments: given.iter().map(assignment).collect(),
        ..Default::default()
    })
}

/// The id that a client was given.
fn first_id(responses: &[Response]) -> Option<Str> {
    match responses.first()? {
        Response::JoinGroup(response) => Some(response.member_id.clone()),
        _ => None,
    }
}

fn leader(response: &Response) -> Option<Str> {
    match response {
        Response::JoinGroup(response) if !response.leader.is_empty() => Some(response.leader.clone()),
        _ => None,
    }
}
