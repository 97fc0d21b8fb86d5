//! A page of metrics over HTTP/1.1: one blocking GET.
//!
//! # Invariants
//! - It ends in time, and no peer makes it keep more than a page may have.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::dial::{Address, connect};

/// A broker with two hundred topics and a hundred shards stays well below it.
const PAGE_BYTES_MAX: usize = 16 << 20;
const HEAD_BYTES_MAX: usize = 16 << 10;
/// A busy broker takes up to a second to ask its shards.
const PATIENCE: Duration = Duration::from_secs(5);
const READ_BYTES: usize = 64 << 10;

/// The text of the page at `/metrics`, or why there is none.
pub(super) fn page(address: &Address) -> Result<String, String> {
    let stream = connect(address, PATIENCE).map_err(|error| format!("cannot connect: {error}"))?;
    ask(&stream, address, Instant::now() + PATIENCE)
}

fn ask(stream: &TcpStream, address: &Address, deadline: Instant) -> Result<String, String> {
    let request = format!(
        "GET /metrics HTTP/1.1\r\nHost: {address}\r\nAccept: text/plain\r\nConnection: close\r\n\r\n"
    );
    stream
        .set_write_timeout(Some(PATIENCE))
        .and_then(|()| (&*stream).write_all(request.as_bytes()))
        .map_err(|error| format!("cannot ask: {error}"))?;
    let mut answer = Vec::new();
    loop {
        if let Some(page) = whole(&answer)? {
            return Ok(page);
        }
        if !read(stream, &mut answer, deadline)? {
            return Err("the connection was closed before the answer was whole".to_owned());
        }
    }
}

/// Takes in what has come; `false` at the end of it all.
fn read(stream: &TcpStream, answer: &mut Vec<u8>, deadline: Instant) -> Result<bool, String> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(format!("no whole answer within {} s", PATIENCE.as_secs()));
    }
    // What is less than the clock can tell would mean for ever.
    let timeout = stream.set_read_timeout(Some(left.max(Duration::from_millis(1))));
    timeout.map_err(|error| format!("cannot wait for an answer: {error}"))?;
    let mut chunk = vec![0; READ_BYTES];
    match (&*stream).read(&mut chunk) {
        Ok(len) => {
            answer.extend(chunk.iter().take(len));
            Ok(len > 0)
        }
        Err(error) if error.kind() == ErrorKind::Interrupted => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Err(format!("no whole answer within {} s", PATIENCE.as_secs()))
        }
        Err(error) => Err(format!("the connection broke: {error}")),
    }
}

/// The page of an answer that is whole; `None` as long as there is more to come.
fn whole(answer: &[u8]) -> Result<Option<String>, String> {
    let Some(head_bytes) = answer.windows(4).take(HEAD_BYTES_MAX).position(|four| four == b"\r\n\r\n") else {
        let is_http = answer.iter().zip(b"HTTP/1.").all(|(found, expected)| found == expected);
        return if is_http && answer.len() <= HEAD_BYTES_MAX {
            Ok(None)
        } else {
            Err("it does not speak HTTP".to_owned())
        };
    };
    let head = answer.get(..head_bytes).and_then(|head| std::str::from_utf8(head).ok());
    let mut lines = head.ok_or("its headers are not text")?.split("\r\n");
    let status = lines.next().unwrap_or_default();
    let code = status.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1));
    match code {
        Some("200") => {}
        Some(_) => return Err(format!("it answers {status:?}")),
        None => return Err("it does not speak HTTP".to_owned()),
    }
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    // A page whose end nobody announces could be cut off without anybody noticing.
    let length: usize = length
        .and_then(|(_, length)| length.trim().parse().ok())
        .ok_or("it does not say how long its answer is")?;
    if length > PAGE_BYTES_MAX {
        return Err(format!("its answer of {length} bytes is too long"));
    }
    let body = answer.get(head_bytes + 4..).unwrap_or_default();
    match body.get(..length) {
        Some(page) => Ok(Some(std::str::from_utf8(page).map_err(|_| "its answer is not text")?.to_owned())),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// What becomes of an answer that comes in these pieces.
    fn answered(pieces: &'static [&'static [u8]]) -> Result<String, String> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address { host: "127.0.0.1".to_owned(), port: listener.local_addr().unwrap().port() };
        let peer = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 14];
            stream.read_exact(&mut asked).unwrap();
            assert_eq!(&asked, b"GET /metrics H");
            for piece in pieces {
                let _ = stream.write_all(piece);
            }
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        });
        let page = page(&address);
        peer.join().unwrap();
        page
    }

    #[test]
    fn a_page_comes_in_pieces_and_ends_where_it_says() {
        let pieces: &[&[u8]] =
            &[b"HTTP/1.1 20", b"0 OK\r\ncontent-LENGTH: 4\r\n", b"x: y\r\n\r", b"\na 1", b"\nmore"];
        assert_eq!(answered(pieces), Ok("a 1\n".to_owned()));
    }

    #[test]
    fn what_is_no_whole_page_is_refused_with_its_reason() {
        const ENDLESS: &[u8] = &[b'x'; HEAD_BYTES_MAX];
        let wrong: [(&'static [&'static [u8]], &str); 7] = [
            (&[b"HTTP/1.1 200 OK\r\n", ENDLESS], "does not speak HTTP"),
            (&[b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"], "404"),
            (&[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"], "how long"),
            (&[b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n"], "too long"),
            (&[b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\na 1"], "closed"),
            (&[b"\0\0\0\x10 something else"], "does not speak HTTP"),
            (&[], "closed"),
        ];
        for (pieces, why) in wrong {
            let error = answered(pieces).unwrap_err();
            assert!(error.contains(why), "{error} is not about {why}");
        }
    }

    #[test]
    fn what_comes_after_its_time_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address { host: "127.0.0.1".to_owned(), port: listener.local_addr().unwrap().port() };
        let stream = connect(&address, PATIENCE).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        peer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
        let error = ask(&stream, &address, Instant::now()).unwrap_err();
        assert!(error.starts_with("no whole answer"), "{error}");
    }

    #[test]
    fn where_nobody_listens_there_is_no_page() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let error = page(&Address { host: "127.0.0.1".to_owned(), port }).unwrap_err();
        assert!(error.starts_with("cannot connect"), "{error}");
    }
}
