//! What the checks have to know of the broker that runs, or will run, on the host.

use std::path::PathBuf;

use types::ByteCount;

use crate::cpu_list::CpuList;

/// See the module. The default is a broker of which nothing is known but Kafka's usual port.
#[derive(Clone, Debug)]
pub struct Broker {
    /// Its directories of data.
    pub log_dirs: Vec<PathBuf>,
    /// The ports that it listens on.
    pub ports: Vec<u16>,
    /// The CPUs that `strome.cpus` names; empty if it names none.
    pub chosen_cpus: CpuList,
    /// The CPUs that its shards run on; empty if that is not known.
    pub shard_cpus: CpuList,
    /// How many connections may wait to be accepted: `socket.listen.backlog.size`.
    pub listen_backlog: u32,
    /// The largest of the sizes that it asks for socket buffers; `None` leaves them to the kernel.
    pub socket_buffer: Option<ByteCount>,
    /// The bound of its memory, `strome.memory.bytes`, if it is set.
    pub memory: Option<ByteCount>,
    /// What trying io_uring has shown.
    pub io_uring: IoUring,
}

/// What the kernel's io_uring can do, as far as it was tried.
#[derive(Clone, Debug, Default)]
pub enum IoUring {
    /// It was not tried.
    #[default]
    NotTried,
    /// It could not be used, for this reason.
    Failed(String),
    /// Each ability that the broker makes use of.
    Tried(Vec<Ability>),
}

/// Something that the broker makes use of where there is it.
#[derive(Clone, Debug)]
pub struct Ability {
    /// What it is.
    pub name: &'static str,
    /// Whether this kernel has it.
    pub is_there: bool,
    /// The first version of Linux that has it.
    pub since: &'static str,
}

impl Default for Broker {
    fn default() -> Self {
        Self {
            log_dirs: Vec::new(),
            ports: vec![9092],
            chosen_cpus: CpuList::default(),
            shard_cpus: CpuList::default(),
            listen_backlog: 50,
            socket_buffer: Some(ByteCount(100 * 1024)),
            memory: None,
            io_uring: IoUring::NotTried,
        }
    }
}
