use std::num::NonZeroUsize;

use shutterpost_media::derive::{derive, stage1, stage2};
use shutterpost_media::inspect::{Limits, inspect};
use shutterpost_media::mark::Mark;
use shutterpost_media::rendition::{Encoding, Name};
use shutterpost_media::strip::strip;

use crate::synth::*;

const ONE: NonZeroUsize = NonZeroUsize::MIN;

#[test]
fn both_stages_make_what_one_call_makes_and_avif() {
    let file = with_orientation(&jpeg(1200, 800), 6);
    let limits = Limits::default();
    let mark = Mark::from_bytes(&png(90, 60), &limits).unwrap();
    let whole = derive(&file, None, Some(&mark), &limits).unwrap();
    let first = stage1(&file, None, Some(&mark), &limits, ONE).unwrap();
    assert_eq!((first.width, first.height), (800, 1200));
    assert_eq!((first.backdrop, first.placeholder), (whole.backdrop, whole.placeholder));
    assert!((5..=40).contains(&first.placeholder.as_bytes().len()));
    let kinds: Vec<_> = first.renditions.iter().map(|file| (file.name, file.encoding)).collect();
    use Encoding::{Avif, Jpeg, WebP};
    use Name::{Large, Og, Thumb, Web};
    assert_eq!(kinds, [(Thumb, WebP), (Thumb, Jpeg), (Web, WebP), (Web, Jpeg), (Og, Jpeg)]);

    // Later, from the stripped original, which has lost its orientation.
    let orientation = inspect(&file, &limits).unwrap().orientation;
    let original = strip(&file).unwrap();
    let second = stage2(&original, Some(orientation), Some(&mark), &limits, ONE).unwrap();
    let kinds: Vec<_> = second.iter().map(|file| (file.name, file.encoding, file.width, file.height)).collect();
    let large = (800, 1200);
    let expected = [
        (Large, Avif, large.0, large.1),
        (Large, WebP, large.0, large.1),
        (Large, Jpeg, large.0, large.1),
        (Web, Avif, 640, 960),
        (Thumb, Avif, 213, 320),
    ];
    assert_eq!(kinds, expected);
    for file in first.renditions.iter().chain(&second).filter(|file| file.encoding != Avif) {
        assert!(whole.renditions.contains(file), "{file:?} is another than all at once");
    }
    // More threads change nothing but the time.
    let two = NonZeroUsize::new(2).unwrap();
    assert_eq!(stage1(&file, None, Some(&mark), &limits, two).unwrap(), first);
    assert_eq!(stage2(&original, Some(orientation), Some(&mark), &limits, two).unwrap(), second);
}

#[test]
fn an_avif_is_one_picture_and_nothing_else() {
    for (width, height) in [(1, 1), (3, 2), (65, 63), (700, 301)] {
        let files = stage2(&jpeg(width, height), None, None, &Limits::default(), ONE).unwrap();
        for file in files.iter().filter(|file| file.encoding == Encoding::Avif) {
            assert_eq!(&file.bytes[4..12], b"ftypavif");
            let size = box_content(&file.bytes, b"ispe");
            assert_eq!(size[4..8], file.width.to_be_bytes());
            assert_eq!(size[8..12], file.height.to_be_bytes());
            // No colours in the container: those of the coded data hold, which are sRGB.
            for absent in [&b"Exif"[..], b"mime", b"grid", b"auxl", b"colr"] {
                assert!(!file.bytes.windows(4).any(|window| window == absent));
            }
            // The data begin with the header of a sequence, not with the delimiter of a film's frames.
            assert_eq!(box_content(&file.bytes, b"mdat")[0] >> 3 & 15, 1);
        }
    }
    // Half of the bytes of a JPEG, at most: else nobody would want it.
    let photo = jpeg(900, 700);
    let jpeg = derive(&photo, None, None, &Limits::default()).unwrap();
    let jpeg = jpeg.renditions.iter().find(|file| (file.name, file.encoding) == (Name::Large, Encoding::Jpeg)).unwrap();
    let avif = stage2(&photo, None, None, &Limits::default(), ONE).unwrap();
    assert!(avif[0].bytes.len() < jpeg.bytes.len(), "{:?} {jpeg:?}", avif[0]);
}
