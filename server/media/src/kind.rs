//! Which of the three kinds a file is, by its first bytes: neither name nor declared type count.

use crate::animation::AnimationFormat;
use crate::container::be32;
use crate::video::{is_film, is_webm};

/// What to do with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// One picture, or what is no picture at all: [`inspect`](crate::inspect::inspect()) tells.
    Still,
    /// See [`animation`](crate::animation).
    Animation(AnimationFormat),
    /// See [`video`](crate::video).
    Video,
}

/// Tells the kind from the beginning of a file. 64 KiB are enough; a PNG whose profile is larger than that and that moves
/// nevertheless is taken for a still, which is refused as animated then.
pub fn kind(head: &[u8]) -> Kind {
    if is_film(head) || is_webm(head) {
        return Kind::Video;
    }
    if head.starts_with(b"GIF8") {
        return Kind::Animation(AnimationFormat::Gif);
    }
    const ANIMATED: u8 = 0b10;
    let extended = head.starts_with(b"RIFF") && head.get(8..16) == Some(b"WEBPVP8X");
    if extended && head.get(20).is_some_and(|flags| flags & ANIMATED != 0) {
        return Kind::Animation(AnimationFormat::WebP);
    }
    if head.starts_with(b"\x89PNG\r\n\x1A\n") && is_animated_png(head) {
        return Kind::Animation(AnimationFormat::Png);
    }
    Kind::Still
}

/// Whether frames are announced before the picture's data.
fn is_animated_png(head: &[u8]) -> bool {
    let mut at = 8_usize;
    while let (Some(length), Some(name)) = (be32(head, at), head.get(at + 4..at + 8)) {
        match name {
            b"acTL" => return true,
            b"IDAT" => return false,
            _ => at = at.saturating_add(length as usize).saturating_add(12),
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_their_first_bytes() {
        assert_eq!(kind(b"\0\0\0\x18ftypisom"), Kind::Video);
        assert_eq!(kind(b"\0\0\0\x14ftypqt  "), Kind::Video);
        assert_eq!(kind(b"\0\0\0\x18ftypheic"), Kind::Still);
        assert_eq!(kind(b"\x1A\x45\xDF\xA3"), Kind::Video);
        assert_eq!(kind(b"GIF89a"), Kind::Animation(AnimationFormat::Gif));
        assert_eq!(kind(b"RIFF\0\0\0\0WEBPVP8X\x0A\0\0\0\x02"), Kind::Animation(AnimationFormat::WebP));
        assert_eq!(kind(b"RIFF\0\0\0\0WEBPVP8X\x0A\0\0\0\x10"), Kind::Still);
        assert_eq!(kind(b"\x89PNG\r\n\x1A\n\0\0\0\x08acTL"), Kind::Animation(AnimationFormat::Png));
        assert_eq!(kind(b"#EXTM3U\nfile:///etc/passwd"), Kind::Still);
        assert_eq!(kind(b""), Kind::Still);
    }
}
