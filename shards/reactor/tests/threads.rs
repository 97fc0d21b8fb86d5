//! Shards as threads: how they start, sleep, wake, share their core and end.

mod stage;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use stage::{on_shard, on_shard_with};
use strome_reactor::{
    Allow, Options, Placement, ReactorError, cores, launch, probe, sleep, spawn_background, yield_if_needed,
};

/// Longer than any sleep that works; a test that needs it has lost a wake-up.
const FOR_EVER: Duration = Duration::from_secs(30);

fn placement(name: &str) -> Placement {
    Placement { name: name.into(), cpu: None }
}

fn kinds() -> Vec<Options> {
    let all = Allow::ALL;
    let mut kinds = Vec::new();
    for allow in [all, Allow { defer_taskrun: false, ..all }, Allow::NONE] {
        for spin in [Duration::ZERO, Duration::from_micros(200)] {
            kinds.push(Options { allow, spin, ..Options::default() });
        }
    }
    kinds
}

#[test]
fn the_kernels_abilities_print_as_one_line() {
    let features = probe().unwrap();
    let line = features.to_string();
    assert!(line.contains("multishot receive") && !line.contains('\n'), "{line}");
}

#[test]
fn a_sleep_ends_at_its_deadline_and_not_before() {
    for options in kinds() {
        on_shard_with(options, |mut stage| async move {
            for sleep_ms in [1, 5, 20] {
                let begin = Instant::now();
                let until = begin + Duration::from_millis(sleep_ms);
                let mut events = Vec::new();
                while Instant::now() < until {
                    stage.reactor.park(Some(until)).await;
                    stage.reactor.poll(&mut events);
                }
                assert!(begin.elapsed() < FOR_EVER && events.is_empty());
            }
            // A deadline that has passed is no sleep.
            stage.reactor.park(Some(Instant::now())).await;
        })
        .join();
    }
}

#[test]
fn sleeps_end_at_their_deadlines_while_a_background_task_lives() {
    for options in kinds() {
        on_shard_with(options, |mut stage| async move {
            spawn_background(async {
                loop {
                    sleep(FOR_EVER).await;
                }
            });
            let mut events = Vec::new();
            // Later, earlier and much later than the one before: the timer is moved.
            for sleep_ms in [20, 5, 1, 30] {
                let until = Instant::now() + Duration::from_millis(sleep_ms);
                // A far deadline first, then the near one in its place.
                stage.reactor.waker().wake();
                stage.reactor.park(Some(until + FOR_EVER)).await;
                let mut parks = 0;
                while Instant::now() < until {
                    stage.reactor.park(Some(until)).await;
                    stage.reactor.poll(&mut events);
                    parks += 1;
                }
                assert!(parks < 20, "it woke {parks} times for nothing");
                assert!(events.is_empty());
            }
        })
        .join();
    }
}

#[test]
fn a_wake_from_another_thread_ends_a_sleep_without_deadline() {
    for background in [false, true] {
        for options in kinds() {
            let wakes = Arc::new(AtomicU64::new(0));
            let seen = Arc::clone(&wakes);
            let shard = on_shard_with(options, move |mut stage| async move {
                let (mut known, mut switch_at) = (0, 100);
                while known < 2000 {
                    // From one kind of sleep to the other and back, again and again.
                    if background && known >= switch_at {
                        switch_at = known + 100;
                        spawn_background(async { sleep(Duration::from_millis(2)).await });
                    }
                    stage.reactor.poll(&mut Vec::new());
                    let now = seen.load(Ordering::SeqCst);
                    if now == known {
                        stage.reactor.park(None).await;
                    }
                    known = now;
                }
            });
            for n in 0..2000u64 {
                wakes.fetch_add(1, Ordering::SeqCst);
                shard.waker.wake();
                if n.is_multiple_of(8) {
                    thread::sleep(Duration::from_micros(n % 100));
                }
            }
            shard.join();
        }
    }
}

#[test]
fn a_background_task_runs_while_the_shard_sleeps_and_while_it_is_busy() {
    on_shard(|mut stage| async move {
        let steps = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&steps);
        let waker = stage.reactor.waker();
        spawn_background(async move {
            for _ in 0..10 {
                counted.fetch_add(1, Ordering::SeqCst);
                sleep(Duration::from_millis(1)).await;
            }
            waker.wake();
        });
        while steps.load(Ordering::SeqCst) < 10 {
            stage.reactor.park(None).await;
        }
        // Now the shard never sleeps, but yields.
        let done = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&done);
        spawn_background(async move { told.store(true, Ordering::SeqCst) });
        let begin = Instant::now();
        while !done.load(Ordering::SeqCst) {
            stage.reactor.poll(&mut Vec::new());
            yield_if_needed().await;
            assert!(begin.elapsed() < FOR_EVER, "the task never ran");
        }
    })
    .join();
}

#[test]
fn a_busy_shard_and_a_busy_background_task_both_get_on() {
    on_shard(|mut stage| async move {
        let turns = Arc::new(AtomicU64::new(0));
        let (counted, slept) = (Arc::clone(&turns), Arc::new(AtomicU64::new(0)));
        spawn_background(async move {
            loop {
                counted.fetch_add(1, Ordering::SeqCst);
                yield_if_needed().await;
            }
        });
        let sleeper = Arc::clone(&slept);
        spawn_background(async move {
            loop {
                sleep(Duration::from_millis(1)).await;
                sleeper.fetch_add(1, Ordering::SeqCst);
            }
        });
        // Neither the counting task nor the shard ever waits for anything but its turn.
        let begin = Instant::now();
        let mut rounds = 0;
        while turns.load(Ordering::SeqCst) < 1000 || slept.load(Ordering::SeqCst) < 5 || rounds < 1000 {
            rounds += 1;
            stage.reactor.poll(&mut Vec::new());
            yield_if_needed().await;
            assert!(begin.elapsed() < FOR_EVER, "{rounds} rounds, {turns:?} turns, {slept:?} sleeps");
        }
    })
    .join();
}

#[test]
fn a_sleeping_shard_without_background_tasks_costs_one_call_per_sleep() {
    on_shard(|mut stage| async move {
        stage.reactor.poll(&mut Vec::new());
        let before = stage.reactor.counts();
        for _ in 0..50 {
            stage.reactor.park(Some(Instant::now() + Duration::from_micros(100))).await;
            stage.reactor.poll(&mut Vec::new());
        }
        let after = stage.reactor.counts();
        assert!(after.enters - before.enters <= 55, "{before:?} {after:?}");
    })
    .join();
}

#[test]
fn blocking_work_runs_elsewhere_and_wakes_the_shard() {
    on_shard(|mut stage| async move {
        let (sender, receiver) = channel();
        let here = thread::current().id();
        for n in 0..20 {
            let sender = sender.clone();
            stage.reactor.offload(move || {
                assert_ne!(thread::current().id(), here);
                thread::sleep(Duration::from_millis(2));
                // A panic in one piece of work harms no other.
                assert_ne!(n, 7, "on purpose");
                sender.send(n).unwrap();
            });
        }
        let mut came = Vec::new();
        let begin = Instant::now();
        while came.len() < 19 {
            stage.reactor.park(None).await;
            came.extend(receiver.try_iter());
            assert!(begin.elapsed() < FOR_EVER);
        }
        came.sort_unstable();
        assert!((0..20).filter(|n| *n != 7).eq(came));
    })
    .join();
}

#[test]
fn a_pinned_shard_stays_on_its_core_and_its_blocking_threads_do_not() {
    let all = cores();
    let cpu = *all.last().unwrap();
    let (sender, receiver) = channel();
    let handle = launch(Placement { name: "shard-9".into(), cpu: Some(cpu) }, move || async move {
        let mut reactor =
            strome_reactor::Reactor::new(Options::default(), strome_reactor::Waker::new().unwrap()).unwrap();
        sender.send((thread::current().name().map(str::to_owned), allowed_cores())).unwrap();
        reactor.offload(move || {
            sender.send((thread::current().name().map(str::to_owned), allowed_cores())).unwrap();
        });
    })
    .unwrap();
    assert_eq!(receiver.recv().unwrap(), (Some("shard-9".into()), 1));
    assert_eq!(receiver.recv().unwrap(), (Some("shard-9-io".into()), all.len()));
    handle.join().unwrap();
}

fn allowed_cores() -> usize {
    thread::available_parallelism().unwrap().get()
}

#[test]
fn a_core_that_does_not_exist_is_an_error_and_not_a_panic() {
    let placement = Placement { name: "shard-0".into(), cpu: Some(100_000) };
    let error = launch(placement, || async {}).unwrap_err();
    assert!(matches!(error, ReactorError::Executor { .. }), "{error}");
}

#[test]
fn a_panic_in_a_shard_comes_out_of_its_handle() {
    let handle = launch(placement("shard-3"), || async {
        yield_if_needed().await;
        panic!("the shard is broken: {}", 7);
    })
    .unwrap();
    let error = handle.join().unwrap_err();
    assert_eq!(error.to_string(), "shard-3 panicked: the shard is broken: 7");
    let error = launch(placement("shard-4"), || -> std::future::Ready<()> { panic!("at once") });
    assert_eq!(error.unwrap().join().unwrap_err().to_string(), "shard-4 panicked: at once");
}

#[test]
fn a_panic_in_a_background_task_ends_the_shard_too() {
    let handle = launch(placement("shard-5"), || async {
        spawn_background(async { panic!("in the background") });
        sleep(FOR_EVER).await;
    })
    .unwrap();
    assert_eq!(handle.join().unwrap_err().to_string(), "shard-5 panicked: in the background");
}

#[test]
fn several_shards_run_side_by_side_within_little_locked_memory() {
    let shards: Vec<_> = (0..16)
        .map(|_| {
            on_shard(|mut stage| async move {
                stage.reactor.park(Some(Instant::now() + Duration::from_millis(50))).await;
            })
        })
        .collect();
    for shard in shards {
        shard.join();
    }
}
