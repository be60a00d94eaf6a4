//! What compiles the C libraries inside of crates: libaom, for AVIF, needs cmake and an assembler.

use std::sync::OnceLock;

use crate::{debian, failure::Failure};

/// Finds or installs them; asked before cargo is, and answered once.
pub fn prepare() -> Result<(), Failure> {
    static FOUND: OnceLock<()> = OnceLock::new();
    if FOUND.get().is_none() {
        for name in ["cmake", "nasm"] {
            debian::program(name, &["cmake", "nasm"], "compiling the encoder of AVIF")?;
        }
        FOUND.get_or_init(|| ());
    }
    Ok(())
}
