//! How long a durable write takes in the directory given: write and fdatasync, linked, one at a time, into prewritten
//! and then into merely allocated space.
//!
//!     commits [directory] [bytes per write] [writes]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use strome_reactor::{
    Chunk, ChunkSlice, Event, File, OpenOptions, Options, Placement, Reactor, Sync, Token, Waker, launch,
};
use types::{ByteCount, FilePosition};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().unwrap_or_else(|| ".".into()));
    let mut number =
        |default: usize| arguments.next().map_or(default, |text| text.parse().expect("a number"));
    let (bytes, writes) = (number(4096).next_multiple_of(Chunk::ALIGNMENT), number(2000));
    let path = directory.join(format!("strome-commits-{}", std::process::id()));
    let file = File::open(&path, OpenOptions::CREATE).expect("a file");
    std::fs::remove_file(&path).expect("the name is not needed");
    let shard = launch(Placement { name: "shard-0".into(), cpu: None }, move || async move {
        let waker = Waker::new().expect("an eventfd");
        let mut reactor = Reactor::new(Options::default(), waker).expect("a reactor");
        println!("{}, direct {}", reactor.features(), file.direct());
        let len = (bytes * writes) as u64;
        file.allocate(FilePosition(0), ByteCount(len)).expect("space");
        let mut chunk = Chunk::with_capacity(bytes);
        chunk.spare(bytes).expect("room").fill(0xa5);
        chunk.publish(bytes);
        for space in ["allocated", "prewritten"] {
            let mut times = Vec::with_capacity(writes);
            for n in 0..writes {
                let begin = Instant::now();
                let slice = chunk.slice(0..bytes);
                commit(&mut reactor, &file, FilePosition((n * bytes) as u64), slice).await;
                times.push(begin.elapsed());
            }
            report(space, &mut times);
        }
    })
    .expect("a shard");
    shard.join().expect("the shard ends well");
}

async fn commit(reactor: &mut Reactor, file: &File, at: FilePosition, slice: ChunkSlice) {
    reactor.write(file, at, vec![slice], Sync::Data, Token(0));
    let mut events = Vec::new();
    loop {
        reactor.poll(&mut events);
        match events.pop() {
            Some(Event::Wrote { result, .. }) => return result.expect("a durable write"),
            Some(_) => {}
            None => reactor.park(None).await,
        }
    }
}

fn report(space: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!("{space}: median {:?}, p99 {:?}, p99.9 {:?}", at(0.5), at(0.99), at(0.999));
}
