//! What services are given: clock and randomness, passed in so that tests decide them.

use std::sync::Arc;

use shutterpost_model::time::Millis;

/// The time, now.
pub trait Clock: Send + Sync {
    fn now(&self) -> Millis;
}

/// A source of random bytes fit for keys.
pub trait Random: Send + Sync {
    fn fill(&self, bytes: &mut [u8]);
}

/// Clock and randomness together; cheap to clone.
#[derive(Clone)]
pub struct World {
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("World")
    }
}

impl World {
    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes);
        bytes
    }

    /// Makes an id of any kind: `world.id(CaptureId::new)`.
    pub fn id<T>(&self, new: fn(i64, [u8; 10]) -> T) -> T {
        new(self.now().0, self.bytes())
    }
}
