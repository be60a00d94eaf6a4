//! The file of one generation: TOML with a format number, salts, costs, and the wrapped root.

use std::path::Path;

use data_encoding::HEXLOWER;
use serde::Deserialize;

use super::root_error;
use crate::disk;
use crate::kdf::append_parts;
use crate::password::Params;
use crate::root::RootError;

const FORMAT: u32 = 1;
const MAX_BYTES: u64 = 4096;

/// How an operator's passphrase becomes a key: Argon2id with this salt at this cost.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) salt: [u8; 16],
    pub(super) cost: Params,
}

/// Under which passphrase a root is wrapped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Secret {
    Machine,
    Operator(Stretch),
}

pub(super) struct GenerationFile {
    pub(super) secret: Secret,
    pub(super) salt: [u8; 32],
    pub(super) wrapped: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    format: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    /// Read by [`Header`]; named here because unknown fields are refused.
    #[serde(rename = "format")]
    _format: u32,
    generation: u32,
    salt: String,
    wrapped: String,
    argon2id: Option<Argon2id>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Argon2id {
    salt: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl GenerationFile {
    pub(super) fn read(path: &Path, generation: u32) -> Result<GenerationFile, RootError> {
        let text = disk::read(path, MAX_BYTES).map_err(|error| root_error(path, error))?;
        let malformed = |reason| RootError::Malformed { path: path.to_owned(), reason };
        let header: Header = toml::from_str(&text).map_err(|_| malformed("not a root file"))?;
        if header.format > FORMAT {
            return Err(RootError::Newer { path: path.to_owned(), format: header.format });
        }
        let content: Content = toml::from_str(&text).map_err(|_| malformed("a value is missing or one too many"))?;
        if header.format != FORMAT || content.generation != generation {
            return Err(malformed("its name and its contents name two generations"));
        }
        let bytes = |hex: &str| HEXLOWER.decode(hex.as_bytes()).map_err(|_| malformed("a value is not hexadecimal"));
        let length = |_| malformed("a salt is too short or too long");
        let secret = match content.argon2id {
            None => Secret::Machine,
            Some(argon2id) => {
                let salt = bytes(&argon2id.salt)?.try_into().map_err(length)?;
                // Bounded: an absurd cost in a planted file would take the memory of the whole machine.
                let cost = Params::new(argon2id.memory_kib, argon2id.passes, argon2id.lanes);
                Secret::Operator(Stretch { salt, cost: cost.map_err(|_| malformed("its Argon2id cost is absurd"))? })
            }
        };
        let salt = bytes(&content.salt)?.try_into().map_err(length)?;
        Ok(GenerationFile { secret, salt, wrapped: bytes(&content.wrapped)? })
    }

    pub(super) fn text(&self, generation: u32) -> String {
        let mut text = format!(
            "# Generation {generation} of the root key of this Shutterpost installation, wrapped under its passphrase.\n\
             # Keep it out of every backup of data. Do not delete it by hand.\n\
             format = {FORMAT}\n\
             generation = {generation}\n\
             salt = \"{}\"\n\
             wrapped = \"{}\"\n",
            HEXLOWER.encode(&self.salt),
            HEXLOWER.encode(&self.wrapped),
        );
        if let Secret::Operator(Stretch { salt, cost }) = &self.secret {
            let (memory_kib, passes, lanes) = cost.parts();
            text.push_str(&format!(
                "\n[argon2id]\nsalt = \"{}\"\nmemory_kib = {memory_kib}\npasses = {passes}\nlanes = {lanes}\n",
                HEXLOWER.encode(salt),
            ));
        }
        text
    }

    /// What is bound to the wrapped root: a file cannot pass for another generation or another kind of passphrase.
    pub(super) fn associated(&self, generation: u32) -> Vec<u8> {
        let kind: &[u8] = match self.secret {
            Secret::Machine => b"machine",
            Secret::Operator(_) => b"operator",
        };
        let mut aad = Vec::with_capacity(64);
        append_parts(&mut aad, &[&b"spg1"[..], &generation.to_be_bytes(), kind]);
        aad
    }
}
