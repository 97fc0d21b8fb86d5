//! Sockets of a reactor against the standard library's.

mod stage;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use stage::{on_shard, run_echo};

#[test]
fn an_echo_answers_over_one_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let shard = on_shard(move |mut reactor| async move { run_echo(&mut reactor, listener).await });
    let mut stream = TcpStream::connect(address).unwrap();
    for round in 0..100u8 {
        let text = vec![round; usize::from(round) * 100 + 1];
        stream.write_all(&text).unwrap();
        let mut back = vec![0; text.len()];
        stream.read_exact(&mut back).unwrap();
        assert_eq!(text, back);
    }
    drop(stream);
    shard.end();
}
