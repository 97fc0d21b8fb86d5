//! `strome log adopt`: take over the data directories of a stopped Apache Kafka node.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use crate::adopt::Plan;
use crate::cli::failure::{Failure, complain};
use crate::cli::output::{Form, Output, Table};
use crate::config::{Config, Sources};

/// The arguments of `strome log adopt`.
#[derive(Args)]
#[command(
    after_help = "Without --execute nothing is changed. Exit code: 0 if the node can be (or was) taken over, 1 if not, \
    2 for arguments or settings that make no sense."
)]
pub struct Adopt {
    /// Kafka's data directories; by default those of log.dirs, of which none may be missing
    #[arg(long, value_name = "KAFKA_DATA_DIR", num_args = 1..)]
    from: Vec<PathBuf>,
    /// The server.properties with which Strome will run on them; usually Kafka's own
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Say what would be done, which is the default
    #[arg(long, conflicts_with = "execute")]
    dry_run: bool,
    /// Do it
    #[arg(long)]
    execute: bool,
    /// Do it although partitions or records of them are missing here, as on one of several brokers
    #[arg(long)]
    partial: bool,
    #[command(flatten)]
    output: Output,
}

impl Adopt {
    /// Looks, tells and, if it was asked for, does it.
    pub fn run(self) -> Result<(), Failure> {
        let sources = Sources { file: Some(self.config.clone()), ..Sources::default() };
        let config = Config::load(&sources).map_err(|error| Failure::Usage(error.to_string()))?;
        let directories = match self.from.is_empty() {
            true => config.broker.log_dirs.iter().map(PathBuf::from).collect(),
            false => self.in_order_of(&config.broker.log_dirs),
        };
        let plan = Plan::make(&config, &directories).map_err(|error| Failure::Said(error.to_string()))?;
        let may = plan.refusals.is_empty() && (plan.incomplete.is_empty() || self.partial);
        let done = self.execute && may;
        if done {
            plan.execute().map_err(|error| Failure::Said(error.to_string()))?;
        }
        match self.output.form() {
            Form::Json => writeln!(io::stdout().lock(), "{:#}", as_json(&plan, done))?,
            Form::Table | Form::Plain => print(&plan, &config, done)?,
        }
        if may {
            return Ok(());
        }
        for refusal in &plan.refusals {
            complain(refusal);
        }
        if !plan.incomplete.is_empty() && !self.partial {
            complain("something would be missing (see above); --partial takes over what there is");
        }
        complain("nothing was changed");
        Err(Failure::Reported)
    }

    /// The directories that were given, in the order of `log.dirs`: the first gets the metadata log.
    fn in_order_of(&self, log_dirs: &[String]) -> Vec<PathBuf> {
        let same = |one: &PathBuf, other: &PathBuf| match (one.canonicalize(), other.canonicalize()) {
            (Ok(one), Ok(other)) => one == other,
            _ => one == other,
        };
        let place = |dir: &PathBuf| log_dirs.iter().position(|known| same(&PathBuf::from(known), dir));
        let mut directories = self.from.clone();
        directories.sort_by_key(|dir| place(dir).unwrap_or(usize::MAX));
        directories
    }
}

fn print(plan: &Plan, config: &Config, done: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "cluster {}, node {}", plan.cluster_id, plan.node)?;
    if let Some((path, end)) = &plan.kafka_metadata {
        let version =
            plan.metadata_version.map_or_else(String::new, |version| format!(", metadata.version {version}"));
        writeln!(out, "Kafka's metadata: {}, read up to offset {end}{version}", path.display())?;
    }
    writeln!(out)?;
    if !plan.topics.is_empty() {
        let mut table = Table::new(&["TOPIC", "ID", "PARTITIONS", "HERE", "REPLICAS", "SETTINGS"]);
        for topic in &plan.topics {
            let replicas =
                if topic.replicas > 1 { format!("1, were {}", topic.replicas) } else { "1".to_owned() };
            let settings: Vec<String> =
                topic.settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
            table.row(vec![
                topic.name.clone(),
                topic.id.to_string(),
                topic.partitions.to_string(),
                topic.here.to_string(),
                replicas,
                settings.join(" "),
            ]);
        }
        out.write_all(table.aligned().as_bytes())?;
    }
    writeln!(
        out,
        "\nTaken over with them: {} settings of brokers and groups, the next producer id {}",
        plan.settings, plan.next_producer_id
    )?;
    section(&mut out, "Not taken over", &plan.left_behind)?;
    section(&mut out, "Missing", &plan.incomplete)?;
    let warnings: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
    section(&mut out, "Of the settings", &warnings)?;
    section(&mut out, "Worth knowing", &plan.notes)?;
    changes(&mut out, plan, done)?;
    out.flush()
}

fn section(out: &mut impl Write, title: &str, lines: &[String]) -> io::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}:")?;
    lines.iter().try_for_each(|line| writeln!(out, "  {line}"))
}

fn changes(out: &mut impl Write, plan: &Plan, done: bool) -> io::Result<()> {
    let Some((_, place)) = plan.metadata_dirs() else { return Ok(()) };
    if !plan.refusals.is_empty() {
        return Ok(());
    }
    let (entries, records) = plan.size();
    let verb = if done { "Changed" } else { "Would be changed" };
    writeln!(
        out,
        "\n{verb}: {} is made, with {records} records in {entries} entries, and an empty .lock where Kafka has removed its own. Nothing else.",
        place.display()
    )?;
    writeln!(
        out,
        "Strome's first start then removes .kafka_cleanshutdown and writes its own checkpoints; from then on Kafka must \
         not be started on these directories any more."
    )?;
    if done {
        writeln!(out, "Taken over: start Strome with `strome serve --config` and the same settings.")
    } else {
        writeln!(out, "Nothing was changed; add --execute to do it.")
    }
}

fn as_json(plan: &Plan, done: bool) -> Value {
    let topics = plan.topics.iter().map(|topic| {
        json!({
            "name": topic.name,
            "id": topic.id.to_string(),
            "partitions": topic.partitions,
            "here": topic.here,
            "replicas_before": topic.replicas,
            "settings": topic.settings,
        })
    });
    let (entries, records) = plan.size();
    json!({
        "cluster_id": plan.cluster_id,
        "node": plan.node.0,
        "metadata_version": plan.metadata_version,
        "metadata_offset": plan.kafka_metadata.as_ref().map(|(_, end)| end),
        "directories": plan.directories.iter().map(|dir| dir.display().to_string()).collect::<Vec<_>>(),
        "topics": topics.collect::<Vec<_>>(),
        "settings": plan.settings,
        "next_producer_id": plan.next_producer_id,
        "not_taken_over": plan.left_behind,
        "missing": plan.incomplete,
        "notes": plan.notes,
        "refusals": plan.refusals,
        "created": plan.metadata_dirs().map(|(_, place)| place.display().to_string()),
        "entries": entries,
        "records": records,
        "done": done,
    })
}
