//! The host as its kernel shows it in `/proc` and `/sys`, and for tests a folder laid out like it.
//!
//! # Invariants
//! - No file is read beyond [`FILE_BYTES_MAX`], and none makes a reader panic: what cannot be used is an [`Unread`].
//! - A fixture never reaches the host that the test runs on: neither its files nor its programs.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use rustix::fs::OFlags;

use crate::program;

/// More than any file of `/proc` or `/sys` that is read here has on a large host.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Where a fixture keeps what the real host is asked for by other means than reading files.
const FACTS: &str = "facts";

/// What the kernel says of the time that processors may take to wake up, when nobody has asked for less.
const WAKE_UP_UNLIMITED_US: u32 = 2_000_000_000;

/// See the module. Paths are given from the root on, without a leading slash.
#[derive(Clone, Debug)]
pub struct Host {
    root: PathBuf,
    /// What a fixture says that may not be read; `None` for the real host.
    fixture: Option<BTreeSet<String>>,
}

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Where, with its leading slash.
    pub path: String,
    /// Why.
    pub reason: Reason,
}

/// See [`Unread`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There is no such file.
    Missing,
    /// This user may not read it.
    Denied,
    /// What was read makes no sense; it begins so.
    Absurd(String),
    /// Reading failed.
    Failed(String),
}

/// The space of a file system, as `statvfs` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// The size of a block.
    pub block_bytes: u64,
    /// All blocks.
    pub blocks: u64,
    /// Those that are free, the reserved ones included.
    pub blocks_free: u64,
    /// Those that any user may take.
    pub blocks_available: u64,
    /// How many files there may be; 0 where there is no such limit.
    pub files: u64,
    /// How many files may still be made.
    pub files_free: u64,
}

impl Host {
    /// The host that this process runs on.
    #[must_use]
    pub fn real() -> Self {
        Self { root: PathBuf::from("/"), fixture: None }
    }

    /// A host whose files are in this folder. `facts/denied` lists what may not be read there, a path a line,
    /// `facts/statvfs` the space of file systems, and `facts/output` holds what programs would print.
    pub fn fixture(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        let denied = fs::read(root.join(FACTS).join("denied")).unwrap_or_default();
        let denied = String::from_utf8_lossy(&denied).lines().map(|line| line.trim().to_owned()).collect();
        Self { root, fixture: Some(denied) }
    }

    /// Whether this is the host that the process runs on.
    #[must_use]
    pub fn is_real(&self) -> bool {
        self.fixture.is_none()
    }

    /// How many microseconds a processor may take to wake up, if some process has asked the kernel for that and this one may know.
    #[must_use]
    pub fn wake_up_us_max(&self) -> Option<u32> {
        // A number of the machine.
        let number = i32::from_ne_bytes(self.bytes("dev/cpu_dma_latency").ok()?.try_into().ok()?);
        u32::try_from(number).ok().filter(|us| *us < WAKE_UP_UNLIMITED_US)
    }

    /// The bytes at `path`.
    pub(crate) fn bytes(&self, path: &str) -> Result<Vec<u8>, Unread> {
        if self.fixture.as_ref().is_some_and(|denied| denied.contains(path)) {
            return Err(Unread::new(path, Reason::Denied));
        }
        let mut bytes = Vec::new();
        // A pipe in the place of a file, to which nobody writes, is not to be waited for.
        let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
        let file = File::options().read(true).custom_flags(nonblocking).open(self.root.join(path));
        file.and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut bytes))
            .map_err(|error| Unread::new(path, Reason::from(&error)))?;
        Ok(bytes)
    }

    /// The text at `path`, without blanks around it.
    pub(crate) fn text(&self, path: &str) -> Result<String, Unread> {
        self.bytes(path).map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned())
    }

    /// What is written at `path`: a number, say.
    pub(crate) fn value<T: FromStr>(&self, path: &str) -> Result<T, Unread> {
        let text = self.text(path)?;
        text.parse().map_err(|_| Unread::absurd(path, &text))
    }

    /// The names in the folder at `path`, those with numbers in the order of these.
    pub(crate) fn names(&self, path: &str) -> Result<Vec<String>, Unread> {
        let entries =
            fs::read_dir(self.root.join(path)).map_err(|error| Unread::new(path, Reason::from(&error)))?;
        let mut names: Vec<_> =
            entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort_by_key(|name| by_number(name));
        Ok(names)
    }

    /// Whether there is anything at `path`.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.root.join(path).symlink_metadata().is_ok()
    }

    /// The path that `path` leads to when all links are followed.
    pub(crate) fn resolved(&self, path: &str) -> Option<String> {
        let root = self.root.canonicalize().ok()?;
        let real = self.root.join(path).canonicalize().ok()?;
        real.strip_prefix(&root).ok()?.to_str().map(str::to_owned)
    }

    /// What the link at `path` says, whether that is there or not.
    pub(crate) fn link(&self, path: &str) -> Option<String> {
        fs::read_link(self.root.join(path)).ok()?.into_os_string().into_string().ok()
    }

    /// `path` from the root on, with links followed as far as it exists; of a fixture as it is written.
    pub(crate) fn absolute(&self, path: &Path) -> PathBuf {
        if !self.is_real() {
            return path.to_owned();
        }
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        for ancestor in whole.ancestors() {
            if let (Ok(real), Ok(rest)) = (ancestor.canonicalize(), whole.strip_prefix(ancestor)) {
                return real.join(rest);
            }
        }
        whole
    }

    /// The space of the file system that `path` lies on, or will when it exists.
    pub(crate) fn space(&self, path: &Path) -> Result<Space, Unread> {
        let shown = path.display().to_string();
        if !self.is_real() {
            return self.fixture_space(&shown);
        }
        let existing = path.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("/"));
        let space = rustix::fs::statvfs(existing).map_err(|error| {
            Unread::new(shown.trim_start_matches('/'), Reason::from(&io::Error::from(error)))
        })?;
        Ok(Space {
            block_bytes: if space.f_frsize == 0 { space.f_bsize } else { space.f_frsize },
            blocks: space.f_blocks,
            blocks_free: space.f_bfree,
            blocks_available: space.f_bavail,
            files: space.f_files,
            files_free: space.f_favail,
        })
    }

    /// A line is a path and the six numbers of [`Space`] in their order.
    fn fixture_space(&self, path: &str) -> Result<Space, Unread> {
        const FILE: &str = "facts/statvfs";
        let text = self.text(FILE)?;
        let line = text.lines().find_map(|line| line.strip_prefix(path)?.strip_prefix(' '));
        let line = line.ok_or_else(|| Unread::new(path.trim_start_matches('/'), Reason::Missing))?;
        let numbers: Vec<u64> = line.split_whitespace().map_while(|word| word.parse().ok()).collect();
        match numbers[..] {
            [block_bytes, blocks, blocks_free, blocks_available, files, files_free] => {
                Ok(Space { block_bytes, blocks, blocks_free, blocks_available, files, files_free })
            }
            _ => Err(Unread::absurd(FILE, line)),
        }
    }

    /// What a program prints, if it is installed and ends soon.
    pub(crate) fn output(&self, program: &str, arguments: &[&str]) -> Result<String, Unread> {
        let words = std::iter::once(program).chain(arguments.iter().copied()).collect::<Vec<_>>().join(" ");
        if self.is_real() {
            return program::output(program, arguments)
                .map_err(|error| Unread { path: words, reason: Reason::from(&error) });
        }
        self.text(&format!("{FACTS}/output/{}", words.replace('/', "%")))
            .map_err(|unread| Unread { path: words, ..unread })
    }

    /// Runs a program that changes something. Of a fixture it is only noted, in `facts/ran`.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> io::Result<()> {
        if self.is_real() {
            return program::output(program, arguments).map(|_| ());
        }
        let folder = self.root.join(FACTS);
        fs::create_dir_all(&folder)?;
        let mut notes = File::options().create(true).append(true).open(folder.join("ran"))?;
        writeln!(notes, "{program} {}", arguments.join(" "))
    }

    /// Writes to a file that is there already, in one piece as `/proc` and `/sys` want it.
    pub(crate) fn overwrite(&self, path: &str, text: &str) -> io::Result<()> {
        if self.fixture.as_ref().is_some_and(|denied| denied.contains(path)) {
            return Err(io::Error::from(io::ErrorKind::PermissionDenied));
        }
        // A setting of the kernel cannot be cut off, an ordinary file of a fixture has to be.
        let mut file = File::options().write(true).truncate(!self.is_real()).open(self.root.join(path))?;
        file.write_all(text.as_bytes())
    }

    /// Where `path` is for this process.
    #[must_use]
    pub fn place(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }
}

impl Unread {
    pub(crate) fn new(path: &str, reason: Reason) -> Self {
        Self { path: format!("/{path}"), reason }
    }

    /// What was read at `path` makes no sense.
    pub(crate) fn absurd(path: &str, text: &str) -> Self {
        const SHOWN_CHARS: usize = 32;
        let shown = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN_CHARS).collect();
        Self::new(path, Reason::Absurd(shown))
    }

    /// Whether there is no such file at all.
    pub(crate) fn is_missing(&self) -> bool {
        self.reason == Reason::Missing
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match &self.reason {
            Reason::Missing => write!(f, "{path} is missing"),
            Reason::Denied => write!(f, "this user may not read {path}"),
            Reason::Absurd(text) => write!(f, "{path} makes no sense: '{text}'"),
            Reason::Failed(error) => write!(f, "{path} cannot be read: {error}"),
        }
    }
}

impl From<&io::Error> for Reason {
    fn from(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing,
            io::ErrorKind::PermissionDenied => Self::Denied,
            _ => Self::Failed(error.to_string()),
        }
    }
}

/// `cpu10` after `cpu9`: the letters before the number, the number, and what is left.
fn by_number(name: &str) -> (String, u64, String) {
    let begin = name.find(|c: char| c.is_ascii_digit()).unwrap_or(name.len());
    let (letters, rest) = name.split_at(begin);
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, rest) = rest.split_at(end);
    (letters.to_owned(), digits.parse().unwrap_or_default(), rest.to_owned())
}
