//! Sockets of a reactor against the standard library's, with and without each of the kernel's abilities.

mod stage;

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use stage::{Stage, on_shard, on_shard_with, run_echo};
use strome_reactor::{Allow, Event, Options, ReceiveEnd, Socket, Token};

const LISTENER: Token = Token(1000);
const RECEIVE: Token = Token(1);
const SEND: Token = Token(2);

/// Everything allowed, and each ability forbidden in turn, and all.
fn kinds() -> Vec<Options> {
    let all = Allow::ALL;
    [
        all,
        Allow { defer_taskrun: false, ..all },
        Allow { defer_taskrun: false, coop_taskrun: false, ..all },
        Allow { multishot_accept: false, ..all },
        Allow { multishot_receive: false, ..all },
        Allow::NONE,
    ]
    .map(|allow| Options { allow, ..Options::default() })
    .into()
}

fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

impl Stage {
    /// The events up to and with the first that `wanted` accepts.
    async fn until(&mut self, wanted: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut all = Vec::new();
        loop {
            for event in self.next().await {
                all.push(event);
            }
            if all.iter().any(&wanted) {
                return all;
            }
        }
    }

    /// Accepts one connection, with the listener still open.
    async fn accept_one(&mut self, listener: TcpListener) -> Socket {
        self.reactor.accept(listener, LISTENER);
        self.accepted().await
    }

    async fn accepted(&mut self) -> Socket {
        let mut events = self.until(|event| matches!(event, Event::Accepted { .. })).await;
        assert_eq!(events.len(), 1);
        match events.remove(0) {
            Event::Accepted { socket, token, peer } => {
                assert_eq!(token, LISTENER);
                assert_eq!(peer, socket.peer_addr().unwrap());
                socket
            }
            _ => unreachable!(),
        }
    }

    async fn receive_end(&mut self) -> (Vec<u8>, ReceiveEnd) {
        let mut bytes = Vec::new();
        let events = self.until(|event| matches!(event, Event::ReceiveEnded { .. })).await;
        let mut end = None;
        for event in events {
            match event {
                Event::Received { token: RECEIVE, data } => {
                    assert!(end.is_none(), "data after the end");
                    bytes.extend_from_slice(&data);
                }
                Event::ReceiveEnded { token: RECEIVE, end: why } => {
                    assert!(end.replace(why).is_none(), "a second end");
                }
                other => panic!("unexpected {other:?}"),
            }
        }
        (bytes, end.unwrap())
    }
}

#[test]
fn an_echo_answers_over_one_connection() {
    for options in kinds() {
        let (listener, address) = listen();
        let shard =
            on_shard_with(options, move |mut stage| async move { run_echo(&mut stage, listener).await });
        let mut stream = TcpStream::connect(address).unwrap();
        for round in 0..50u8 {
            let text = vec![round; usize::from(round) * 1000 + 1];
            stream.write_all(&text).unwrap();
            let mut back = vec![0; text.len()];
            stream.read_exact(&mut back).unwrap();
            assert_eq!(text, back);
        }
        drop(stream);
        shard.end();
    }
}

#[test]
fn an_echo_answers_while_a_background_task_lives() {
    for options in kinds() {
        let (listener, address) = listen();
        let shard = on_shard_with(options, move |mut stage| async move {
            strome_reactor::spawn_background(async {
                for _ in 0..20 {
                    strome_reactor::sleep(Duration::from_millis(1)).await;
                }
            });
            run_echo(&mut stage, listener).await;
        });
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        // Long enough to see the task begin, live and end.
        for round in 0..500 {
            let text = [round as u8; 100];
            stream.write_all(&text).unwrap();
            let mut back = [0; 100];
            stream.read_exact(&mut back).unwrap();
            assert_eq!(text, back);
            if round % 100 == 0 {
                thread::sleep(Duration::from_millis(3));
            }
        }
        drop(stream);
        shard.end();
    }
}

#[test]
fn thousands_of_connections_are_echoed_at_once() {
    const CONNECTIONS: usize = 3000;
    for allow in [Allow::ALL, Allow::NONE] {
        let (listener, address) = listen();
        // Far fewer buffers than connections, and a small ring: everything has to wait for something.
        let options = Options {
            submissions: 32,
            completions: 64,
            receive_buffers: 16,
            receive_buffer_bytes: 2048,
            allow,
            ..Options::default()
        };
        let shard =
            on_shard_with(options, move |mut stage| async move { run_echo(&mut stage, listener).await });
        let mut streams: Vec<TcpStream> = Vec::new();
        while streams.len() < CONNECTIONS {
            // An answer to the last shows that the listen queue, which is short, is empty again.
            streams.extend((0..100).map(|_| TcpStream::connect(address).unwrap()));
            let last = streams.last_mut().unwrap();
            last.write_all(b"?").unwrap();
            last.read_exact(&mut [0]).unwrap();
        }
        for round in 0..3u8 {
            for (number, stream) in streams.iter_mut().enumerate() {
                stream.write_all(&text(number, round)).unwrap();
            }
            for (number, stream) in streams.iter_mut().enumerate() {
                stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
                let mut back = vec![0; text(number, round).len()];
                stream.read_exact(&mut back).unwrap();
                assert_eq!(back, text(number, round), "connection {number}");
            }
        }
        drop(streams);
        shard.end();
    }
}

fn text(number: usize, round: u8) -> Vec<u8> {
    let mut text = vec![round; 20 + number % 5000];
    text[..8].copy_from_slice(&(number as u64).to_le_bytes());
    text
}

#[test]
fn a_large_send_of_many_pieces_arrives_whole_and_in_order() {
    for (options, at_once) in kinds().into_iter().flat_map(|kind| [(kind.clone(), false), (kind, true)]) {
        let (listener, address) = listen();
        let client = thread::spawn(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            // The server's socket buffers fill up first.
            thread::sleep(Duration::from_millis(50));
            let mut all = Vec::new();
            stream.read_to_end(&mut all).unwrap();
            all
        });
        // More pieces than one call takes, with empty ones among them, of very different sizes.
        let pieces: Vec<Bytes> = (0..5000usize)
            .map(|n| Bytes::from(vec![n as u8; if n % 100 == 0 { 100_000 } else { n % 7 }]))
            .collect();
        let whole: Vec<u8> = pieces.iter().flat_map(|piece| piece.iter().copied()).collect();
        let total = whole.len();
        let shard = on_shard_with(options, move |mut stage| async move {
            let socket = stage.accept_one(listener).await;
            if at_once {
                assert!(
                    !stage.reactor.send_at_once(&socket, pieces, SEND),
                    "more than any socket takes at once"
                );
            } else {
                stage.reactor.send(&socket, pieces, SEND);
            }
            match stage.next().await.remove(0) {
                Event::Sent { token: SEND, result } => assert_eq!(result.unwrap(), total),
                other => panic!("unexpected {other:?}"),
            }
            stage.reactor.shutdown(&socket);
        });
        assert!(client.join().unwrap() == whole, "the bytes differ");
        shard.join();
    }
}

#[test]
fn what_a_socket_takes_at_once_is_out_before_anybody_polls_and_no_event_follows() {
    let (listener, address) = listen();
    let mut stream = TcpStream::connect(address).unwrap();
    on_shard(move |mut stage| async move {
        let socket = stage.accept_one(listener).await;
        let pieces =
            |texts: &[&'static str]| texts.iter().map(|text| Bytes::from_static(text.as_bytes())).collect();
        for texts in [&["one"][..], &[], &[""], &["two ", "", "three"]] {
            assert!(stage.reactor.send_at_once(&socket, pieces(texts), SEND), "{texts:?}");
        }
        let mut got = [0; 12];
        stream.read_exact(&mut got).unwrap();
        assert_eq!(&got, b"onetwo three");
        let mut events = Vec::new();
        stage.reactor.poll(&mut events);
        assert_eq!((events.len(), stage.reactor.operations_in_flight()), (0, 1), "only the accept goes on");
    })
    .join();
}

#[test]
fn an_empty_send_is_sent() {
    let (listener, address) = listen();
    let stream = TcpStream::connect(address).unwrap();
    on_shard(move |mut stage| async move {
        let socket = stage.accept_one(listener).await;
        stage.reactor.send(&socket, vec![Bytes::new()], SEND);
        assert!(matches!(stage.next().await[..], [Event::Sent { token: SEND, result: Ok(0) }]));
    })
    .join();
    drop(stream);
}

#[test]
fn a_peer_that_closes_ends_the_receive_after_its_last_bytes() {
    for options in kinds() {
        let (listener, address) = listen();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"last words").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        on_shard_with(options, move |mut stage| async move {
            let socket = stage.accept_one(listener).await;
            stage.reactor.receive(&socket, RECEIVE);
            let (bytes, end) = stage.receive_end().await;
            assert_eq!(bytes, b"last words");
            assert!(matches!(end, ReceiveEnd::Closed), "{end:?}");
        })
        .join();
    }
}

#[test]
fn a_peer_that_resets_fails_the_receive_and_the_send() {
    for options in kinds() {
        let (listener, address) = listen();
        let stream = TcpStream::connect(address).unwrap();
        on_shard_with(options, move |mut stage| async move {
            let socket = stage.accept_one(listener).await;
            stage.reactor.receive(&socket, RECEIVE);
            let mut nothing = Vec::new();
            stage.reactor.poll(&mut nothing);
            reset(stream);
            let (_, end) = stage.receive_end().await;
            assert!(
                matches!(&end, ReceiveEnd::Failed(e) if e.kind() == ErrorKind::ConnectionReset),
                "{end:?}"
            );
            let too_late = || vec![Bytes::from_static(b"too late")];
            for at_once in [false, true] {
                if at_once {
                    assert!(!stage.reactor.send_at_once(&socket, too_late(), SEND));
                } else {
                    stage.reactor.send(&socket, too_late(), SEND);
                }
                match stage.next().await.remove(0) {
                    Event::Sent { token: SEND, result: Err(error) } => {
                        assert!(
                            matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset),
                            "{error}"
                        );
                    }
                    other => panic!("unexpected {other:?}"),
                }
            }
        })
        .join();
    }
}

/// Closes with a reset instead of a farewell.
fn reset(stream: TcpStream) {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    // SAFETY: the option's value is a readable `linger` of the length that is passed; the descriptor is open.
    let outcome = unsafe {
        libc::setsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_LINGER,
            (&raw const linger).cast(),
            size_of::<libc::linger>() as libc::socklen_t,
        )
    };
    assert_eq!(outcome, 0);
}

#[test]
fn a_paused_receive_leaves_the_bytes_in_the_socket_for_the_next_one() {
    for options in kinds() {
        let (listener, address) = listen();
        let mut stream = TcpStream::connect(address).unwrap();
        on_shard_with(options, move |mut stage| async move {
            let socket = stage.accept_one(listener).await;
            for round in 0..20u8 {
                stage.reactor.receive(&socket, RECEIVE);
                stage.reactor.poll(&mut Vec::new());
                stage.reactor.pause(RECEIVE);
                let (bytes, end) = stage.receive_end().await;
                assert!(bytes.is_empty() && matches!(end, ReceiveEnd::Paused), "{bytes:?} {end:?}");
                // Nobody listens now.
                stream.write_all(&[round; 10]).unwrap();
                let mut events = Vec::new();
                stage.reactor.poll(&mut events);
                assert!(events.is_empty(), "{events:?}");
                stage.reactor.receive(&socket, RECEIVE);
                match &stage.next().await[..] {
                    [Event::Received { token: RECEIVE, data }] => assert_eq!(data[..], [round; 10]),
                    other => panic!("unexpected {other:?}"),
                }
                stage.reactor.pause(RECEIVE);
                assert!(matches!(stage.receive_end().await, (_, ReceiveEnd::Paused)));
            }
            assert_eq!(stage.reactor.operations_in_flight(), 1, "only the accept");
        })
        .join();
    }
}

#[test]
fn pausing_what_is_not_received_does_nothing() {
    on_shard(|mut stage| async move {
        stage.reactor.pause(RECEIVE);
        let mut events = Vec::new();
        stage.reactor.poll(&mut events);
        assert!(events.is_empty());
    })
    .join();
}

#[test]
fn receives_wait_for_buffers_that_the_shard_still_holds() {
    for allow in [Allow::ALL, Allow::NONE] {
        let (listener, address) = listen();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(&[5; 20_000]).unwrap();
        let options = Options { receive_buffers: 2, receive_buffer_bytes: 4096, allow, ..Options::default() };
        on_shard_with(options, move |mut stage| async move {
            let socket = stage.accept_one(listener).await;
            stage.reactor.receive(&socket, RECEIVE);
            let mut held = VecDeque::new();
            let mut bytes = 0;
            while bytes < 20_000 {
                let mut events = Vec::new();
                // What is held keeps the rest in the socket.
                for _ in 0..20 {
                    stage.reactor.poll(&mut events);
                    thread::sleep(Duration::from_millis(1));
                }
                for event in events {
                    match event {
                        Event::Received { data, .. } => held.push_back(data),
                        other => panic!("unexpected {other:?}"),
                    }
                }
                assert!(held.len() <= 2, "more buffers than there are");
                bytes += held.pop_front().expect("something comes when a buffer is back").len();
            }
            held.clear();
            // A starved receive can be paused as well.
            stream.write_all(&[6; 20_000]).unwrap();
            for _ in 0..20 {
                let mut events = Vec::new();
                stage.reactor.poll(&mut events);
                thread::sleep(Duration::from_millis(1));
                held.extend(events.into_iter().map(|event| match event {
                    Event::Received { data, .. } => data,
                    other => panic!("unexpected {other:?}"),
                }));
            }
            stage.reactor.pause(RECEIVE);
            assert!(matches!(stage.receive_end().await.1, ReceiveEnd::Paused));
            assert_eq!(held.len(), 2);
        })
        .join();
    }
}

#[test]
fn a_shutdown_ends_the_receive_and_the_send_in_flight() {
    for options in kinds() {
        let (listener, address) = listen();
        let stream = TcpStream::connect(address).unwrap();
        on_shard_with(options, move |mut stage| async move {
            let socket = stage.accept_one(listener).await;
            stage.reactor.receive(&socket, RECEIVE);
            // More than the socket buffers of both sides hold, and nobody reads.
            stage.reactor.send(&socket, vec![Bytes::from(vec![1; 64 << 20])], SEND);
            stage.reactor.poll(&mut Vec::new());
            stage.reactor.shutdown(&socket);
            let (mut sent, mut ended) = (false, false);
            while !(sent && ended) {
                for event in stage.next().await {
                    match event {
                        Event::Sent { token: SEND, result } => sent = result.is_err(),
                        Event::ReceiveEnded { token: RECEIVE, .. } => ended = true,
                        other => panic!("unexpected {other:?}"),
                    }
                }
            }
            // Nothing holds the descriptor any more.
            assert!(socket.into_fd().is_ok());
        })
        .join();
        drop(stream);
    }
}

#[test]
fn a_socket_moves_to_another_shard_when_nothing_is_in_flight() {
    let (listener, address) = listen();
    let mut stream = TcpStream::connect(address).unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    on_shard(move |mut stage| async move {
        let socket = stage.accept_one(listener).await;
        stage.reactor.receive(&socket, RECEIVE);
        let socket = socket.into_fd().expect_err("a receive is in flight");
        stage.reactor.pause(RECEIVE);
        assert!(matches!(stage.receive_end().await.1, ReceiveEnd::Paused));
        sender.send(socket.into_fd().unwrap()).unwrap();
    })
    .join();
    let fd = receiver.recv().unwrap();
    let shard = on_shard(move |mut stage| async move {
        let socket = Socket::from_fd(fd).unwrap();
        stage.reactor.send(
            &socket,
            vec![Bytes::from_static(b"from the "), Bytes::from_static(b"other")],
            SEND,
        );
        assert!(matches!(stage.next().await[..], [Event::Sent { result: Ok(14), .. }]));
    });
    let mut text = [0; 14];
    stream.read_exact(&mut text).unwrap();
    assert_eq!(&text, b"from the other");
    shard.join();
}

#[test]
fn accepted_sockets_send_small_answers_at_once() {
    for options in kinds() {
        let (listener, address) = listen();
        let stream = TcpStream::connect(address).unwrap();
        on_shard_with(options, move |mut stage| async move {
            let socket = stage.accept_one(listener).await;
            let stream = TcpStream::from(socket.into_fd().unwrap());
            assert!(stream.nodelay().unwrap());
        })
        .join();
        drop(stream);
    }
}

#[test]
fn after_stop_accepting_connections_are_refused() {
    for options in kinds() {
        let (listener, address) = listen();
        let stream = TcpStream::connect(address).unwrap();
        on_shard_with(options, move |mut stage| async move {
            let _socket = stage.accept_one(listener).await;
            stage.reactor.stop_accepting();
            while stage.reactor.operations_in_flight() > 0 {
                stage.reactor.poll(&mut Vec::new());
                thread::sleep(Duration::from_millis(1));
            }
            let error = TcpStream::connect(address).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        })
        .join();
        drop(stream);
    }
}

#[test]
fn a_dropped_reactor_closes_its_connections() {
    for options in kinds() {
        let (listener, address) = listen();
        let mut stream = TcpStream::connect(address).unwrap();
        on_shard_with(options, move |mut stage| async move {
            let socket = stage.accept_one(listener).await;
            stage.reactor.receive(&socket, RECEIVE);
            stage.reactor.send(&socket, vec![Bytes::from(vec![1; 64 << 20])], SEND);
            stage.reactor.poll(&mut Vec::new());
        })
        .join();
        let mut all = Vec::new();
        let ended: io::Result<usize> = stream.read_to_end(&mut all);
        assert!(ended.is_err() || all.len() < 64 << 20);
        assert!(TcpStream::connect(address).is_err());
    }
}
