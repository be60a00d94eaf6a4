//! Which files of the folder are whole and ours to upload. Looks again and again instead of being told: folders on a
//! network tell nobody.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::io;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

/// Files that the server may take; it decides by what is in them.
const KINDS: [&str; 11] = ["jpg", "jpeg", "png", "webp", "heic", "heif", "gif", "mp4", "mov", "webm", "mkv"];

/// A file as it lies there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seen {
    /// Unix milliseconds; first, so that files sort by it.
    pub(super) changed_at: i64,
    pub(super) name: String,
    pub(super) size: u64,
}

/// How long files have been what they are, by a clock that begins anywhere.
#[derive(Debug, Default)]
pub(super) struct Watch {
    since: HashMap<String, (Seen, Duration)>,
}

impl Watch {
    /// Takes note of what lies there now; gives what has not changed for as long as `quiet`, the newest first: somebody is
    /// waiting for it.
    pub(super) fn whole(&mut self, seen: Vec<Seen>, now: Duration, quiet: Duration) -> Vec<Seen> {
        let mut next = HashMap::new();
        let mut whole = Vec::new();
        for file in seen {
            let since = match self.since.remove(&file.name) {
                Some((before, since)) if before == file => since,
                _ => now,
            };
            if now.saturating_sub(since) >= quiet && file.size > 0 {
                whole.push(file.clone());
            }
            next.insert(file.name.clone(), (file, since));
        }
        self.since = next;
        whole.sort_unstable_by(|one, other| other.cmp(one));
        whole
    }
}

/// Whether a file of this name is one to upload, and not one that is being written under another name first.
pub(super) fn is_ours(name: &str) -> bool {
    let hidden = name.starts_with('.') || name.starts_with('~') || name.ends_with('~');
    let kind = Path::new(name).extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
    !hidden && kind.is_some_and(|kind| KINDS.contains(&kind.as_str()))
}

/// When a file was written last.
pub(super) fn changed_at(facts: &Metadata) -> io::Result<i64> {
    let since_1970 = facts.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

/// The files of the folder that are ours. Folders in it, and links, are left alone; so are names that are no text.
pub(super) fn look(folder: &Path) -> io::Result<Vec<Seen>> {
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if !is_ours(&name) {
            continue;
        }
        // Gone since, perhaps: it will be back, or not.
        let Ok(facts) = std::fs::symlink_metadata(entry.path()) else { continue };
        // An empty one is not written yet.
        if facts.is_file() && facts.len() > 0 {
            seen.push(Seen { changed_at: changed_at(&facts)?, name, size: facts.len() });
        }
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_that_are_still_written_are_not_ours() {
        for ours in ["a.jpg", "IMG_1.JPEG", "ä ö.png", "b.webp", "c.WebM", "d.mkv"] {
            assert!(is_ours(ours), "{ours}");
        }
        let others =
            [".a.jpg", "a.jpg.part", "a.jpg.tmp", "~a.jpg", "a.jpg~", "a.jpg.json", "a.txt", "jpg", "a.crdownload"];
        for other in others {
            assert!(!is_ours(other), "{other}");
        }
    }

    #[test]
    fn a_file_is_whole_when_it_was_quiet_and_the_newest_comes_first() {
        let file = |name: &str, size, changed_at| Seen { changed_at, name: name.to_owned(), size };
        let seconds = Duration::from_secs;
        let (mut watch, quiet) = (Watch::default(), seconds(2));
        assert!(watch.whole(vec![file("a.jpg", 5, 1)], seconds(0), quiet).is_empty());
        assert!(watch.whole(vec![file("a.jpg", 9, 2), file("b.jpg", 1, 3)], seconds(2), quiet).is_empty(), "it grew");
        let both = vec![file("a.jpg", 9, 2), file("b.jpg", 1, 3), file("c.jpg", 0, 1)];
        let names = |found: Vec<Seen>| found.into_iter().map(|file| file.name).collect::<Vec<_>>();
        assert_eq!(names(watch.whole(both.clone(), seconds(4), quiet)), ["b.jpg", "a.jpg"]);
        assert_eq!(names(watch.whole(both, seconds(9), quiet)), ["b.jpg", "a.jpg"], "an empty file is no file yet");
        assert!(watch.whole(vec![], seconds(10), quiet).is_empty());
        assert!(watch.whole(vec![file("a.jpg", 9, 2)], seconds(11), quiet).is_empty(), "it came again");
    }
}
