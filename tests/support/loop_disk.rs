//! A small file system of its own, in a file, that can be made to fail like a disk that dies, and mended again.
//! Needs root, a free loop device, and ext4.

#![allow(dead_code)]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

const IMAGE_BYTES: u64 = 256 * 1024 * 1024;

/// How it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The kernel notices an inconsistency and mounts it read-only.
    ReadOnly,
    /// Everything that needs the disk ends with an I/O error.
    Errors,
}

/// See the module. Unmounted when dropped.
pub struct LoopDisk {
    dir: TempDir,
}

impl LoopDisk {
    /// Makes one, or says on standard error that `test` is skipped, and why.
    pub fn mount(test: &str) -> Option<Self> {
        match Self::try_mount() {
            Ok(disk) => Some(disk),
            Err(why) => {
                // Not with a macro, whose output the test runner keeps back when the test passes.
                let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {why}");
                None
            }
        }
    }

    fn try_mount() -> Result<Self, String> {
        let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
        let disk = Self { dir };
        let made = fs::File::create(disk.image()).and_then(|file| file.set_len(IMAGE_BYTES));
        made.and_then(|()| fs::create_dir(disk.path())).map_err(|error| error.to_string())?;
        run("mkfs.ext4", &["-q".as_ref(), disk.image().as_ref()])?;
        disk.attach()?;
        Ok(disk)
    }

    fn image(&self) -> PathBuf {
        self.dir.path().join("image")
    }

    /// Where it is mounted.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("mounted")
    }

    fn attach(&self) -> Result<(), String> {
        let (image, path) = (self.image(), self.path());
        run("mount", &["-o".as_ref(), "loop,errors=remount-ro".as_ref(), image.as_ref(), path.as_ref()])
    }

    /// Lets it fail.
    pub fn fail(&self, failure: Failure) {
        match failure {
            Failure::ReadOnly => {
                let trigger = Path::new("/sys/fs/ext4").join(self.device()).join("trigger_fs_error");
                fs::write(trigger, "test").expect("the kernel's hook for tests of file systems");
            }
            Failure::Errors => {
                // EXT4_IOC_SHUTDOWN without writing the journal, as if the disk were pulled out.
                let code = "import fcntl, os, struct, sys; \
                            fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))";
                run("python3", &["-c".as_ref(), code.as_ref(), self.path().as_ref()]).expect("the shutdown");
            }
        }
    }

    /// Mounts it anew: what was durable is there.
    pub fn mend(&self) {
        self.detach();
        self.attach().expect("it was mounted before");
    }

    fn device(&self) -> String {
        let output =
            Command::new("findmnt").args(["-no", "SOURCE"]).arg(self.path()).output().expect("findmnt");
        let source = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        source.rsplit('/').next().unwrap_or_default().to_owned()
    }

    fn is_mounted(&self) -> bool {
        let path = self.path().display().to_string();
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        mounts.lines().any(|line| line.split(' ').nth(1) == Some(&path))
    }

    fn detach(&self) {
        // Background work of a broker that has just ended may hold it for a moment.
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.is_mounted() && Instant::now() < deadline {
            if run("umount", &[self.path().as_ref()]).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for LoopDisk {
    fn drop(&mut self) {
        self.detach();
    }
}

fn run(program: &str, arguments: &[&std::ffi::OsStr]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}
