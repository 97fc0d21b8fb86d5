//! The command line: one file per command.

mod bench;
mod change;
mod codec;
mod config;
mod configs;
mod connect;
mod consume;
mod failure;
mod generated;
mod groups;
mod log;
mod log_dirs;
mod offsets;
mod output;
mod produce;
mod serve;
mod topics;
mod tune;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::{Parser, Subcommand};
use signal_hook::consts::{SIGINT, SIGTERM};

/// A Kafka-compatible message broker for dedicated Linux hosts.
#[derive(Parser)]
#[command(name = "strome", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a broker
    Serve(serve::Serve),
    /// Create, list, describe, grow and delete topics
    #[command(subcommand)]
    Topics(topics::Topics),
    /// Write lines of standard input to a topic
    Produce(Box<produce::Produce>),
    /// Print the records of a topic
    Consume(Box<consume::Consume>),
    /// Show and change settings of topics and brokers
    #[command(subcommand)]
    Configs(configs::Configs),
    /// Check a file of settings before a broker is started with it
    #[command(subcommand)]
    Config(config::ConfigFile),
    /// List, describe, explain and delete groups of consumers, and reset their offsets
    #[command(subcommand)]
    Groups(groups::Groups),
    /// Show the offsets of a topic's partitions
    Offsets(offsets::Offsets),
    /// Show what is in the brokers' log directories
    LogDirs(log_dirs::LogDirs),
    /// Measure brokers, and make reports of what was measured
    #[command(subcommand)]
    Bench(Box<bench::Bench>),
    /// Look into the files of a log, without a broker
    #[command(subcommand)]
    Log(log::Log),
    /// Print what a shell needs to complete commands
    Completions(generated::Completions),
    /// Write man pages for all commands
    Man(generated::Man),
    /// Look at the host and measure its disks, tune it for a broker, and take that back
    #[command(subcommand)]
    Tune(tune::Tune),
}

/// Runs what the command line asks for.
pub fn run() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(serve) => return serve.run(),
        Command::Topics(topics) => topics.run(),
        Command::Produce(produce) => produce.run(),
        Command::Consume(consume) => consume.run(),
        Command::Configs(configs) => configs.run(),
        Command::Config(config) => config.run(),
        Command::Groups(groups) => groups.run(),
        Command::Offsets(offsets) => offsets.run(),
        Command::LogDirs(log_dirs) => log_dirs.run(),
        Command::Bench(bench) => bench.run(),
        Command::Log(log) => log.run(),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(),
        Command::Tune(tune) => tune.run(),
    };
    failure::exit(result)
}

/// Prints a line. Unlike `println!` it does not panic when nobody reads.
fn say(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{text}")
}

/// A flag that SIGINT and SIGTERM raise, for commands that have something to finish. A second signal ends the process.
fn stop_flag() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // Without the handlers a signal just ends the process, which is what signals do.
        let _ = signal_hook::flag::register_conditional_default(signal, Arc::clone(&flag));
        let _ = signal_hook::flag::register(signal, Arc::clone(&flag));
    }
    flag
}
