//! The one place that asks the operating system for time and randomness.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use shutterpost_backend::context::{Clock, Random, World};
use shutterpost_model::time::Millis;

/// The operating system's clock.
#[derive(Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one adapter to the real clock")]
    fn now(&self) -> Millis {
        let elapsed = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Millis(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The operating system's random source.
#[derive(Debug)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system has random bytes, or nothing here is safe");
    }
}

/// The real world.
pub fn world() -> World {
    World { clock: Arc::new(SystemClock), random: Arc::new(SystemRandom) }
}
