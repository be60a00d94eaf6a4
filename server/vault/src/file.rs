//! The key file: TOML, readable by its owner only, written once and whole.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use data_encoding::HEXLOWER;
use serde::Deserialize;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::keys::{Random, Roots, VaultError};

const FORMAT: u32 = 1;
/// A key file is below 1 kB; whatever is larger is something else.
const MAX_BYTES: u64 = 16 * 1024;

#[derive(Deserialize)]
struct Header {
    format: u32,
}

#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct Content {
    /// Read by [`Header`]; named here because unknown fields are refused.
    #[serde(rename = "format")]
    _format: u32,
    keys: HexRoots,
}

#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct HexRoots {
    link: String,
    lookup: String,
    one_time: String,
    cursor: String,
}

/// Reads the roots, after making sure that nobody but the owner can.
pub(crate) fn read(path: &Path) -> Result<Roots, VaultError> {
    let io = |action| move |source| VaultError::Io { action, path: path.to_owned(), source };
    let malformed = |reason| VaultError::Malformed { path: path.to_owned(), reason };

    let file = File::open(path).map_err(io("open"))?;
    let metadata = file.metadata().map_err(io("inspect"))?;
    if !metadata.is_file() {
        return Err(malformed("not a regular file"));
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(VaultError::OpenToOthers { path: path.to_owned(), mode });
    }
    // Reserved at once, so that growing does not leave copies of the keys behind in freed memory.
    let mut text = Zeroizing::new(Vec::with_capacity(MAX_BYTES as usize + 1));
    file.take(MAX_BYTES + 1).read_to_end(&mut text).map_err(io("read"))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(malformed("too large"));
    }
    let text = std::str::from_utf8(&text).map_err(|_| malformed("not UTF-8"))?;

    // The parser's own messages quote the line, and the lines are keys: they must not reach a log.
    let header: Header = toml::from_str(text).map_err(|_| malformed("not a key file"))?;
    if header.format > FORMAT {
        return Err(VaultError::Newer { path: path.to_owned(), format: header.format });
    }
    let content: Content = toml::from_str(text).map_err(|_| malformed("a key is missing or one too many"))?;
    let root = |hex: &str| {
        let bytes = Zeroizing::new(HEXLOWER.decode(hex.as_bytes()).map_err(|_| malformed("a key is not hexadecimal"))?);
        <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| malformed("a key is not 32 bytes long"))
    };
    Ok(Roots {
        link: root(&content.keys.link)?,
        lookup: root(&content.keys.lookup)?,
        one_time: root(&content.keys.one_time)?,
        cursor: root(&content.keys.cursor)?,
    })
}

/// Writes the roots unless a file is there already, which is left alone. Synced to the disk before this returns.
pub(crate) fn create(path: &Path, roots: &Roots, random: &mut Random<'_>) -> Result<(), VaultError> {
    let io = |action| move |source| VaultError::Io { action, path: path.to_owned(), source };

    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io("make the folder of"))?;

    let mut suffix = [0; 8];
    random(&mut suffix);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.new", HEXLOWER.encode(&suffix)));
    let temporary = Path::new(&name);

    let written = write_new(temporary, &text(roots)).map_err(io("write"));
    // A link, because unlike a rename it never replaces: whoever comes second keeps the first one's keys.
    let placed = written.and_then(|()| match fs::hard_link(temporary, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map_err(io("place")),
    });
    match fs::remove_file(temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound && placed.is_ok() => return Err(io("tidy up")(error)),
        _ => placed?,
    }
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io("sync the folder of"))
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn text(roots: &Roots) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(1024));
    text.push_str("# The keys of this Shutterpost installation. Keep them secret, and keep a copy apart from the\n");
    text.push_str("# database's backups: without them, no link that was sent can be opened again.\n");
    text.push_str("format = 1\n\n[keys]\n");
    for (name, root) in
        [("link", &roots.link), ("lookup", &roots.lookup), ("one_time", &roots.one_time), ("cursor", &roots.cursor)]
    {
        text.push_str(name);
        text.push_str(" = \"");
        HEXLOWER.encode_append(root, &mut text);
        text.push_str("\"\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Keys;

    fn counting() -> impl FnMut(&mut [u8]) {
        let mut next = 0_u8;
        move |buffer| {
            for byte in buffer {
                next = next.wrapping_add(1);
                *byte = next;
            }
        }
    }

    #[test]
    fn a_ring_is_created_once_and_then_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made/on/the/way/keys.toml");
        let made = Keys::open_or_create(&path, &mut counting()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing temporary stays");

        let mut refuse = |_: &mut [u8]| panic!("an existing ring needs no randomness");
        let opened = Keys::open_or_create(&path, &mut refuse).unwrap();
        assert_eq!(made.lookup("x", b"y"), opened.lookup("x", b"y"));
    }

    #[test]
    fn whoever_comes_second_gets_the_first_ones_keys() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        let rings: Vec<_> = std::thread::scope(|scope| {
            let start = |seed: u8| {
                let path = &path;
                scope.spawn(move || {
                    let mut next = seed;
                    let mut random = move |buffer: &mut [u8]| {
                        buffer.fill_with(|| {
                            next = next.wrapping_mul(5).wrapping_add(seed | 1);
                            next
                        })
                    };
                    Keys::open_or_create(path, &mut random).unwrap().lookup("x", b"y")
                })
            };
            let threads: Vec<_> = (0..8).map(start).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(rings.iter().all(|ring| *ring == rings[0]));
    }

    #[test]
    fn a_file_open_to_others_is_refused_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        Keys::open_or_create(&path, &mut counting()).unwrap();
        for mode in [0o640, 0o604, 0o660, 0o610] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let message = Keys::open(&path).unwrap_err().to_string();
            assert!(message.contains(&format!("mode {mode:o}")) && message.contains("chmod 600"), "{message}");
        }
    }

    #[test]
    fn damage_is_named_without_quoting_a_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        Keys::open_or_create(&path, &mut counting()).unwrap();
        let good = fs::read_to_string(&path).unwrap();
        let secret = good.split('"').nth(1).unwrap().to_owned();
        let cases = [
            (String::new(), "not a key file"),
            (good.replace("format = 1", "format = 2"), "newer"),
            (good.replace("link", "lnik"), "missing or one too many"),
            (good.replace(&secret, &secret[2..]), "32 bytes"),
            (good.replace(&secret, &secret.to_uppercase()), "hexadecimal"),
            (good.replacen('"', "", 1), "not a key file"),
            ("x".repeat(20_000), "too large"),
        ];
        for (text, expected) in cases {
            fs::write(&path, text).unwrap();
            let error = Keys::open(&path).unwrap_err();
            let message = format!("{error} {error:?}");
            assert!(message.contains(expected), "{message}");
            assert!(!message.contains(&secret[..16]), "{message}");
        }
    }
}
