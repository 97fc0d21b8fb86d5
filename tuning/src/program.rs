//! Runs programs of the host that know what files do not tell: `ethtool`, `smartctl`, `systemctl`.

use std::io::{self, Read as _};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A program that takes longer is ended: no check is worth a wait.
const TIME_MAX: Duration = Duration::from_secs(10);

/// How often it is looked whether a program has ended.
const INTERVAL: Duration = Duration::from_millis(5);

/// More than a page of text is none of what is looked for.
const OUTPUT_BYTES_MAX: u64 = 1024 * 1024;

/// What the program prints on standard output. One that fails without printing anything is an error.
pub(crate) fn output(program: &str, arguments: &[&str]) -> io::Result<String> {
    let mut child = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // Both pipes are read beside the wait, so that a program that prints much does not wait for its reader.
    let out = child.stdout.take().map(|pipe| thread::spawn(move || read(pipe)));
    let err = child.stderr.take().map(|pipe| thread::spawn(move || read(pipe)));
    let ended_well = wait(&mut child)?;
    let text = |reader: Option<thread::JoinHandle<String>>| {
        reader.and_then(|reader| reader.join().ok()).unwrap_or_default()
    };
    let (out, err) = (text(out), text(err));
    if ended_well || !out.trim().is_empty() {
        Ok(out)
    } else {
        Err(io::Error::other(err.lines().next().unwrap_or("it failed without a word").to_owned()))
    }
}

fn read(pipe: impl io::Read) -> String {
    let mut bytes = Vec::new();
    // What could be read counts; a broken pipe is the end of it.
    let _ = pipe.take(OUTPUT_BYTES_MAX).read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether it ended well; it is killed when it takes too long.
fn wait(child: &mut Child) -> io::Result<bool> {
    let deadline = Instant::now() + TIME_MAX;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            return Err(io::Error::from(io::ErrorKind::TimedOut));
        }
        thread::sleep(INTERVAL);
    }
}
