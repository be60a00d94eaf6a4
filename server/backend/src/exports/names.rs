//! Names inside an archive: the same on every system that unpacks it, and never a way out of the folder.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use shutterpost_media::zip::Modified;
use shutterpost_model::time::Millis;
use unicode_normalization::UnicodeNormalization as _;

/// Characters of the folder's name at most; systems stop at 255 bytes for each part of a path.
const FOLDER_MOST: usize = 60;
/// What Windows keeps for itself, whatever follows a dot.
const RESERVED: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

/// The list of checksums, as `sha256sum -c` reads it.
pub(super) const LIST: &str = "SHA256SUMS.txt";

/// A folder's name made of what people called their event.
pub(super) fn folder(event: &str) -> String {
    let kept: String = event
        .nfc()
        .map(|letter| match letter {
            '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*' => '-',
            letter if letter.is_whitespace() => ' ',
            letter => letter,
        })
        .filter(|letter| !letter.is_control() && !turns(*letter))
        .take(FOLDER_MOST)
        .collect();
    let kept = kept.trim_matches(|letter| letter == ' ' || letter == '.');
    let stem = kept.split('.').next().unwrap_or_default().trim_end().to_uppercase();
    let port = (stem.starts_with("COM") || stem.starts_with("LPT")) && stem.chars().count() == 4;
    match kept {
        "" => "event".to_owned(),
        kept if port || RESERVED.contains(&stem.as_str()) => format!("_{kept}"),
        kept => kept.to_owned(),
    }
}

/// Whether it is not seen, or turns the direction of what is: both make a name look like another.
const fn turns(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}')
}

/// A capture's name: its place makes it unlike any other, in capital letters too.
pub(super) fn file(folder: &str, position: i64, captured_at: Millis, media_type: &str) -> String {
    let extension = match media_type {
        "image/jpeg" => "jpg",
        "image/png" | "image/apng" => "png",
        "image/webp" => "webp",
        "image/gif" => "gif",
        "image/heic" | "image/heif" => "heic",
        "image/avif" => "avif",
        "video/mp4" => "mp4",
        "video/quicktime" => "mov",
        "video/webm" => "webm",
        "video/x-matroska" => "mkv",
        _ => "bin",
    };
    let moment = moment(captured_at).strftime("%Y-%m-%d_%H-%M-%S").to_string();
    format!("{folder}/{position:06}_{moment}.{extension}")
}

/// UTC: which zone a camera meant is not known.
fn moment(at: Millis) -> jiff::Zoned {
    Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(TimeZone::UTC)
}

/// The same moment as the archive has it.
pub(super) fn modified(at: Millis) -> Modified {
    let at = moment(at);
    let part = |number: i8| u8::try_from(number).unwrap_or(0);
    Modified::new(
        i32::from(at.year()),
        part(at.month()),
        part(at.day()),
        part(at.hour()),
        part(at.minute()),
        part(at.second()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_a_folder_everywhere() {
        for (event, expected) in [
            ("Sommerfest 2027", "Sommerfest 2027"),
            ("Gru\u{308}ße", "Grüße"),
            ("../../etc/passwd", "-..-etc-passwd"),
            ("C:\\Windows", "C--Windows"),
            ("...", "event"),
            ("\u{202e}gpj.exe", "gpj.exe"),
            ("a\u{0}b\r\nc", "ab  c"),
            ("con", "_con"),
            ("Aux.tar.gz", "_Aux.tar.gz"),
            ("lpt1 .x", "_lpt1 .x"),
            ("COM7", "_COM7"),
            ("Company", "Company"),
            (" . ", "event"),
        ] {
            assert_eq!(folder(event), expected, "{event:?}");
        }
        assert_eq!(folder(&"🎈".repeat(100_000)).chars().count(), FOLDER_MOST);
    }

    #[test]
    fn files_are_told_apart_by_their_place() {
        let at = Millis(1_800_000_000_000);
        assert_eq!(file("Fest", 1, at, "image/jpeg"), "Fest/000001_2027-01-15_08-00-00.jpg");
        assert_eq!(file("Fest", 1_234_567, at, "text/html"), "Fest/1234567_2027-01-15_08-00-00.bin");
        for (media_type, extension) in [
            ("image/apng", ".png"),
            ("image/gif", ".gif"),
            ("video/mp4", ".mp4"),
            ("video/webm", ".webm"),
            ("video/x-matroska", ".mkv"),
        ] {
            assert!(file("Fest", 1, at, media_type).ends_with(extension), "{media_type}");
        }
        assert_eq!(modified(at), Modified::new(2027, 1, 15, 8, 0, 0));
    }
}
