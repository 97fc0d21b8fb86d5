//! `strome bench`: measures a broker, and makes reports of results.

mod arguments;
mod goal;
mod groups;
mod progress;
mod results;
mod text;

use std::fs;
use std::path::{Path, PathBuf};

use bench::{
    Access, Address, BenchError, FoundRate, Goal, Mode, Outcome, Plan, Trial, WORKLOADS, Workload, to_json,
};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use self::arguments::{ConsumeArguments, ProduceArguments, RunArguments};
use self::groups::Groups;
use self::progress::Progress;
use self::results::{Results, at, check_writable, write};
use super::connect::Connect;
use super::failure::Failure;
use super::output::{Output, Table};

/// The commands of `strome bench`.
#[derive(Subcommand)]
pub enum Bench {
    /// Write records: latency is from when a record was due until it was acknowledged
    Produce(OneMode),
    /// Read records that are written beforehand, from the first to the last
    Consume(OneMode),
    /// Write and read at the same time: latency is from when a record was due until a consumer had it
    EndToEnd(OneMode),
    /// Write while consumers catch up with what was there before
    Mixed(OneMode),
    /// Have members of a group come and go and commit: how long until all have their new assignments
    Groups(Groups),
    /// Run a workload that has a name
    Run(Named),
    /// List the workloads that have names
    List(List),
    /// Make one page with plots out of saved results
    Report(Report),
}

/// The arguments of a run.
#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub struct OneMode {
    #[command(flatten)]
    run: RunArguments,
    #[command(flatten)]
    produce: ProduceArguments,
    #[command(flatten)]
    consume: ConsumeArguments,
    /// Search the highest rate at which a percentile stays below a limit, by a run for each rate: p99.9=10ms. It begins
    /// at --rate, or at half of what a closed loop reaches
    #[arg(long, value_name = "GOAL", value_parser = goal::goal, help_heading = "Producing")]
    find_rate: Option<Goal>,
    /// Also write a page with plots
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    html: Option<PathBuf>,
    #[command(flatten, next_help_heading = "Results")]
    results: Results,
    #[command(flatten, next_help_heading = "Brokers")]
    connect: Connect,
}

/// The arguments of `strome bench run`.
#[derive(Args)]
pub struct Named {
    /// The workload; 'strome bench list' shows all. Arguments change single things of it, and what is not
    /// given is as it has it, not as the defaults below say
    #[arg(value_name = "NAME", value_parser = workload)]
    workload: &'static Workload,
    #[command(flatten)]
    arguments: OneMode,
}

fn workload(name: &str) -> Result<&'static Workload, String> {
    Workload::named(name).ok_or_else(|| "there is no such workload; 'strome bench list' shows all".to_owned())
}

/// The arguments of `strome bench list`.
#[derive(Args)]
pub struct List {
    #[command(flatten)]
    output: Output,
}

impl List {
    fn run(&self) -> Result<(), Failure> {
        let mut table = Table::new(&["NAME", "MODE", "ABOUT"]);
        for workload in WORKLOADS {
            let mode = workload.plan().mode.name();
            table.row(vec![workload.name.to_owned(), mode.to_owned(), workload.about.to_owned()]);
        }
        let value = |workload: &Workload| json!({ "name": workload.name, "mode": workload.plan().mode.name(), "about": workload.about });
        Ok(self.output.print(&table, || WORKLOADS.iter().map(value).collect())?)
    }
}

/// The arguments of `strome bench report`.
#[derive(Args)]
pub struct Report {
    /// Results that were saved with --save; the page shows them side by side
    #[arg(value_name = "FILE", required = true)]
    results: Vec<PathBuf>,
    /// Where the page goes
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
}

impl Report {
    fn run(&self) -> Result<(), Failure> {
        let read = |path: &PathBuf| -> Result<(String, Value), Failure> {
            let text = fs::read(path).map_err(|error| at(path, &error))?;
            let not_json = |error| at(path, &format!("not a result of strome bench: {error}"));
            let value = serde_json::from_slice(&text).map_err(not_json)?;
            Ok((path.display().to_string(), value))
        };
        if self.results.contains(&self.out) {
            return Err(Failure::Usage(format!(
                "{}: the page would take the place of a result",
                self.out.display()
            )));
        }
        let results: Vec<(String, Value)> = self.results.iter().map(read).collect::<Result<_, _>>()?;
        let page = bench::report(&results)?;
        write(&self.out, &page)
    }
}

impl Bench {
    /// Measures, or reports.
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::Produce(arguments) => arguments.run(Plan::of(Mode::Produce)),
            Self::Consume(arguments) => arguments.run(Plan::of(Mode::Consume)),
            Self::EndToEnd(arguments) => arguments.run(Plan::of(Mode::EndToEnd)),
            Self::Mixed(arguments) => arguments.run(Plan::of(Mode::Mixed)),
            Self::Groups(groups) => groups.run(),
            Self::Run(Named { workload, arguments }) => arguments.run(workload.plan()),
            Self::List(list) => list.run(),
            Self::Report(report) => report.run(),
        }
    }
}

impl OneMode {
    /// Makes of `plan` what these arguments say.
    fn change(&self, plan: &mut Plan) {
        self.run.apply(plan);
        self.produce.apply(plan, self.run.has_time());
        self.consume.apply(plan);
    }

    /// Runs `plan` as these arguments change it.
    fn run(self, mut plan: Plan) -> Result<(), Failure> {
        self.change(&mut plan);
        self.check_effect(&plan).map_err(Failure::Usage)?;
        plan.check().map_err(Failure::Usage)?;
        self.run.check_cpus().map_err(Failure::Usage)?;
        self.check_files()?;
        let access = access(&self.connect)?;
        self.check_topic(&plan, &access)?;
        let stop = super::stop_flag();
        let mut progress = Progress::new(self.results.quiet);
        if let Some(goal) = self.find_rate {
            let mut told = |trial: &Trial, holds: bool| self.results.tell(&goal::trial(trial, &goal, holds));
            let found = bench::find_rate(&plan, &access, goal, &mut progress, &mut told, &stop);
            progress.end();
            return self.found(found?);
        }
        let outcome = bench::run(&plan, &access, &mut progress, &stop);
        progress.end();
        let outcome = outcome?;
        self.show(&outcome, None)?;
        ended(outcome.cut_short)
    }

    /// The run at the rate that was found, or that there is none.
    fn found(&self, found: FoundRate) -> Result<(), Failure> {
        match &found.best {
            Some(outcome) => self.show(outcome, Some(&found))?,
            None => return Err(Failure::Said(goal::conclusion(&found))),
        }
        ended(found.cut_short)
    }

    fn check_files(&self) -> Result<(), Failure> {
        self.results.check()?;
        match &self.html {
            Some(page) if self.results.are_saved_in(page) => {
                Err(Failure::Usage("--save and --html would write to the same file".to_owned()))
            }
            page => page.iter().try_for_each(|path| check_writable(path)),
        }
    }

    fn show(&self, outcome: &Outcome, search: Option<&FoundRate>) -> Result<(), Failure> {
        let mut json = to_json(outcome);
        let mut rows = text::rows(outcome);
        if let Some(found) = search {
            json["search"] = goal::to_json(found);
            rows.push((String::new(), "search".to_owned()));
            rows.push(("found".to_owned(), goal::conclusion(found)));
            if let Some(warning) = goal::warning(found) {
                if let Some(warnings) = json["warnings"].as_array_mut() {
                    warnings.push(warning.clone().into());
                }
                rows.push(("note".to_owned(), warning));
            }
        }
        let page = self.html.iter().try_for_each(|path| write_page(path, &json));
        self.results.show(&rows, &json).and(page)
    }
}

fn write_page(path: &Path, json: &Value) -> Result<(), Failure> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    write(path, &bench::report(&[(name, json.clone())])?)
}

/// What was measured is told, but if something cut it short it is not what was asked for.
fn ended(cut_short: Option<BenchError>) -> Result<(), Failure> {
    cut_short.map_or(Ok(()), |why| Err(why.into()))
}

/// What the client is called unless somebody says otherwise.
const CLIENT_ID: &str = "strome-bench";

/// How to reach the brokers that the arguments name.
fn access(connect: &Connect) -> Result<Access, Failure> {
    let bootstrap = connect.bootstrap()?;
    let bootstrap =
        bootstrap.into_iter().map(|address| Address { host: address.host, port: address.port }).collect();
    let client_id = connect.client_id().unwrap_or(CLIENT_ID).into();
    Ok(Access { bootstrap, timeout: connect.request_timeout(), client_id })
}

impl From<BenchError> for Failure {
    fn from(error: BenchError) -> Self {
        match error {
            BenchError::Plan(why) => Self::Usage(why),
            other => Self::Said(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Reached {
        #[command(flatten)]
        connect: Connect,
    }

    #[test]
    fn brokers_know_the_client_by_the_name_that_it_is_given() {
        let client_id = |line: &[&str]| {
            let given = ["bench", "--bootstrap-server", "localhost:1"].iter().chain(line);
            access(&Reached::parse_from(given).connect).ok().map(|access| access.client_id.to_string())
        };
        assert_eq!(client_id(&[]).as_deref(), Some("strome-bench"));
        assert_eq!(client_id(&["--client-id", "mine"]).as_deref(), Some("mine"));
    }
}
