//! `strome tune apply` and `strome tune undo`.

use std::path::PathBuf;

use clap::Args;
use tuning::{Deed, Host, Severity, Told, Undo};

use super::target::Target;
use crate::cli::failure::Failure;
use crate::cli::say;

/// Where it is written down how everything was before. Root restores what it finds there, so that it is not in the broker's
/// directory, which belongs to the broker's user.
const STATE: &str = "/var/lib/strome-tune/state.json";

/// The arguments of `strome tune apply`.
#[derive(Args)]
#[command(
    after_help = "Exit codes: 0 everything that a program can do was done, 1 something failed, 2 wrong command line."
)]
pub struct Apply {
    #[command(flatten)]
    target: Target,
    /// Show what would be changed, which is what happens without --yes, too
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Change it
    #[arg(long)]
    yes: bool,
    /// Make it last: write files for sysctl, udev, tmpfiles, modprobe and the broker's unit, too
    #[arg(long)]
    persist: bool,
    /// Change what is only info, too
    #[arg(long)]
    all: bool,
    /// Where to write down how everything was before
    #[arg(long, value_name = "FILE", default_value = STATE)]
    state: PathBuf,
}

/// The arguments of `strome tune undo`.
#[derive(Args)]
#[command(
    after_help = "Exit codes: 0 everything is as it was before, 1 something failed or was left alone, 2 wrong command line."
)]
pub struct UndoArgs {
    /// Show what would be restored, and restore nothing
    #[arg(long)]
    dry_run: bool,
    /// Restore what somebody else has changed since, too
    #[arg(long)]
    force: bool,
    /// Where `apply` has written down how everything was before
    #[arg(long, value_name = "FILE", default_value = STATE)]
    state: PathBuf,
}

impl Apply {
    /// Shows the changes, and makes them if that is asked for.
    pub fn run(self) -> Result<(), Failure> {
        let host = Host::real();
        let (broker, steps) = self.target.steps(&host, least(self.all))?;
        if !self.yes {
            for step in &steps {
                say(&format!("{}: {}", step.check.id, step.change))?;
            }
            let count = steps.len();
            if self.persist {
                let pieces = tuning::pieces(&tuning::script_steps(steps, &broker));
                for place in pieces.iter().filter_map(|piece| piece.place) {
                    say(&format!("a file that makes it last: /{place}"))?;
                }
            }
            say(&match count {
                0 => "nothing to change".to_owned(),
                count => format!("{count} changes, none of them made: --yes makes them"),
            })?;
            return Ok(());
        }
        let mut story = Story::default();
        let result =
            tuning::apply(&host, &broker, &steps, &self.state, self.persist, &mut |told| story.tell(&told));
        result.map_err(|error| Failure::Said(error.to_string()))?;
        say(&format!(
            "{} changed, {} as it should be, {} left to do by hand, {} failed",
            story.done, story.nothing, story.left, story.failed
        ))?;
        if story.done > 0 {
            say(&format!("`strome tune undo --state {}` takes it back", self.state.display()))?;
        }
        if story.failed > 0 { Err(Failure::Reported) } else { Ok(()) }
    }
}

impl UndoArgs {
    /// Restores what `apply` has changed.
    pub fn run(self) -> Result<(), Failure> {
        let how = Undo { force: self.force, dry_run: self.dry_run };
        let mut story = Story::default();
        let result = tuning::undo(&Host::real(), &self.state, how, &mut |told| story.tell(&told));
        result.map_err(|error| Failure::Said(error.to_string()))?;
        let word = if self.dry_run { "to restore" } else { "restored" };
        say(&format!(
            "{} {word}, {} as it was, {} left alone, {} failed",
            story.done, story.nothing, story.left, story.failed
        ))?;
        if story.failed + story.left > 0 { Err(Failure::Reported) } else { Ok(()) }
    }
}

/// From which severity on changes are made.
pub fn least(all: bool) -> Severity {
    if all { Severity::Info } else { Severity::Recommended }
}

/// Tells of each deed as it happens, and counts.
#[derive(Default)]
struct Story {
    done: usize,
    nothing: usize,
    left: usize,
    failed: usize,
}

impl Story {
    fn tell(&mut self, told: &Told) {
        let (count, line) = match &told.deed {
            Deed::Done => (&mut self.done, format!("done     {}", told.what)),
            Deed::Nothing(why) => (&mut self.nothing, format!("as it is {}: {why}", told.what)),
            Deed::Left(why) => (&mut self.left, format!("left     {}: {why}", told.what)),
            Deed::Failed(why) => (&mut self.failed, format!("FAILED   {}: {why}", told.what)),
        };
        *count += 1;
        // The changes go on although nobody reads of them.
        let _ = say(&line);
    }
}
