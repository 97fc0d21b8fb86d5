//! Files of a reactor against the standard library's: direct, buffered, with linked and with separate syncs.

mod stage;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use stage::{Stage, on_shard, on_shard_with};
use strome_reactor::{Allow, Chunk, Event, File, OpenOptions, Options, Sync, Token};
use types::{ByteCount, FilePosition};

const TOKEN: Token = Token(3);
const BLOCK: usize = Chunk::ALIGNMENT;

impl Stage {
    async fn wrote(&mut self) -> std::io::Result<()> {
        match self.next().await.remove(0) {
            Event::Wrote { token: TOKEN, result } => result,
            other => panic!("unexpected {other:?}"),
        }
    }

    async fn read(&mut self, file: &File, at: u64, len: usize) -> std::io::Result<Bytes> {
        self.reactor.read(file, FilePosition(at), len, TOKEN);
        match self.next().await.remove(0) {
            Event::Read { token: TOKEN, result } => result,
            other => panic!("unexpected {other:?}"),
        }
    }
}

/// A chunk of `len` bytes that differ from block to block and within a block.
fn chunk(len: usize, seed: usize) -> Chunk {
    let mut chunk = Chunk::with_capacity(len);
    let spare = chunk.spare(len).unwrap();
    for (n, byte) in spare.iter_mut().enumerate() {
        *byte = pattern(n + seed);
    }
    chunk.publish(len);
    chunk
}

fn pattern(n: usize) -> u8 {
    (n ^ (n / 251) ^ (n / BLOCK)) as u8
}

/// The directories to test in: a disk's, and one in memory where O_DIRECT may be missing.
fn directories() -> Vec<tempfile::TempDir> {
    let mut directories = vec![tempfile::tempdir().unwrap()];
    if Path::new("/dev/shm").is_dir() {
        directories.push(tempfile::tempdir_in("/dev/shm").unwrap());
    }
    directories
}

/// Direct (where it is to be had) and buffered, with and without linked syncs, on each file system.
fn on_every_kind<F>(test: F)
where
    F: AsyncFn(&mut Stage, &Path, OpenOptions) + Clone + Send + 'static,
{
    for directory in directories() {
        for open in [OpenOptions::CREATE, OpenOptions::CREATE.buffered()] {
            for allow in [Allow::ALL, Allow { linked_sync: false, ..Allow::ALL }, Allow::NONE] {
                let (test, path) = (test.clone(), directory.path().join("file"));
                let _ = fs::remove_file(&path);
                let options = Options { allow, ..Options::default() };
                on_shard_with(options, move |mut stage| async move { test(&mut stage, &path, open).await })
                    .join();
            }
        }
    }
}

#[test]
fn what_was_written_and_synced_is_in_the_file() {
    on_every_kind(async |stage, path, open| {
        let file = File::open(path, open).unwrap();
        let chunk = chunk(3 * BLOCK, 0);
        let slices = vec![chunk.slice(0..BLOCK), chunk.slice(BLOCK..3 * BLOCK)];
        stage.reactor.write(&file, FilePosition(BLOCK as u64), slices, Sync::Data, TOKEN);
        // The operation keeps what it needs.
        drop(chunk);
        stage.wrote().await.unwrap();
        let content = fs::read(path).unwrap();
        assert_eq!(content.len(), 4 * BLOCK);
        assert!(content[..BLOCK].iter().all(|byte| *byte == 0));
        assert!((0..3 * BLOCK).all(|n| content[BLOCK + n] == pattern(n)));
        assert_eq!(file.len().unwrap(), ByteCount(4 * BLOCK as u64));
    });
}

#[test]
fn any_range_reads_back_exactly() {
    on_every_kind(async |stage, path, open| {
        let len = 5 * BLOCK + 777;
        let content: Vec<u8> = (0..len).map(pattern).collect();
        fs::write(path, &content).unwrap();
        let file = File::open(path, open).unwrap();
        let block = BLOCK as u64;
        let ranges = [
            (0, 1),
            (0, len),
            (0, len + 10_000),
            (1, 2),
            (block - 1, 2),
            (block, BLOCK),
            (block + 13, 3 * BLOCK),
            (len as u64 - 1, 1),
            (len as u64 - 1, 100),
            (len as u64, 1),
            (len as u64 + 1, BLOCK),
            (100 * block, 1),
            (7, 0),
        ];
        for (at, wanted) in ranges {
            let bytes = stage.read(&file, at, wanted).await.unwrap();
            let begin = (at as usize).min(len);
            let expected = &content[begin..(begin + wanted).min(len)];
            assert!(bytes == expected, "{wanted} bytes at {at}: {} came", bytes.len());
        }
    });
}

#[test]
fn padding_beyond_the_published_bytes_is_written_as_zeros() {
    on_every_kind(async |stage, path, open| {
        let file = File::open(path, open).unwrap();
        let mut chunk = Chunk::with_capacity(2 * BLOCK);
        chunk.spare(5).unwrap().copy_from_slice(b"hello");
        chunk.publish(5);
        let slices = vec![chunk.slice(0..BLOCK)];
        stage.reactor.write(&file, FilePosition(0), slices, Sync::No, TOKEN);
        stage.wrote().await.unwrap();
        let bytes = stage.read(&file, 0, BLOCK).await.unwrap();
        assert_eq!(bytes[..5], *b"hello");
        assert!(bytes.len() == BLOCK && bytes[5..].iter().all(|byte| *byte == 0));
    });
}

#[test]
fn a_write_of_more_pieces_than_a_call_takes_is_completed() {
    on_every_kind(async |stage, path, open| {
        let file = File::open(path, open).unwrap();
        let pieces = 2500;
        let chunk = chunk(4 * BLOCK, 0);
        let slices = (0..pieces).map(|n| chunk.slice(n % 4 * BLOCK..(n % 4 + 1) * BLOCK)).collect();
        stage.reactor.write(&file, FilePosition(0), slices, Sync::Data, TOKEN);
        stage.wrote().await.unwrap();
        let content = fs::read(path).unwrap();
        assert_eq!(content.len(), pieces * BLOCK);
        assert!(content.iter().enumerate().all(|(n, byte)| *byte == pattern(n % (4 * BLOCK))));
    });
}

#[test]
fn many_writes_at_once_all_complete() {
    on_every_kind(async |stage, path, open| {
        let file = File::open(path, open).unwrap();
        file.allocate(FilePosition(0), ByteCount(200 * BLOCK as u64)).unwrap();
        let chunk = chunk(200 * BLOCK, 0);
        for n in 0..200 {
            let slices = vec![chunk.slice(n * BLOCK..(n + 1) * BLOCK)];
            let sync = if n % 3 == 0 { Sync::Data } else { Sync::No };
            stage.reactor.write(&file, FilePosition((n * BLOCK) as u64), slices, sync, Token(n as u64));
        }
        let mut done = [false; 200];
        while done.contains(&false) {
            for event in stage.next().await {
                match event {
                    Event::Wrote { token, result } => {
                        result.unwrap();
                        assert!(!std::mem::replace(&mut done[token.0 as usize], true), "reported twice");
                    }
                    other => panic!("unexpected {other:?}"),
                }
            }
        }
        assert!(fs::read(path).unwrap().iter().enumerate().all(|(n, byte)| *byte == pattern(n)));
    });
}

#[test]
fn syncing_alone_and_writing_nothing_complete() {
    on_every_kind(async |stage, path, open| {
        let file = File::open(path, open).unwrap();
        stage.reactor.sync(&file, TOKEN);
        stage.wrote().await.unwrap();
        stage.reactor.write(&file, FilePosition(0), Vec::new(), Sync::No, TOKEN);
        stage.wrote().await.unwrap();
        assert!(file.is_empty().unwrap());
    });
}

#[test]
fn a_failing_write_is_reported_and_not_synced_over() {
    on_every_kind(async |stage, path, open| {
        fs::write(path, b"").unwrap();
        // Read-only, so every write fails.
        let file = File::open(path, OpenOptions { write: false, create: false, ..open }).unwrap();
        let chunk = chunk(BLOCK, 0);
        for sync in [Sync::No, Sync::Data] {
            stage.reactor.write(&file, FilePosition(0), vec![chunk.slice(0..BLOCK)], sync, TOKEN);
            assert_eq!(stage.wrote().await.unwrap_err().raw_os_error(), Some(libc::EBADF));
        }
    });
}

#[test]
fn a_file_is_opened_once_more_whatever_its_name_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let file = File::open(&path, OpenOptions::CREATE.buffered()).unwrap();
    fs::rename(&path, dir.path().join("other")).unwrap();
    let again = file.reopen().unwrap();
    again.write_all_at(b"here", FilePosition(0)).unwrap();
    let mut found = [0; 4];
    file.read_exact_at(&mut found, FilePosition(0)).unwrap();
    assert_eq!(&found, b"here");
    assert!(!path.exists());
}

#[test]
fn a_full_device_is_an_error_and_not_an_endless_loop() {
    on_shard(|mut stage| async move {
        let file = File::open(Path::new("/dev/full"), OpenOptions::WRITE.buffered()).unwrap();
        let chunk = chunk(BLOCK, 0);
        stage.reactor.write(&file, FilePosition(0), vec![chunk.slice(0..BLOCK)], Sync::Data, TOKEN);
        assert_eq!(stage.wrote().await.unwrap_err().kind(), ErrorKind::StorageFull);
    })
    .join();
}

#[test]
fn short_writes_go_on_where_they_stopped() {
    // A pipe takes what it has room for: short writes, as often as we like.
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pipe");
    let name = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
    // SAFETY: `name` is a string that ends in zero.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    for allow in [Allow::ALL, Allow::NONE] {
        let options = Options { allow, ..Options::default() };
        let file = File::open(&path, OpenOptions::WRITE.buffered()).unwrap();
        let mut reader = fs::File::open(&path).unwrap();
        let shard = on_shard_with(options, move |mut stage| async move {
            let chunk = chunk(1 << 20, 0);
            let slices = || vec![chunk.slice(0..1000), chunk.slice(1000..1 << 20)];
            stage.reactor.write(&file, FilePosition(0), slices(), Sync::No, TOKEN);
            stage.wrote().await.unwrap();
            // The first short write cuts the link to the sync, which a pipe then refuses when its turn has
            // really come.
            stage.reactor.write(&file, FilePosition(0), slices(), Sync::Data, TOKEN);
            assert_eq!(stage.wrote().await.unwrap_err().raw_os_error(), Some(libc::EINVAL));
        });
        let mut content = vec![0; 2 << 20];
        std::io::Read::read_exact(&mut reader, &mut content).unwrap();
        assert!(content.iter().enumerate().all(|(n, byte)| *byte == pattern(n % (1 << 20))));
        shard.join();
    }
}

#[test]
fn opening_tells_what_is_missing_and_creates_only_when_asked() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("none");
    for open in [OpenOptions::READ, OpenOptions::WRITE] {
        assert_eq!(File::open(&path, open).unwrap_err().kind(), ErrorKind::NotFound);
    }
    let file = File::open(&path, OpenOptions::CREATE).unwrap();
    file.set_len(ByteCount(10)).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), 10);
    let again = File::open(&path, OpenOptions { truncate: true, ..OpenOptions::WRITE }).unwrap();
    assert!(again.is_empty().unwrap());
    assert!(file.block_bytes() as usize >= BLOCK && !OpenOptions::READ.buffered().direct);
}

#[test]
fn a_dropped_reactor_finishes_its_writes() {
    let directory = tempfile::tempdir().unwrap();
    let path: PathBuf = directory.path().join("file");
    let there = path.clone();
    on_shard(move |mut stage| async move {
        let file = File::open(&there, OpenOptions::CREATE).unwrap();
        let chunk = chunk(1 << 20, 0);
        for n in 0..8 {
            let slices = vec![chunk.slice(0..1 << 20)];
            stage.reactor.write(&file, FilePosition(n << 20), slices, Sync::Data, TOKEN);
            stage.reactor.read(&file, FilePosition(n << 20), 1 << 20, TOKEN);
        }
        stage.reactor.poll(&mut Vec::new());
    })
    .join();
    assert_eq!(fs::metadata(path).unwrap().len(), 8 << 20);
}

#[test]
fn a_write_that_carries_its_sync_is_whole_and_may_have_many_pieces() {
    on_every_kind(async |stage, path, open| {
        let file = File::open(path, open).unwrap();
        // More pieces than one call of the kernel takes.
        let chunk = chunk(2000 * BLOCK, 0);
        let slices = (0..2000).map(|n| chunk.slice(n * BLOCK..(n + 1) * BLOCK)).collect();
        stage.reactor.write(&file, FilePosition(0), slices, Sync::Inline, TOKEN);
        stage.wrote().await.unwrap();
        let content = fs::read(path).unwrap();
        assert_eq!(content.len(), 2000 * BLOCK);
        assert!((0..content.len()).step_by(997).all(|n| content[n] == pattern(n)));
    });
}
