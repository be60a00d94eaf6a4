//! Keys and certificates of a run; none is ever kept.

use std::path::{Path, PathBuf};

use crate::{
    debian,
    failure::Failure,
    process::{capture, command},
};

/// A key and the certificate of it, both as PEM.
#[derive(Debug)]
pub struct Pair {
    pub key: PathBuf,
    pub certificate: PathBuf,
}

/// Makes `NAME.key.pem` and `NAME.crt.pem` in the folder: RSA, which every provider can sign with.
pub fn make(folder: &Path, name: &str) -> Result<Pair, Failure> {
    let openssl = debian::program("openssl", &["openssl"], "the keys of the identity providers")?;
    let key = folder.join(format!("{name}.key.pem"));
    let certificate = folder.join(format!("{name}.crt.pem"));
    let subject = format!("/CN={name}");
    capture(
        command(openssl)
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256", "-days", "30", "-subj", &subject])
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&certificate),
    )?;
    Ok(Pair { key, certificate })
}
