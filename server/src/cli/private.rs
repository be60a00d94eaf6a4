//! Keeps what is open in memory, keys above all, from lying on a disk after a crash or being read by other programs.

use std::io;

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// No core dump is written, and no other program of the same user may look into the process (`PR_SET_DUMPABLE`).
///
/// # Errors
/// What the operating system says.
pub(super) fn keep() -> io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

#[cfg(test)]
mod tests {
    use rustix::process::{dumpable_behavior, getrlimit};

    use super::*;

    #[test]
    fn memory_is_kept_out_of_dumps() {
        keep().expect("allowed to everybody");
        assert_eq!(dumpable_behavior().expect("asks"), DumpableBehavior::NotDumpable);
        assert_eq!(getrlimit(Resource::Core).maximum, Some(0));
    }
}
