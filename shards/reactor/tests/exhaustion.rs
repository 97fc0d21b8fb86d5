//! A process that runs out of file descriptors. Alone in its process, for the limit is everybody's.

mod stage;

use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::Duration;

use stage::on_shard_with;
use strome_reactor::{Allow, Event, Options, Token};

fn set_limit(files: libc::rlim_t) -> libc::rlim_t {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is writable.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) }, 0);
    let before = std::mem::replace(&mut limit.rlim_cur, files);
    // SAFETY: `limit` is readable.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
    before
}

#[test]
fn accepting_goes_on_by_itself_when_descriptors_are_back() {
    for allow in [Allow::ALL, Allow::NONE] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let options = Options { allow, ..Options::default() };
        on_shard_with(options, move |mut stage| async move {
            stage.reactor.accept(listener, Token(5));
            // Room for the client's end and not for ours.
            let lowest_free = TcpListener::bind("127.0.0.1:0").unwrap().as_raw_fd();
            let before = set_limit(lowest_free as libc::rlim_t + 1);
            let stream = TcpStream::connect(address).unwrap();
            let failure = stage.next().await.remove(0);
            let mut more = Vec::new();
            for _ in 0..10 {
                stage.reactor.poll(&mut more);
                std::thread::sleep(Duration::from_millis(1));
            }
            set_limit(before);
            assert!(more.is_empty(), "it tried again at once: {more:?}");
            match failure {
                Event::AcceptFailed { token: Token(5), error } => {
                    assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
                }
                other => panic!("unexpected {other:?}"),
            }
            let next = loop {
                match stage.next().await.remove(0) {
                    Event::AcceptFailed { .. } => {}
                    other => break other,
                }
            };
            match next {
                Event::Accepted { peer, .. } => assert_eq!(peer, stream.local_addr().unwrap()),
                other => panic!("unexpected {other:?}"),
            }
        })
        .join();
    }
}
