//! Chance that can be repeated: every choice of a case follows from its seed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Pseudo-random numbers (xorshift64*).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        // The first numbers of similar seeds are similar.
        for _ in 0..4 {
            dice.next();
        }
        dice
    }

    /// The dice of a case: from `FAULT_SEED`, or else from the clock. The seed is printed.
    pub fn of_case() -> Self {
        let given = std::env::var("FAULT_SEED").ok().map(|seed| seed.parse().expect("FAULT_SEED: a number"));
        let clock = || SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_nanos() as u64;
        let seed = given.unwrap_or_else(|| clock() % 1_000_000_007);
        eprintln!("{}: FAULT_SEED={seed}", std::thread::current().name().unwrap_or("a case"));
        Self::new(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number in `low..=high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    /// True once in so many times.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.next().is_multiple_of(times)
    }

    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.between(0, choices.len() as u64 - 1) as usize]
    }

    pub fn millis(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_millis(self.between(low, high))
    }

    /// Dice of their own, for another thread.
    pub fn split(&mut self) -> Self {
        Self::new(self.next())
    }
}

/// `heavy` when `STROME_HEAVY_TESTS=1`, otherwise `light`; `FAULT_ROUNDS` replaces both.
pub fn rounds(light: u32, heavy: u32) -> u32 {
    let given = std::env::var(ROUNDS).ok().map(|rounds| rounds.parse().expect("FAULT_ROUNDS: a number"));
    given.unwrap_or(if is_heavy() { heavy } else { light })
}

const ROUNDS: &str = "FAULT_ROUNDS";

/// Whether this run is to take its time; where `FAULT_ROUNDS` says how long it takes, nothing else is heavy.
pub fn is_heavy() -> bool {
    static SAID: AtomicBool = AtomicBool::new(false);
    let heavy = std::env::var("STROME_HEAVY_TESTS").is_ok_and(|value| value == "1")
        && std::env::var_os(ROUNDS).is_none();
    if !heavy && !SAID.swap(true, Ordering::Relaxed) {
        eprintln!("SKIPPED at full scale: set STROME_HEAVY_TESTS=1 for it");
    }
    heavy
}
