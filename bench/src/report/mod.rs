//! One page with plots out of the saved results of one or several runs. It stands alone: styles and plots are part of it,
//! nothing is loaded from anywhere.

mod page;
mod plot;
mod saved;

use serde_json::Value;

use self::page::Page;
use self::plot::{Line, Plot, Scale};
use self::saved::Saved;
use crate::error::BenchError;

/// The page about these results, each with the name of its file, which tells apart those of the same workload.
pub fn report(results: &[(String, Value)]) -> Result<String, BenchError> {
    let saved: Vec<Saved<'_>> =
        results.iter().map(|(name, value)| Saved::new(name, value)).collect::<Result<_, _>>()?;
    let mut page = Page::new();
    page.figures(&saved);
    for (part, what) in [("produce", "Produce"), ("end_to_end", "End-to-end"), ("consume", "Fetch")] {
        page.plot(&by_percentile(&saved, part, &format!("{what} latency by percentile")));
        page.plot(&over_time(
            &saved,
            part,
            &format!("{what} latency over time: p99, and the longest in faint"),
        ));
    }
    for (amount, what) in
        [("produced", "Records acknowledged a second"), ("consumed", "Records consumed a second")]
    {
        page.plot(&throughput(&saved, amount, what));
    }
    page.settings(&saved);
    Ok(page.finish())
}

/// Latency against percentile, the latter stretched towards its end: each step to the right is ten times as rare.
fn by_percentile(saved: &[Saved<'_>], part: &str, title: &str) -> Plot {
    let mut plot = Plot::new(title, Scale::Percentile, Scale::LogMicros);
    for (color, result) in saved.iter().enumerate() {
        let points = result.curve(part);
        plot.line(Line { name: result.name.clone(), color, faint: false, points });
    }
    plot
}

fn over_time(saved: &[Saved<'_>], part: &str, title: &str) -> Plot {
    let mut plot = Plot::new(title, Scale::Seconds, Scale::LogMicros);
    let key = if part == "consume" { "fetch" } else { part };
    for (figure, faint) in [("max_us", true), ("p99_us", false)] {
        for (color, result) in saved.iter().enumerate() {
            let points = result.series(|point| point.get(key)?.get(figure)?.as_f64());
            plot.line(Line { name: result.name.clone(), color, faint, points });
        }
    }
    plot
}

fn throughput(saved: &[Saved<'_>], amount: &str, title: &str) -> Plot {
    let mut plot = Plot::new(title, Scale::Seconds, Scale::Linear);
    let key = format!("{amount}_records");
    for (color, result) in saved.iter().enumerate() {
        let points =
            result.series(|point| Some(point.get(&key)?.as_f64()? / point.get("seconds")?.as_f64()?));
        let points = if points.iter().any(|(_, rate)| *rate > 0.0) { points } else { Vec::new() };
        plot.line(Line { name: result.name.clone(), color, faint: false, points });
    }
    plot
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn result(workload: &str, p99: f64) -> Value {
        let point = |at: f64| {
            json!({
                "at_s": at, "seconds": 1.0, "produced_records": 1000, "consumed_records": 0,
                "produce": { "p99_us": p99, "max_us": p99 * 10.0 },
            })
        };
        let last_answers = json!({ "at_s": 2.001, "seconds": 0.001, "produced_records": 77, "produce": {} });
        json!({
            "format": 1, "workload": workload, "mode": "produce", "seconds": 3.0, "began_unix_s": 1_700_000_000,
            "plan": { "linger_ms": 5.0, "acks": "all" },
            "host": { "cpu": "a <fast> & good one", "kernel": "6.1" },
            "durability": { "meaning": "on disk", "topic_settings": { "flush.messages": "1" } },
            "produce": {
                "records_per_s": 1234.5, "mb_per_s": 1.2,
                "latency": { "p50_us": 100.0, "p99_us": p99, "p999_us": p99, "max_us": p99, "curve_us": [[0.0, 50.0], [50.0, 100.0], [99.0, p99], [100.0, p99]] },
            },
            "brokers": [{ "command": "a-broker serve", "disks": [{ "device": "/dev/disk", "model": null }] }],
            "warnings": ["mind <this>"],
            "series": [point(-1.0), point(0.0), point(1.0), point(2.0), last_answers],
        })
    }

    #[test]
    fn a_page_stands_alone_and_shows_every_run() {
        let page =
            report(&[("a.json".into(), result("x", 500.0)), ("b.json".into(), result("x", 900.0))]).unwrap();
        for outside in ["http:", "https:", "//", "src=", "href=", "url(", "@import", "<script"] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(page.contains("x (a)") && page.contains("x (b)"));
        // Both lines in each of three plots, and the faint ones over time.
        assert_eq!(page.matches("<polyline").count(), 2 * 3 + 2);
        assert!(page.contains("/dev/disk") && !page.contains("/dev/disk,"));
        // What comes in the moment after the end is no second: 77 records in a thousandth of it are no peak.
        assert!(!page.contains(">77,000<") && !page.contains(">80,000<"), "{page}");
        assert!(page.contains("1,234") && page.contains("a-broker serve") && page.contains("flush.messages"));
    }

    #[test]
    fn what_a_result_says_cannot_break_out_of_its_place() {
        let page = report(&[("a.json".into(), result("<script>alert(\"1\")</script>", 500.0))]).unwrap();
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;alert(&quot;1&quot;)"));
        assert!(page.contains("a &lt;fast&gt; &amp; good one") && page.contains("mind &lt;this&gt;"));
    }

    #[test]
    fn the_figures_of_a_page_are_in_their_rows_and_units() {
        let mut full = result("x", 500.0);
        full["produce"]["latency"] =
            json!({ "p50_us": 100.0, "p99_us": 2_000.0, "p999_us": 30_000.0, "max_us": 4e6 });
        full["end_to_end"] = json!({ "latency": { "p99_us": 5_000.0 } });
        full["host"]["virtual"] = Value::Null;
        full["brokers"] = json!([
            { "rss_peak_bytes": 300 << 20, "command": "one", "disks": [{ "device": "d", "write_cache": "write through" }] },
            { "rss_peak_bytes": 200 << 20, "command": "two" },
        ]);
        let page = report(&[("some/folder/a.json".into(), full), ("b.json".into(), json!({ "format": 1 }))])
            .unwrap();
        for (title, class, told) in [
            ("produced, records/s", "", "1,234"),
            ("produced, MB/s", "", "1.2"),
            ("produce p50", "", "100 µs"),
            ("produce p99", "", "2.00 ms"),
            ("produce p99.9", "", "30.0 ms"),
            ("produce, longest", "", "4.00 s"),
            ("end to end p99", "", "5.00 ms"),
            ("brokers&#39; memory at most, MiB", "", "500"),
            ("kernel", "t", "6.1"),
            ("brokers on the client&#39;s machine", "t", "one; two"),
            ("their disks", "t", "d, write through"),
            ("linger_ms", "t", "5.0"),
        ] {
            // The second has nothing to say.
            let row = format!(
                "<tr><th>{title}</th><td class=\"{class}\">{told}</td><td class=\"{class}\">\u{2013}</td></tr>"
            );
            assert!(page.contains(&row), "{row}: {page}");
        }
        for nothing in ["not acknowledged", "of a virtual machine"] {
            assert!(!page.contains(nothing), "{nothing}");
        }
        assert!(page.contains("<span class=\"k0\">x (a)") && page.contains("<span class=\"k1\">run (b)"));
    }

    #[test]
    fn each_plot_shows_what_its_title_says() {
        let point = |at: f64, records: u64| {
            json!({
                "at_s": at, "seconds": 0.5, "consumed_records": records,
                "fetch": { "p50_us": 1.0, "p99_us": 2_000.0, "max_us": 20_000.0 },
            })
        };
        let of_fetches = json!({
            "format": 1, "consume": { "latency": { "curve_us": [[0.0, 500.0], [90.0, 700.0], [100.0, 1e9]] } },
            // The warm-up is not shown.
            "series": [point(0.0, 1 << 40), point(1.0, 1_000), point(2.0, 1_000)],
        });
        let page = report(&[("a.json".into(), of_fetches)]).unwrap();
        let figures: Vec<&str> = page.split("<figure>").skip(1).collect();
        let [by_percentile, over_time, rate] = figures[..] else { panic!("{page}") };
        assert!(by_percentile.contains("Fetch latency by percentile") && by_percentile.contains(">90 %<"));
        assert!(
            by_percentile.contains(">1.00 ms<") && !by_percentile.contains(">10.0 ms<"),
            "{by_percentile}"
        );
        assert!(
            over_time.contains("Fetch latency over time") && over_time.contains(">1.00 ms<"),
            "{over_time}"
        );
        // The longest are faint, and not in the legend.
        assert!(over_time.contains(">100 ms<") && over_time.contains("class=\"c0 f\" points"), "{over_time}");
        assert!(!over_time.contains(">100 µs<") && over_time.matches("<span").count() == 1, "{over_time}");
        // A thousand in half a second.
        assert!(rate.contains("Records consumed a second") && rate.contains(">2,000<"), "{rate}");
        assert!(!rate.contains(">2,500<") && rate.contains(">1.5 s<") && rate.contains(">2 s<"), "{rate}");
    }

    #[test]
    fn something_else_than_a_result_is_refused_by_its_name() {
        let of_groups = json!({ "format": 1, "changes": [], "commits": [] });
        for wrong in [json!({}), json!([]), json!({ "format": 99 }), json!("text"), of_groups] {
            let error = report(&[("wrong.json".into(), wrong)]).unwrap_err().to_string();
            assert!(error.starts_with("wrong.json: "), "{error}");
            assert!(!error.contains("99") || error.contains("reads format 1"), "{error}");
        }
        // A result with nothing in it makes a page without plots.
        let empty = report(&[("a.json".into(), json!({ "format": 1 }))]).unwrap();
        assert!(!empty.contains("<svg"));
    }
}
