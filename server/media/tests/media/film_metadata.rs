//! What the makers of cameras and phones write into films is gone from what is delivered.

use crate::films::{boxed, cleaned, contains};
use crate::synth::CANARY;
use crate::tools::{exiftool, frames, made};

/// Adds boxes to the index, which must be the last box, and behind it.
fn with_boxes(film: &[u8], inside: &[Vec<u8>], behind: &[Vec<u8>]) -> Vec<u8> {
    let moov = film.windows(4).rposition(|window| window == b"moov").unwrap() - 4;
    let inside = inside.concat();
    let mut bytes = film.to_vec();
    let length = (film.len() - moov + inside.len()) as u32;
    bytes[moov..moov + 4].copy_from_slice(&length.to_be_bytes());
    [bytes, inside, behind.concat()].concat()
}

/// A track of measurements that lie in a box behind the index.
fn measurements(film: &[u8], entry: &[u8; 4], name: &[u8]) -> Vec<u8> {
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
    let track = |from: u32| {
        let entry = boxed(entry, &[0, 0, 0, 0, 0, 0, 0, 1]);
        let tables = [
            boxed(b"stsd", &[words(&[0, 1]), entry].concat()),
            boxed(b"stts", &words(&[0, 1, 1, 1000])),
            boxed(b"stsc", &words(&[0, 1, 1, 1, 1])),
            boxed(b"stsz", &words(&[0, CANARY.len() as u32, 1])),
            boxed(b"stco", &words(&[0, 1, from])),
        ];
        let handler = [&[0; 8][..], b"meta", &[0; 12], name, &[0]].concat();
        let media = [
            boxed(b"mdhd", &words(&[0, 0, 0, 1000, 1000, 0])),
            boxed(b"hdlr", &handler),
            boxed(b"minf", &[boxed(b"nmhd", &[0; 4]), boxed(b"stbl", &tables.concat())].concat()),
        ];
        let header = boxed(b"tkhd", &[words(&[7, 0, 0, 9, 0, 1000]), vec![0; 60]].concat());
        boxed(b"trak", &[header, boxed(b"mdia", &media.concat())].concat())
    };
    let from = film.len() + track(0).len() + 8;
    with_boxes(film, &[track(from as u32)], &[boxed(b"mdat", CANARY)])
}

/// What exiftool may find in a cleaned film. Dates are compared with zero on top of it.
const ALLOWED: &[&str] = &[
    "MajorBrand",
    "MinorVersion",
    "CompatibleBrands",
    "MovieHeaderVersion",
    "CreateDate",
    "ModifyDate",
    "TimeScale",
    "Duration",
    "PreferredRate",
    "PreferredVolume",
    "PreviewTime",
    "PreviewDuration",
    "PosterTime",
    "SelectionTime",
    "SelectionDuration",
    "CurrentTime",
    "NextTrackID",
    "TrackHeaderVersion",
    "TrackCreateDate",
    "TrackModifyDate",
    "TrackID",
    "TrackDuration",
    "TrackLayer",
    "TrackVolume",
    "ImageWidth",
    "ImageHeight",
    "GraphicsMode",
    "OpColor",
    "CompressorID",
    "SourceImageWidth",
    "SourceImageHeight",
    "XResolution",
    "YResolution",
    "BitDepth",
    "VideoFrameRate",
    "MatrixStructure",
    "MediaHeaderVersion",
    "MediaCreateDate",
    "MediaModifyDate",
    "MediaTimeScale",
    "MediaDuration",
    "MediaLanguageCode",
    "HandlerType",
    "HandlerDescription",
    "Balance",
    "AudioFormat",
    "AudioChannels",
    "AudioBitsPerSample",
    "AudioSampleRate",
    "MediaData",
    // Of the tables, which exiftool only names.
    "Unknown_edts",
    "Unknown_esds",
    "AVCConfiguration",
    "ChunkOffset",
    "CompositionTimeToSample",
    "SampleSizes",
    "SampleToChunk",
    "SyncSampleTable",
    "TimeToSampleTable",
    "MediaDataSize",
    "MediaDataOffset",
    "PixelAspectRatio",
    "BufferSize",
    "MaxBitrate",
    "AverageBitrate",
    "ColorProfiles",
    "ColorPrimaries",
    "TransferCharacteristics",
    "MatrixCoefficients",
    "VideoFullRangeFlag",
    "Rotation",
    "ImageSize",
    "Megapixels",
    "AvgBitrate",
    "HandlerVendorID",
    "VendorID",
    "Warning",
];

/// Families of cameras and phones, each with what it writes where, and the words exiftool is to write with.
#[test]
fn metadata_of_all_families_are_gone() {
    let test = "-f lavfi -i testsrc2=size=320x240:rate=30:duration=1 -f lavfi -i sine=duration=1 -c:v libx264 -pix_fmt yuv420p -c:a aac -flags:a +bitexact";
    let plain =
        made("plain.mp4", &format!("{test} -timecode 01:02:03:04 -metadata title=CANARY -metadata comment=CANARY"));
    let mov = made("plain.mov", &format!("{test} -metadata com.apple.quicktime.model=CANARY"));
    let secret = String::from_utf8_lossy(CANARY).into_owned();
    let text = |name: &[u8; 4]| {
        boxed(b"udta", &boxed(name, &[&(CANARY.len() as u16).to_be_bytes()[..], &[0x15, 0xC7], CANARY].concat()))
    };
    let uuid = |id: &[u8; 16]| boxed(b"uuid", &[&id[..], CANARY].concat());
    let place = "-Keys:GPSCoordinates=52.52,13.405,34";
    let families: Vec<(&str, Vec<u8>, Vec<&str>)> = vec![
        (
            "iPhone",
            mov.clone(),
            vec![
                "-Keys:Make=CANARY",
                "-Keys:Model=CANARY",
                place,
                "-Keys:CreationDate=2026:11:22 10:11:12+01:00",
                "-Keys:Software=CANARY",
            ],
        ),
        ("iPhone, measured", measurements(&mov, b"mebx", b"Core Media Metadata CANARY"), vec![place]),
        (
            "Samsung",
            with_boxes(&plain, &[text(b"\xA9xyz")], &[]),
            vec!["-UserData:GPSCoordinates=52.52,13.405", "-QuickTime:CreateDate=2026:11:22 10:11:12"],
        ),
        ("Pixel", plain.clone(), vec!["-UserData:Make=CANARY", "-UserData:Model=CANARY", "-XMP:Creator=CANARY"]),
        (
            "GoPro",
            measurements(&plain, b"gpmd", b"GoPro MET CANARY"),
            vec!["-QuickTime:ModifyDate=2026:11:22 10:11:12"],
        ),
        (
            "GoPro, user data",
            with_boxes(&plain, &[boxed(b"udta", &[boxed(b"GPMF", CANARY), boxed(b"CAME", CANARY)].concat())], &[]),
            vec![],
        ),
        (
            "DJI",
            measurements(&with_boxes(&plain, &[text(b"\xA9xyz")], &[]), b"djmd", b"DJI meta CANARY"),
            vec!["-UserData:Model=CANARY"],
        ),
        (
            "Sony",
            with_boxes(
                &plain,
                &[boxed(b"meta", CANARY)],
                &[uuid(b"PROF!\xD2O\xCE\xBB\x88i\\\xFA\xC9\xC7@"), uuid(b"USMT!\xD2O\xCE\xBB\x88i\\\xFA\xC9\xC7@")],
            ),
            vec!["-XMP:Title=CANARY"],
        ),
        (
            "Canon",
            with_boxes(
                &plain,
                &[
                    uuid(b"\x85\xC0\xB6\x87\x82\x0F\x11\xE0\x81\x11\xF4\xCEF+jH"),
                    boxed(b"udta", &boxed(b"CNTH", CANARY)),
                ],
                &[boxed(b"free", CANARY)],
            ),
            vec![],
        ),
        (
            "generic",
            with_boxes(&plain, &[], &[boxed(b"skip", CANARY), boxed(b"wide", CANARY)]),
            vec!["-ItemList:Title=CANARY", "-ItemList:Comment=CANARY", "-Keys:Author=CANARY"],
        ),
    ];
    assert!(families.len() >= 8);
    for (family, bytes, words) in families {
        let extension = if bytes == mov || family.contains("iPhone") { "mov" } else { "mp4" };
        let bytes = if words.is_empty() { bytes } else { exiftool::write(&bytes, extension, &words) };
        let before = exiftool::read(&bytes);
        let is_secret =
            |value: &str| value.contains("CANARY") || value.contains("52 deg") || value.contains("2026:11:22");
        assert!(
            before.iter().any(|(_, value)| is_secret(value)) || contains(&bytes, CANARY) || contains(&bytes, b"CANARY"),
            "{family} has nothing to lose"
        );
        let clean = cleaned(&bytes);
        assert!(!contains(&clean, b"CANARY") && !contains(&clean, secret.as_bytes()), "{family}");
        for program in [&b"Lavf"[..], b"Lavc", b"VideoHandler", b"Apple", b"Core Media", b"GoPro", b"xyz"] {
            assert!(!contains(&clean, program), "{family}: {}", String::from_utf8_lossy(program));
        }
        for (name, value) in exiftool::read(&clean) {
            assert!(ALLOWED.contains(&name.as_str()), "{family}: {name} = {value}");
            assert!(!is_secret(&value), "{family}: {name} = {value}");
            assert!(!name.ends_with("Date") || value.starts_with("0000:00:00"), "{family}: {name} = {value}");
        }
        assert_eq!(frames(&clean, "0:v"), frames(&bytes, "0:v:0"), "{family}");
    }
}
