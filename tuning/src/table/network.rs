//! The kernel's network: sizes, queues of connections, congestion. The cards are in `nic.rs`.

use super::{INFO, RECOMMENDED, USUAL, measured};
use crate::change::Change;
use crate::check::{Area, ByProfile, Check, Want};
use crate::context::{Context, one_sysctl, shortened};
use crate::host::Unread;
use crate::outcome::{Gap, Outcome, Seen};

pub(super) const NETWORK: Check = Check { area: Area::Network, ..USUAL };

const RMEM_MAX: &str = "proc/sys/net/core/rmem_max";
const WMEM_MAX: &str = "proc/sys/net/core/wmem_max";
const SOMAXCONN: &str = "proc/sys/net/core/somaxconn";
const PACKETS_MAX: &str = "proc/sys/net/core/netdev_max_backlog";
const RESERVED_PORTS: &str = "proc/sys/net/ipv4/ip_local_reserved_ports";
/// What the kernel may let a socket's buffer grow to: a tenth of a second at 40 MB/s.
const TCP_BUFFER_BYTES_MIN: u64 = 4 * 1024 * 1024;
/// How many connections should be able to wait when overflows have been seen.
const LISTEN_BACKLOG_AFTER_OVERFLOW: u32 = 1024;
/// How many packets should be able to wait for a CPU when some have been dropped.
const PACKETS_AFTER_DROPS: u64 = 10_000;
/// How full the table of tracked connections may be, in per cent.
const TRACKED_PERCENT_MAX: u64 = 80;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "network.socket-buffers",
        title: "largest socket buffer",
        reads: &[RMEM_MAX, WMEM_MAX],
        wanted: ByProfile::all(Want::Words(
            "at least socket.send.buffer.bytes and socket.receive.buffer.bytes",
        )),
        severity: ByProfile::all(RECOMMENDED),
        why: "the kernel silently gives a socket no more than this, whatever the broker's settings ask for",
        how: "sysctl, or -1 for the two settings, which leaves the sizes to the kernel",
        look: socket_buffers,
        ..NETWORK
    },
    Check {
        id: "network.tcp-buffers",
        title: "bounds of adapted buffers",
        reads: &["proc/sys/net/ipv4/tcp_rmem", "proc/sys/net/ipv4/tcp_wmem"],
        wanted: ByProfile::all(Want::Words("up to 4 MiB or more")),
        severity: ByProfile::all(INFO),
        why: "where the broker leaves sizes to the kernel, a connection cannot be faster than this per round trip",
        how: "sysctl",
        look: tcp_buffers,
        ..NETWORK
    },
    Check {
        id: "network.accept-queue",
        title: "net.core.somaxconn",
        reads: &[SOMAXCONN],
        wanted: ByProfile::all(Want::Words("at least socket.listen.backlog.size")),
        severity: ByProfile::all(RECOMMENDED),
        why: "the kernel silently cuts the queue of connections that wait to be accepted to this",
        how: "sysctl",
        look: accept_queue,
        ..NETWORK
    },
    Check {
        id: "network.syn-queue",
        title: "net.ipv4.tcp_max_syn_backlog",
        reads: &["proc/sys/net/ipv4/tcp_max_syn_backlog"],
        wanted: ByProfile::all(Want::AtLeast(1024)),
        severity: ByProfile::each(RECOMMENDED, RECOMMENDED, INFO, RECOMMENDED, INFO),
        why: "when a broker comes back all clients connect at once; those that find no place try again after a second",
        how: "sysctl",
        look: one_sysctl,
        ..NETWORK
    },
    Check {
        id: "network.syn-cookies",
        title: "net.ipv4.tcp_syncookies",
        reads: &["proc/sys/net/ipv4/tcp_syncookies"],
        wanted: ByProfile::all(Want::OneOf(&["1", "2"])),
        severity: ByProfile::all(INFO),
        why: "with them a full queue still answers, so a flood of connections does not lock clients out",
        how: "sysctl",
        look: one_sysctl,
        ..NETWORK
    },
    Check {
        id: "network.overflows",
        title: "connections that found no place",
        reads: &["proc/net/netstat"],
        wanted: ByProfile::all(Want::Words("none since the start")),
        severity: ByProfile::all(INFO),
        why: "a client whose connection overflows waits a second and more before it tries again",
        how: "socket.listen.backlog.size, and network.accept-queue",
        look: overflows,
        ..NETWORK
    },
    Check {
        id: "network.packet-queue",
        title: "packets that found no place",
        reads: &["proc/net/softnet_stat", PACKETS_MAX],
        wanted: ByProfile::all(Want::Words("none since the start")),
        severity: ByProfile::each(RECOMMENDED, RECOMMENDED, INFO, RECOMMENDED, INFO),
        why: "what a CPU could not take in time was dropped, and has to be sent again",
        how: "sysctl net.core.netdev_max_backlog; interrupts of the card on more CPUs",
        look: packet_queue,
        ..NETWORK
    },
    Check {
        id: "network.congestion",
        title: "congestion control",
        reads: &["proc/sys/net/ipv4/tcp_congestion_control"],
        wanted: ByProfile::all(Want::OneOf(&["cubic", "bbr", "dctcp"])),
        severity: ByProfile::all(INFO),
        why: "older ones recover slowly after a loss; bbr also paces what never leaves the machine, so a benchmark of large batches on one host is faster with cubic",
        how: "sysctl",
        look: one_sysctl,
        ..NETWORK
    },
    Check {
        id: "network.queue-discipline",
        title: "queue discipline",
        reads: &["proc/sys/net/core/default_qdisc"],
        wanted: ByProfile::all(Want::OneOf(&["fq", "fq_codel", "cake"])),
        severity: ByProfile::each(INFO, INFO, None, INFO, None),
        why: "with a plain queue one consumer that catches up delays the small answers to everybody else",
        how: "sysctl, for cards that come up later; tc qdisc replace for those that are up",
        look: one_sysctl,
        ..NETWORK
    },
    Check {
        id: "network.tcp-features",
        title: "TCP",
        reads: &[
            "proc/sys/net/ipv4/tcp_window_scaling",
            "proc/sys/net/ipv4/tcp_sack",
            "proc/sys/net/ipv4/tcp_timestamps",
            "proc/sys/net/ipv4/tcp_moderate_rcvbuf",
        ],
        wanted: ByProfile::all(Want::OneOf(&["1", "2"])),
        severity: ByProfile::all(RECOMMENDED),
        why: "without window scaling no more than 64 KiB are under way, without SACK a loss resends what had arrived",
        how: "sysctl",
        look: tcp_features,
        ..NETWORK
    },
    Check {
        id: "network.slow-start",
        title: "net.ipv4.tcp_slow_start_after_idle",
        reads: &["proc/sys/net/ipv4/tcp_slow_start_after_idle"],
        wanted: ByProfile::all(Want::Is(0)),
        severity: ByProfile::each(RECOMMENDED, RECOMMENDED, INFO, RECOMMENDED, INFO),
        why: "a connection that is silent may soon have only ten packets under way again, and a large answer takes more round trips",
        how: "sysctl",
        look: one_sysctl,
        ..NETWORK
    },
    Check {
        id: "network.port-range",
        title: "ports of outgoing connections",
        reads: &["proc/sys/net/ipv4/ip_local_port_range", RESERVED_PORTS],
        wanted: ByProfile::all(Want::Words("without the broker's")),
        severity: ByProfile::all(RECOMMENDED),
        why: "an outgoing connection that happens to have the broker's port keeps it from starting",
        how: "sysctl net.ipv4.ip_local_reserved_ports",
        look: port_range,
        ..NETWORK
    },
    Check {
        id: "network.busy-poll",
        title: "busy polling",
        reads: &["proc/sys/net/core/busy_poll", "proc/sys/net/core/busy_read"],
        wanted: ByProfile::all(Want::Is(0)),
        severity: ByProfile::all(INFO),
        why: "it makes sockets that are polled or read burn CPU; a shard looks for work itself where a core is to spare",
        effect: measured("no measurable effect over loopback"),
        how: "sysctl",
        look: busy_poll,
        ..NETWORK
    },
    Check {
        id: "network.conntrack",
        title: "tracked connections",
        reads: &[
            "proc/sys/net/netfilter/nf_conntrack_count",
            "proc/sys/net/netfilter/nf_conntrack_max",
            "proc/net/nf_conntrack",
        ],
        wanted: ByProfile::all(Want::Words(
            "none of the broker's port, and a table that is at most 80 % full",
        )),
        severity: ByProfile::all(INFO),
        why: "the firewall's table costs every packet a look-up, and when it is full packets are dropped",
        how: "a notrack rule for the broker's port; sysctl net.netfilter.nf_conntrack_max",
        look: conntrack,
        ..NETWORK
    },
];

fn socket_buffers(context: &Context<'_>, _: &Check) -> Result<Vec<Seen>, Gap> {
    let Some(asked) = context.broker.socket_buffer.map(|bytes| bytes.0) else {
        return Err(Gap::not_applicable("the broker leaves the sizes to the kernel"));
    };
    let look = |path: &'static str| {
        let found = context.host.value::<u64>(path)?;
        if found >= asked {
            return Ok(Outcome::fine(found));
        }
        let finding = Outcome::finding(found, format!("at least {asked}"));
        Ok(finding.change(Change::sysctl(path, asked)).into())
    };
    Ok(each([RMEM_MAX, WMEM_MAX], look))
}

/// Looks at some sysctls, each named in its row.
fn each<const N: usize>(
    paths: [&'static str; N],
    look: impl Fn(&'static str) -> Result<Outcome, Unread>,
) -> Vec<Seen> {
    let seen = paths.map(|path| {
        let name = path.rsplit('/').next().unwrap_or(path);
        match look(path) {
            Ok(outcome) => Seen::of(name, outcome),
            Err(unread) => Seen::gap(name, unread.or("this kernel has no such setting")),
        }
    });
    seen.into()
}

fn tcp_buffers(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    if context.broker.socket_buffer.is_some() {
        return Err(Gap::not_applicable("the broker's settings name fixed sizes"));
    }
    let look = |path: &'static str| {
        let text = context.host.text(path)?;
        let numbers: Vec<u64> = text.split_whitespace().map_while(|word| word.parse().ok()).collect();
        let [least, usual, most] = numbers[..] else {
            return Err(Unread::absurd(path, &text));
        };
        if most >= TCP_BUFFER_BYTES_MIN {
            return Ok(Outcome::fine(most));
        }
        let value = format!("{least} {usual} {TCP_BUFFER_BYTES_MIN}");
        let finding = Outcome::finding(most, check.wanted.of(context.profile));
        Ok(finding.change(Change::sysctl(path, value)).into())
    };
    Ok(each(["proc/sys/net/ipv4/tcp_rmem", "proc/sys/net/ipv4/tcp_wmem"], look))
}

fn accept_queue(context: &Context<'_>, _: &Check) -> Result<Vec<Seen>, Gap> {
    let asked = u64::from(context.broker.listen_backlog);
    let found = context.host.value::<u64>(SOMAXCONN)?;
    if found >= asked {
        return Ok(vec![Seen::host(Outcome::fine(found))]);
    }
    let finding =
        Outcome::finding(found, format!("at least {asked}")).change(Change::sysctl(SOMAXCONN, asked));
    Ok(vec![Seen::host(finding)])
}

/// A counter of `/proc/net/netstat`: a line of names and below it one of values, both with the same beginning.
fn counter(context: &Context<'_>, name: &str) -> Result<u64, Unread> {
    const PATH: &str = "proc/net/netstat";
    let text = context.host.text(PATH)?;
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("TcpExt:"));
    let (names, values) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let pair = names.split_whitespace().zip(values.split_whitespace()).find(|(found, _)| *found == name);
    pair.and_then(|(_, value)| value.parse().ok()).ok_or_else(|| Unread::absurd(PATH, &text))
}

fn overflows(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let count = counter(context, "ListenOverflows")?;
    if count == 0 {
        return Ok(vec![Seen::host(Outcome::fine("none"))]);
    }
    let backlog = context.broker.listen_backlog;
    let change = if backlog < LISTEN_BACKLOG_AFTER_OVERFLOW {
        Change::Setting {
            key: "socket.listen.backlog.size",
            value: LISTEN_BACKLOG_AFTER_OVERFLOW.to_string(),
        }
    } else {
        Change::by_hand("find which listener it was: nstat, ss -ltn")
    };
    let finding = Outcome::finding(format!("{count}, of any program's"), check.wanted.of(context.profile));
    Ok(vec![Seen::host(finding.change(change))])
}

fn packet_queue(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    const PATH: &str = "proc/net/softnet_stat";
    let text = context.host.text(PATH)?;
    let mut dropped: u64 = 0;
    for line in text.lines() {
        let number = line.split_whitespace().nth(1).and_then(|word| u64::from_str_radix(word, 16).ok());
        dropped = dropped.saturating_add(number.ok_or_else(|| Unread::absurd(PATH, line))?);
    }
    if dropped == 0 {
        return Ok(vec![Seen::host(Outcome::fine("none"))]);
    }
    let max = context.host.value::<u64>(PACKETS_MAX)?;
    let change = if max < PACKETS_AFTER_DROPS {
        Change::sysctl(PACKETS_MAX, PACKETS_AFTER_DROPS)
    } else {
        Change::by_hand("spread the card's interrupts over more CPUs; see network.interrupts")
    };
    let finding =
        Outcome::finding(format!("{dropped}, with room for {max}"), check.wanted.of(context.profile));
    Ok(vec![Seen::host(finding.change(change))])
}

fn tcp_features(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let look = |path: &'static str| {
        let found = context.host.value::<u64>(path)?.to_string();
        Ok(context.judge(check, &found, |value| Change::sysctl(path, value)))
    };
    Ok(each(
        [
            "proc/sys/net/ipv4/tcp_window_scaling",
            "proc/sys/net/ipv4/tcp_sack",
            "proc/sys/net/ipv4/tcp_timestamps",
            "proc/sys/net/ipv4/tcp_moderate_rcvbuf",
        ],
        look,
    ))
}

/// The ranges of a list of ports; what makes no sense is left out.
fn port_ranges(text: &str) -> Vec<(u16, u16)> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some((first.trim().parse().ok()?, last.trim().parse().ok()?))
    };
    text.split(',').filter_map(range).collect()
}

fn port_range(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    const PATH: &str = "proc/sys/net/ipv4/ip_local_port_range";
    let text = context.host.text(PATH)?;
    let numbers: Vec<u16> = text.split_whitespace().map_while(|word| word.parse().ok()).collect();
    let [first, last] = numbers[..] else {
        return Err(Unread::absurd(PATH, &text).into());
    };
    let reserved = context.host.text(RESERVED_PORTS).unwrap_or_default();
    let ranges = port_ranges(&reserved);
    let is_free = |port: &&u16| !ranges.iter().any(|(first, last)| (first..=last).contains(port));
    let endangered: Vec<String> = context
        .broker
        .ports
        .iter()
        .filter(|port| (first..=last).contains(port))
        .filter(is_free)
        .map(ToString::to_string)
        .collect();
    if endangered.is_empty() {
        return Ok(vec![Seen::host(Outcome::fine(format!("{first} to {last}")))]);
    }
    let endangered = endangered.join(",");
    let value = if reserved.is_empty() { endangered.clone() } else { format!("{reserved},{endangered}") };
    let finding =
        Outcome::finding(format!("{first} to {last}, with {endangered}"), check.wanted.of(context.profile));
    Ok(vec![Seen::host(finding.change(Change::sysctl(RESERVED_PORTS, value)))])
}

fn busy_poll(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let look = |path: &'static str| context.sysctl(check, path);
    Ok(each(["proc/sys/net/core/busy_poll", "proc/sys/net/core/busy_read"], look))
}

fn conntrack(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    const FOLDER: &str = "proc/sys/net/netfilter";
    let max_path = format!("{FOLDER}/nf_conntrack_max");
    let count = context.host.value::<u64>(&format!("{FOLDER}/nf_conntrack_count"));
    let count = count.map_err(|unread| unread.or("no connections are tracked"))?;
    let max = context.host.value::<u64>(&max_path)?;
    let want = check.wanted.of(context.profile);
    if u128::from(count) * 100 > u128::from(max) * u128::from(TRACKED_PERCENT_MAX) {
        let larger = max.max(1).saturating_mul(2);
        // The kernel's own measure is a list for every connection it is to hold.
        let options = format!("hashsize={larger}");
        let finding = Outcome::finding(format!("{count} of {max}"), want)
            .severity(crate::Severity::Required)
            .change(Change::sysctl(&max_path, larger))
            .change(Change::Module { name: "nf_conntrack", options });
        return Ok(vec![Seen::host(finding)]);
    }
    let table = context.host.text("proc/net/nf_conntrack").unwrap_or_default();
    let ports: Vec<String> = context.broker.ports.iter().map(|port| format!("dport={port} ")).collect();
    let own = table.lines().filter(|line| ports.iter().any(|port| line.contains(port.as_str()))).count();
    if own == 0 {
        let found = shortened(&format!("{count} of {max}"));
        return Ok(vec![Seen::host(Outcome::fine(found))]);
    }
    let port = context.broker.ports.first().copied().unwrap_or_default();
    let change = Change::by_hand(format!(
        "nft add table inet strome; nft 'add chain inet strome in {{ type filter hook prerouting priority raw; }}'; \
         nft add rule inet strome in tcp dport {port} notrack (and the same with sport in a chain of the output hook)"
    ));
    let finding = Outcome::finding(format!("{own} of the broker's port, {count} of {max} in all"), want);
    Ok(vec![Seen::host(finding.change(change))])
}
