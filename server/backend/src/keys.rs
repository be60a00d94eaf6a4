//! Opening the key ring and the root keys. Ring and database belong together: a new ring over old data would open no link
//! that was sent.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use shutterpost_vault::keys::{Keys, VaultError};
use shutterpost_vault::password::Params;
use shutterpost_vault::root::passphrase::{self, Passphrase, PassphraseRoots};
use shutterpost_vault::root::pkcs11::Pkcs11Roots;
use shutterpost_vault::root::{RootError, Roots};

use crate::context::World;
use crate::db::Db;
use crate::identity::admin;
use crate::roots::Address;
use crate::roots::kms::KmsRoots;

/// Why there is no key ring. Shown to the operator.
#[derive(Debug, thiserror::Error)]
pub enum KeysFailure {
    #[error(
        "the key file {} is missing, but the database already holds data. Put the file back from the key backup, or \
         set SHUTTERPOST_KEYS to where it is. A new one is made for an empty database alone, because without the old \
         one no link that was sent can be opened", path.display()
    )]
    Missing { path: PathBuf },
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("the database cannot be asked whether it holds data: {0}")]
    Database(String),
}

/// Opens the key file, or makes one where nothing depends on another yet: in front of an empty database.
///
/// # Errors
/// [`KeysFailure`], whose text tells the operator what to do.
pub async fn open(db: &Db, path: &Path, world: &World) -> Result<Keys, KeysFailure> {
    let empty = admin::is_empty(db).await.map_err(|failure| KeysFailure::Database(format!("{failure:?}")))?;
    if empty {
        return Ok(Keys::open_or_create(path, &mut |bytes: &mut [u8]| world.random.fill(bytes))?);
    }
    Keys::open_or_upgrade(path, &mut |bytes: &mut [u8]| world.random.fill(bytes)).map_err(|error| match error {
        VaultError::Io { source, .. } if source.kind() == ErrorKind::NotFound => {
            KeysFailure::Missing { path: path.to_owned() }
        }
        other => other.into(),
    })
}

/// Opens the root keys where they are: a folder under the passphrase in `file` or a machine-made one, a hardware module, or
/// a key service. Blocks.
///
/// # Errors
/// [`RootError`], whose text tells the operator what to do. A file of passphrase or PIN that is open to others is refused.
pub fn open_roots(address: &Address, file: Option<&Path>, world: &World) -> Result<Arc<dyn Roots>, RootError> {
    let folder = match (address, file) {
        (Address::Folder(folder), _) => folder,
        (_, Some(_)) => {
            let reason = "passphrase_file is for roots in a folder; take it out of the settings".to_owned();
            return Err(RootError::Unusable { reason });
        }
        (Address::Pkcs11(location), None) => return Ok(Arc::new(Pkcs11Roots::open(location)?)),
        (Address::AwsKms(location), None) => return Ok(Arc::new(KmsRoots::open(location)?)),
    };
    let mut random = |bytes: &mut [u8]| world.random.fill(bytes);
    let Some(file) = file else {
        return Ok(Arc::new(PassphraseRoots::open(folder, Passphrase::MachineMade, &mut random)?));
    };
    let text = passphrase::read_file(file)?;
    let passphrase = Passphrase::Operator { text: &text, cost: Params::default() };
    Ok(Arc::new(PassphraseRoots::open(folder, passphrase, &mut random)?))
}

#[cfg(test)]
mod tests {
    use shutterpost_model::pii::{Pii, Secret};

    use super::*;
    use crate::identity::PasswordPolicy;
    use crate::testing::databases;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_lost_key_file_is_made_again_only_before_there_is_data() {
        for test in databases().await {
            let path = test.folder().join("ring/keys.json");
            let open = || open(&test.db, &path, &test.world);
            let known = |keys: &Keys| keys.lookup("test", b"x");
            let first = known(&open().await.expect("made"));
            assert_eq!(known(&open().await.expect("opened")), first, "{}", test.kind);
            std::fs::remove_file(&path).expect("was there");
            let second = known(&open().await.expect("nothing depends on the first one"));
            assert_ne!(second, first);

            let (name, email) = (Pii::new("Olga Owner".into()), Pii::new("olga@host.example".into()));
            let password = Secret::new("tulip carousel nineteen ferry".into());
            let made = admin::create_owner(&test.deps(), PasswordPolicy::FLOOR, "Host", name, email, password).await;
            made.expect("an owner is made");
            assert_eq!(known(&open().await.expect("opened")), second);

            let backup = path.with_extension("backup");
            std::fs::rename(&path, &backup).expect("moved");
            let refused = open().await.expect_err("refused");
            assert!(matches!(&refused, KeysFailure::Missing { path: named } if *named == path), "{refused}");
            let text = refused.to_string();
            assert!(
                text.contains("keys.json") && text.contains("backup") && text.contains("SHUTTERPOST_KEYS"),
                "{text}"
            );
            assert!(!path.exists(), "none is made");
            std::fs::rename(&backup, &path).expect("moved back");
            assert_eq!(known(&open().await.expect("opened")), second);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_person_without_an_organisation_is_data_too() {
        for test in databases().await {
            test.execute(
                "INSERT INTO identity_users (id, email, name, language, failures, throttled_until, created_at) \
                 VALUES ('usr_x', '', '', 'en', 0, 0, 0)",
            )
            .await;
            let refused = open(&test.db, &test.folder().join("keys.json"), &test.world).await.expect_err("refused");
            assert!(matches!(refused, KeysFailure::Missing { .. }), "{}: {refused}", test.kind);
        }
    }
}
