//! Whether something was made from what is there now: a digest over the contents of its inputs, kept beside it.
//! Contents and not times, because a fresh clone has new times and the same contents.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    path::{Path, PathBuf},
};

/// A digest over files, whole folders and words, in a form that fits in a file.
pub fn of(inputs: &[PathBuf], words: &[&str]) -> io::Result<String> {
    let mut files = Vec::new();
    for input in inputs {
        collect(input, &mut files)?;
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    words.hash(&mut hasher);
    for file in files {
        file.hash(&mut hasher);
        fs::read(&file)?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            if !hidden && entry.file_name() != "node_modules" {
                collect(&entry.path(), files)?;
            }
        }
    } else if path.exists() {
        files.push(path.to_owned());
    }
    Ok(())
}

/// Whether `file` holds exactly this stamp.
pub fn is_current(file: &Path, stamp: &str) -> bool {
    fs::read_to_string(file).is_ok_and(|text| text == stamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_contents_and_words_and_nothing_else() {
        let folder = std::env::temp_dir().join(format!("xtask-stamp-{}", std::process::id()));
        fs::create_dir_all(folder.join("src")).unwrap();
        fs::write(folder.join("src/a.rs"), "one").unwrap();
        let inputs = [folder.join("src"), folder.join("not there")];
        let first = of(&inputs, &["x"]).unwrap();
        fs::write(folder.join("src/a.rs"), "one").unwrap();
        assert_eq!(of(&inputs, &["x"]).unwrap(), first);
        assert_ne!(of(&inputs, &["y"]).unwrap(), first);
        fs::write(folder.join("src/a.rs"), "two").unwrap();
        assert_ne!(of(&inputs, &["x"]).unwrap(), first);
        fs::remove_dir_all(folder).unwrap();
    }
}
