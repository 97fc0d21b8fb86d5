//! The page around the plots: figures, settings, styles.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::plot::{COLORS, Plot};
use super::saved::Saved;
use crate::words::{count, micros};

/// See the module.
pub(super) struct Page {
    body: String,
}

/// Colors that stay apart for most eyes, on light and on dark ground.
const PALETTE: [&str; COLORS] =
    ["#3b82f6", "#f97316", "#10b981", "#e11d48", "#8b5cf6", "#eab308", "#06b6d4", "#78716c"];

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c1917;--soft:#78716c;--line:#e7e5e4;--ground:#fff}\
@media(prefers-color-scheme:dark){:root{--ink:#e7e5e4;--soft:#a8a29e;--line:#3f3b38;--ground:#1c1917}}\
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--ground);max-width:960px;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.5rem}\
.scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9rem}\
th,td{padding:.25rem .75rem;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}\
th:first-child{text-align:left;font-weight:normal;color:var(--soft)}td.t{text-align:left;white-space:normal;min-width:12rem}\
figure{margin:2rem 0}figcaption{font-weight:600}svg{width:100%;height:auto}\
svg text{font-size:12px;fill:var(--soft)}.g{stroke:var(--line)}polyline{fill:none;stroke-width:2}.f{opacity:.35;stroke-width:1}\
.legend span{margin-right:1rem;border-left:1rem solid;padding-left:.4rem;font-size:.9rem}.note{color:var(--soft)}";

/// A figure of the first table: its title, where it lies, and how it is told.
type Figure = (&'static str, &'static str, fn(f64) -> String);

const FIGURES: &[Figure] = &[
    ("produced, records/s", "produce.records_per_s", count),
    ("produced, MB/s", "produce.mb_per_s", one_decimal),
    ("consumed, records/s", "consume.records_per_s", count),
    ("consumed, MB/s", "consume.mb_per_s", one_decimal),
    ("produce p50", "produce.latency.p50_us", micros),
    ("produce p99", "produce.latency.p99_us", micros),
    ("produce p99.9", "produce.latency.p999_us", micros),
    ("produce, longest", "produce.latency.max_us", micros),
    ("end to end p50", "end_to_end.latency.p50_us", micros),
    ("end to end p99", "end_to_end.latency.p99_us", micros),
    ("end to end p99.9", "end_to_end.latency.p999_us", micros),
    ("end to end, longest", "end_to_end.latency.max_us", micros),
    ("broker CPU per record, µs", "broker_cpu_us_per_record", two_decimals),
    ("client CPU per record, µs", "client.cpu_us_per_record", two_decimals),
    ("not acknowledged", "unacknowledged_records", count),
];

/// What is told of a run in words.
const WORDS: &[(&str, &str)] = &[
    ("an acknowledgement means", "durability.meaning"),
    ("processor", "host.cpu"),
    ("processors", "host.cpus"),
    ("of a virtual machine", "host.virtual"),
    ("frequency governor", "host.governor"),
    ("processors are asked to wake up within, µs", "host.wake_up_us_max"),
    ("processors are shared out between sessions first", "host.autogroup"),
    ("kernel", "host.kernel"),
    ("measured, s", "seconds"),
];

impl Page {
    pub(super) fn new() -> Self {
        Self { body: String::new() }
    }

    /// The figures of all runs side by side.
    pub(super) fn figures(&mut self, saved: &[Saved<'_>]) {
        self.body += "<h1>strome bench</h1>";
        self.open_table(saved);
        for (title, path, tell) in FIGURES {
            let values: Vec<Option<String>> =
                saved.iter().map(|result| result.number(path).map(tell)).collect();
            self.row(title, "", &values);
        }
        let memory = |result: &Saved<'_>| {
            let brokers = result.at("brokers")?.as_array()?;
            let bytes: Vec<f64> =
                brokers.iter().filter_map(|broker| broker.get("rss_peak_bytes")?.as_f64()).collect();
            (!bytes.is_empty()).then(|| count(bytes.iter().sum::<f64>() / f64::from(1 << 20)))
        };
        let memory: Vec<Option<String>> = saved.iter().map(memory).collect();
        self.row("brokers' memory at most, MiB", "", &memory);
        self.body += "</table></div>";
        for result in saved {
            let warnings = result.at("warnings").and_then(|value| value.as_array());
            for warning in warnings.into_iter().flatten() {
                let text = super::saved::shown(warning);
                let _ =
                    write!(self.body, "<p class=\"note\">{}: {}</p>", escaped(&result.name), escaped(&text));
            }
        }
    }

    pub(super) fn plot(&mut self, plot: &Plot) {
        self.body += &plot.svg().unwrap_or_default();
    }

    /// Everything that was set and found out about the surroundings.
    pub(super) fn settings(&mut self, saved: &[Saved<'_>]) {
        self.body += "<h2>Settings and surroundings</h2>";
        self.open_table(saved);
        for (title, path) in WORDS {
            let values: Vec<Option<String>> = saved.iter().map(|result| result.text(path)).collect();
            self.row(title, "t", &values);
        }
        let command = |result: &Saved<'_>| {
            let brokers = result.at("brokers")?.as_array()?;
            let commands = brokers.iter().filter_map(|broker| broker.get("command")?.as_str());
            let commands: Vec<&str> = commands.collect();
            (!commands.is_empty()).then(|| commands.join("; "))
        };
        let commands: Vec<Option<String>> = saved.iter().map(command).collect();
        self.row("brokers on the client's machine", "t", &commands);
        let disks: Vec<Option<String>> = saved.iter().map(disks).collect();
        self.row("their disks", "t", &disks);
        for group in ["plan", "durability.topic_settings"] {
            let all: Vec<Vec<(String, String)>> = saved.iter().map(|result| result.members(group)).collect();
            let keys: BTreeSet<&String> = all.iter().flatten().map(|(key, _)| key).collect();
            for key in keys {
                let value = |members: &Vec<(String, String)>| {
                    members.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone())
                };
                let values: Vec<Option<String>> = all.iter().map(value).collect();
                self.row(key, "t", &values);
            }
        }
        self.body += "</table></div>";
    }

    fn open_table(&mut self, saved: &[Saved<'_>]) {
        self.body += "<div class=\"scroll\"><table><tr><th></th>";
        for (place, result) in saved.iter().enumerate() {
            let _ = write!(
                self.body,
                "<th><span class=\"legend\"><span class=\"k{}\">{}</span></span></th>",
                place % COLORS,
                escaped(&result.name)
            );
        }
        self.body += "</tr>";
    }

    /// A row of a table, unless no run has anything to say in it.
    fn row(&mut self, title: &str, class: &str, values: &[Option<String>]) {
        if values.iter().all(Option::is_none) {
            return;
        }
        let _ = write!(self.body, "<tr><th>{}</th>", escaped(title));
        for value in values {
            let value = value.as_deref().unwrap_or("\u{2013}");
            let _ = write!(self.body, "<td class=\"{class}\">{}</td>", escaped(value));
        }
        self.body += "</tr>";
    }

    pub(super) fn finish(self) -> String {
        let mut style = STYLE.to_owned();
        for (place, color) in PALETTE.iter().enumerate() {
            let _ = write!(style, ".c{place}{{stroke:{color}}}.k{place}{{border-color:{color}}}");
        }
        format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>strome bench</title>\
             <style>{style}</style></head>\n<body>{}</body></html>\n",
            self.body
        )
    }
}

/// Text that is nothing but text on a page.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            other => out.push(other),
        }
    }
    out
}

/// What the brokers' log directories lie on.
fn disks(result: &Saved<'_>) -> Option<String> {
    let brokers = result.at("brokers")?.as_array()?;
    let disks = brokers.iter().filter_map(|broker| broker.get("disks")?.as_array()).flatten();
    let told = disks.map(|disk| {
        let texts = ["device", "model", "filesystem", "mount_options", "write_cache"];
        let texts = texts.iter().filter_map(|key| disk.get(key)?.as_str());
        texts.collect::<Vec<_>>().join(", ")
    });
    let told: BTreeSet<String> = told.collect();
    (!told.is_empty()).then(|| told.into_iter().collect::<Vec<_>>().join("; "))
}

fn one_decimal(number: f64) -> String {
    format!("{number:.1}")
}

fn two_decimals(number: f64) -> String {
    format!("{number:.2}")
}
