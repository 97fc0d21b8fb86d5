//! Arguments that would change nothing, which whoever gives them does not expect: they are refused, and told what to do instead.

use bench::{Access, Load, Mode, Plan};
use protocol::Str;

use super::super::OneMode;
use super::{ConsumeArguments, ProduceArguments, RunArguments};
use crate::cli::failure::Failure;

/// Arguments by their names, and whether they were given.
type Given<'a> = &'a [(&'static str, bool)];

fn first(given: Given<'_>) -> Option<&'static str> {
    given.iter().find(|(_, given)| *given).map(|(name, _)| *name)
}

impl OneMode {
    /// Which argument has no effect on a run of this plan, in a sentence. They have changed the plan already.
    pub(in super::super) fn check_effect(&self, plan: &Plan) -> Result<(), String> {
        if let Some(argument) = self.of_another_mode(plan.mode) {
            return Err(format!("{argument} has no meaning for a run of mode {}", plan.mode.name()));
        }
        if self.find_rate.is_some() && plan.produce.records.is_some() {
            return Err(
                "--find-rate measures each rate for some time: give --seconds instead of --records".into()
            );
        }
        if self.produce.arrivals.is_some() && plan.produce.load == Load::Closed {
            return Err("--arrivals are those of an open loop: give --rate, too".into());
        }
        if self.produce.spread.is_some() && plan.records.keys.is_some() {
            return Err("a key decides the partition of its record: leave out --spread".into());
        }
        if plan.mode.reads_backlog() && plan.fetch.backlog_bytes == 0 {
            self.check_without_backlog(plan)?;
        }
        self.run.check_threads(plan)?;
        self.run.check_configs()
    }

    fn of_another_mode(&self, mode: Mode) -> Option<&'static str> {
        let consumers = ("--consumers", self.run.consumers.is_some());
        let find_rate = ("--find-rate", self.find_rate.is_some());
        let drain = ("--drain", self.run.drain.is_some());
        match mode {
            Mode::Produce => first(&[consumers]).or_else(|| self.consume.first_given()),
            Mode::Consume => first(&[find_rate, drain]).or_else(|| self.produce.first_paced()),
            Mode::EndToEnd => first(&[("--backlog", self.consume.backlog.is_some())]),
            Mode::Mixed => None,
        }
    }

    /// Consumers begin with what somebody else has written.
    fn check_without_backlog(&self, plan: &Plan) -> Result<(), String> {
        if plan.topics.name.is_none() {
            return Err(
                "there is nothing to read: --backlog 0 reads what a topic has, which --topic names".into()
            );
        }
        let run = &self.run;
        let writing = [("--producers", run.producers.is_some()), ("--seed", run.seed.is_some())];
        let writing = first(&writing).or_else(|| self.produce.first_given());
        match writing.filter(|_| plan.mode == Mode::Consume) {
            Some(argument) => Err(format!(
                "{argument} is about what is written, and --backlog 0 writes nothing: leave one out"
            )),
            None => Ok(()),
        }
    }

    /// The same for what only the brokers know: whether the topic is there.
    pub(in super::super) fn check_topic(&self, plan: &Plan, access: &Access) -> Result<(), Failure> {
        let Some(name) = &plan.topics.name else { return Ok(()) };
        let (of_new, reads) = (self.run.first_of_new_topics(), plan.mode.reads_backlog());
        let needs_one = reads && plan.fetch.backlog_bytes == 0;
        if of_new.is_none() && !needs_one {
            return Ok(());
        }
        match (access.has_topic(&Str::from(name.as_str()))?, of_new) {
            (true, Some(argument)) => Err(Failure::Usage(format!(
                "topic {name} is there and used as it is: leave out {argument}, or name a topic that is to be made"
            ))),
            (false, _) if needs_one => {
                Err(Failure::Usage(format!("there is nothing to read: no topic is called {name}")))
            }
            _ => Ok(()),
        }
    }
}

impl RunArguments {
    /// The first argument that says what a topic is like that is made.
    fn first_of_new_topics(&self) -> Option<&'static str> {
        first(&[
            ("--partitions", self.partitions.is_some()),
            ("--replication-factor", self.replication_factor.is_some()),
            ("--config", !self.configs.is_empty()),
        ])
    }

    /// A producer or consumer is on one thread, and a thread on one CPU.
    fn check_threads(&self, plan: &Plan) -> Result<(), String> {
        let Plan { producers, consumers, .. } = *plan;
        let members = match plan.mode {
            Mode::Produce => producers,
            Mode::Consume if plan.fetch.backlog_bytes == 0 => consumers,
            // One after the other.
            Mode::Consume => producers.max(consumers),
            Mode::EndToEnd | Mode::Mixed => producers.saturating_add(consumers),
        };
        if let Some(threads) = self.threads.filter(|threads| *threads > members) {
            return Err(format!(
                "--threads {threads} is more than there are producers and consumers at the same time ({members}): \
                 give more of them, or fewer threads"
            ));
        }
        let threads = plan.threads.min(members);
        match self.cpus.len() {
            cpus if cpus > threads => Err(format!(
                "--cpus names {cpus} CPUs for {threads} of --threads, and each stays on one: name fewer CPUs, or give more threads"
            )),
            _ => Ok(()),
        }
    }

    fn check_configs(&self) -> Result<(), String> {
        let keys: Vec<&str> = self.configs.iter().map(|(key, _)| key.as_str()).collect();
        let again = keys.iter().enumerate().find(|(index, key)| keys[..*index].contains(key));
        again.map_or(Ok(()), |(_, key)| Err(format!("--config sets {key} twice")))
    }
}

impl ProduceArguments {
    /// The first argument that says how producers go on while it is measured.
    fn first_paced(&self) -> Option<&'static str> {
        first(&[
            ("--rate", self.rate.is_some()),
            ("--arrivals", self.arrivals.is_some()),
            ("--records", self.records.is_some()),
        ])
    }

    /// The first argument that was given. Those that do not set a pace also matter for what consumers find.
    fn first_given(&self) -> Option<&'static str> {
        self.first_paced().or_else(|| {
            first(&[
                ("--record-size", self.record_size.is_some()),
                ("--keys", self.keys.is_some()),
                ("--random-share", self.random_share.is_some()),
                ("--spread", self.spread.is_some()),
                ("--acks", self.acks.is_some()),
                ("--compression", self.compression.is_some()),
                ("--batch-size", self.batch_size.is_some()),
                ("--linger", self.linger.is_some()),
                ("--max-request-size", self.max_request_size.is_some()),
                ("--max-in-flight", self.max_in_flight.is_some()),
                ("--window", self.window.is_some()),
            ])
        })
    }
}

impl ConsumeArguments {
    /// The first argument that was given.
    fn first_given(&self) -> Option<&'static str> {
        first(&[
            ("--backlog", self.backlog.is_some()),
            ("--fetch-max-bytes", self.fetch_max_bytes.is_some()),
            ("--max-partition-fetch-bytes", self.max_partition_fetch_bytes.is_some()),
            ("--fetch-min-bytes", self.fetch_min_bytes.is_some()),
            ("--fetch-max-wait", self.fetch_max_wait.is_some()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;
    use super::*;

    fn refusal(mode: Mode, line: &str) -> Option<String> {
        let (arguments, mut plan) = (read(line), Plan::of(mode));
        arguments.change(&mut plan);
        arguments.check_effect(&plan).err()
    }

    const MODES: [Mode; 4] = [Mode::Produce, Mode::Consume, Mode::EndToEnd, Mode::Mixed];

    #[test]
    fn arguments_are_refused_in_the_modes_that_do_not_know_them() {
        for (line, modes) in [
            ("--consumers 2", &[Mode::Produce][..]),
            ("--fetch-max-bytes 1", &[Mode::Produce]),
            ("--max-partition-fetch-bytes 1", &[Mode::Produce]),
            ("--fetch-min-bytes 1", &[Mode::Produce]),
            ("--fetch-max-wait 1", &[Mode::Produce]),
            ("--backlog 1GB", &[Mode::Produce, Mode::EndToEnd]),
            ("--rate 1 --arrivals even", &[Mode::Consume]),
            ("--records 1", &[Mode::Consume]),
            ("--find-rate p99=1ms", &[Mode::Consume]),
            ("--drain 1", &[Mode::Consume]),
            ("--producers 2 --seed 5", &[]),
            ("--linger 5 --acks 1 --record-size 50 --batch-size 1MB --spread sticky --window 1MiB", &[]),
            (
                "--warm-up 1 --seconds 5 --topics 2 --partitions 3 --config a=b --config c=d --keep-topics",
                &[],
            ),
        ] {
            for mode in MODES {
                let argument = line.split(' ').next().unwrap();
                let told = modes
                    .contains(&mode)
                    .then(|| format!("{argument} has no meaning for a run of mode {}", mode.name()));
                assert_eq!(refusal(mode, line), told, "{line}");
            }
        }
    }

    #[test]
    fn what_another_argument_leaves_without_effect_is_refused_with_what_to_do() {
        for (mode, line, words) in [
            (Mode::Produce, "--find-rate p99=1ms --records 5", "--seconds instead of --records"),
            (Mode::Mixed, "--keys 5 --spread sticky", "leave out --spread"),
            (Mode::Produce, "--arrivals poisson", "give --rate"),
            (Mode::Produce, "--config a=1 --config b=1 --config a=2", "sets a twice"),
            (Mode::Produce, "--producers 2 --threads 3", "at the same time (2)"),
            (Mode::EndToEnd, "--threads 3", "at the same time (2)"),
            (Mode::Consume, "--producers 3 --threads 4", "at the same time (3)"),
            (Mode::Consume, "--topic x --backlog 0 --threads 2", "at the same time (1)"),
            (Mode::Produce, "--threads 1 --cpus 0,1", "names 2 CPUs for 1 of --threads"),
            (Mode::Produce, "--producers 1 --cpus 0,1", "names 2 CPUs for 1 of --threads"),
            (Mode::Consume, "--backlog 0", "which --topic names"),
            (Mode::Mixed, "--backlog 0", "which --topic names"),
        ] {
            let told = refusal(mode, line);
            assert!(told.as_ref().is_some_and(|told| told.contains(words)), "{line}: {told:?}");
        }
        for (mode, line) in [
            (Mode::Produce, "--producers 3 --threads 3 --cpus 0,1,2"),
            (Mode::EndToEnd, "--threads 2 --cpus 0"),
            (Mode::Mixed, "--topic x --backlog 0 --producers 2 --linger 1"),
            (Mode::Consume, "--topic x --backlog 0 --consumers 2 --threads 2"),
        ] {
            assert_eq!(refusal(mode, line), None, "{line}");
        }
    }

    #[test]
    fn nothing_says_what_records_are_like_where_none_are_written() {
        for line in [
            "--producers 2",
            "--seed 2",
            "--record-size 5",
            "--keys 5",
            "--random-share 1",
            "--spread sticky",
            "--acks 1",
            "--compression lz4",
            "--batch-size 5",
            "--linger 5",
            "--max-request-size 5",
            "--max-in-flight 5",
            "--window 5",
        ] {
            let told = refusal(Mode::Consume, &format!("--topic x --backlog 0 {line}"));
            let argument = line.split(' ').next().unwrap();
            assert!(
                told.is_some_and(|told| told.starts_with(argument) && told.contains("writes nothing")),
                "{line}"
            );
            assert_eq!(refusal(Mode::Consume, line), None, "{line}");
        }
    }
}
