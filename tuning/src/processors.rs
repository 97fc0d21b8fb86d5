//! Processors and their speed.

use crate::{Finding, Host, Severity};

const PROCESSORS: &str = "sys/devices/system/cpu";

/// Whether some processor lowers its clock when it has little to do. Virtual machines usually do not say.
pub(crate) fn governor(host: &Host) -> Option<Finding> {
    let governor = |name: &String| {
        let number = name.strip_prefix("cpu")?;
        number.parse::<u32>().ok()?;
        host.read(&format!("{PROCESSORS}/{name}/cpufreq/scaling_governor"))
    };
    let names = host.names(PROCESSORS);
    let all: Vec<_> = names.iter().filter_map(governor).collect();
    let slow: Vec<_> = all.iter().filter(|governor| *governor != "performance").collect();
    let first = slow.first()?;
    Some(Finding {
        what: "the frequency governor".to_owned(),
        found: format!("{first} on {} of {} processors", slow.len(), all.len()),
        wanted: "performance".to_owned(),
        why: "a processor that slows down between requests answers the next one late",
        remedy: "cpupower frequency-set -g performance".to_owned(),
        severity: Severity::Advice,
    })
}
