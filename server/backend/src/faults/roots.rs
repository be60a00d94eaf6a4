//! Root keys that cannot be reached at times, like those behind a network.

use std::sync::Arc;

use shutterpost_vault::keys::Random;
use shutterpost_vault::root::{RootError, Roots};
use zeroize::Zeroizing;

use super::machine::{Call, Machine, Refused};

#[derive(Debug)]
pub(super) struct Unsteady {
    machine: Machine,
    roots: Arc<dyn Roots>,
}

impl Unsteady {
    pub(super) fn new(machine: Machine, roots: Arc<dyn Roots>) -> Self {
        Self { machine, roots }
    }

    /// Before the call, and after it: then it was done, and its answer is lost.
    fn change<T>(&self, call: impl FnOnce() -> Result<T, RootError>) -> Result<T, RootError> {
        self.machine.change(Call::Roots).map_err(unavailable)?;
        let answer = call()?;
        self.machine.change(Call::Roots).map_err(unavailable)?;
        Ok(answer)
    }

    fn look(&self) -> Result<(), RootError> {
        self.machine.look(Call::Roots).map_err(unavailable)
    }
}

fn unavailable(refused: Refused) -> RootError {
    RootError::Unavailable { reason: format!("a fault of the test: {refused:?}") }
}

impl Roots for Unsteady {
    fn name(&self) -> &'static str {
        "unsteady"
    }

    fn generations(&self) -> Result<Vec<u32>, RootError> {
        self.look()?;
        self.roots.generations()
    }

    fn create(&self, generation: u32, random: &mut Random<'_>) -> Result<(), RootError> {
        self.change(|| self.roots.create(generation, random))
    }

    fn wrap(
        &self,
        generation: u32,
        context: &[u8],
        key: &[u8; 32],
        random: &mut Random<'_>,
    ) -> Result<Vec<u8>, RootError> {
        self.look()?;
        self.roots.wrap(generation, context, key, random)
    }

    fn unwrap(&self, generation: u32, context: &[u8], wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, RootError> {
        self.look()?;
        self.roots.unwrap(generation, context, wrapped)
    }

    fn destroy(&self, generation: u32) -> Result<(), RootError> {
        self.change(|| self.roots.destroy(generation))
    }
}
