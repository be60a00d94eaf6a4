//! SoftHSM2, a PKCS#11 module without hardware, for the tests. Each test makes a token of its own.

use std::path::PathBuf;

use crate::{debian, failure::Failure, process::on_path};

/// Where distributions put the module.
const PLACES: [&str; 4] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];

/// The module, installed if that is possible and necessary.
pub fn module() -> Result<PathBuf, Failure> {
    if let Some(found) = find() {
        return Ok(found);
    }
    debian::install(&["softhsm2"], "the tests on PKCS#11")?;
    find().ok_or_else(|| Failure::new("the package softhsm2 brought no libsofthsm2.so"))
}

/// With the tool that makes tokens; one without the other is of no use.
fn find() -> Option<PathBuf> {
    on_path("softhsm2-util")?;
    PLACES.iter().map(PathBuf::from).find(|path| path.is_file())
}
