//! All metadata gone, by the judgement of exiftool: what cameras and phones write, in every kind of file, and what is left.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use shutterpost_media::derive::{derive, stage2};
use shutterpost_media::inspect::Limits;
use shutterpost_media::strip::strip;

use crate::synth::*;

/// Make, model, software and how a maker note of that make begins.
const FAMILIES: [(&str, &str, &str, &[u8]); 24] = [
    ("Apple", "iPhone 15 Pro", "17.4.1", b"Apple iOS\0\0\x01MM\0\x01"),
    ("samsung", "SM-S928B", "S928BXXU1AXB5", b"\x07\0\x01\0\x07\0\x04\0\0\x000100"),
    ("Google", "Pixel 8 Pro", "HDR+ 1.0.585804376", b"HDRP\x03"),
    ("Xiaomi", "23116PN5BC", "MIUI", b"Xiaomi\0"),
    ("HUAWEI", "LYA-L29", "LYA-L29 9.1", b"HUAWEI\0\0"),
    ("OnePlus", "CPH2581", "OxygenOS", b"OnePlus\0"),
    ("OPPO", "CPH2305", "ColorOS", b"OPPO\0"),
    ("motorola", "moto g84", "Android", b"Motorola\0"),
    ("Nokia", "Nokia 8.3", "Android", b"Nokia\0"),
    ("LGE", "LM-G900", "LG", b"LGE\0"),
    ("Canon", "Canon EOS R5", "Firmware Version 1.8.1", b"\x02\0\x01\0\x03\0\x02\0\0\0"),
    ("NIKON CORPORATION", "NIKON Z 8", "Ver.02.00", b"Nikon\0\x02\x11\0\0II*\0\x08\0\0\0"),
    ("SONY", "ILCE-7M4", "ILCE-7M4 v2.00", b"SONY DSC \0\0\0"),
    ("FUJIFILM", "X-T5", "Digital Camera X-T5 Ver2.01", b"FUJIFILM\x0C\0\0\0"),
    ("OLYMPUS CORPORATION", "E-M1MarkIII", "Version 1.5", b"OLYMPUS\0II\x03\0"),
    ("OM Digital Solutions", "OM-1", "Version 1.6", b"OM SYSTEM\0\0\0II\x04\0"),
    ("Panasonic", "DC-S5M2", "Ver.2.1", b"Panasonic\0\0\0"),
    ("LEICA CAMERA AG", "LEICA Q3", "1.1.0", b"LEICA\0\x02\0"),
    ("PENTAX", "PENTAX K-3 Mark III", "K-3 Mark III Ver 2.01", b"PENTAX \0II"),
    ("RICOH IMAGING COMPANY, LTD.", "GR III", "GR III Ver 1.61", b"RICOH\0II"),
    ("Hasselblad", "X2D 100C", "3.1.0", b"Hasselblad\0"),
    ("DJI", "FC3582", "10.14.15.32", b"DJI\0"),
    ("GoPro", "HERO12 Black", "H23.01.01.20.00", b"GoPro\0"),
    ("SIGMA", "fp L", "1.04", b"SIGMA\0\0\0\x01\0"),
];

/// Named by exiftool as `group:tag`. What a picture cannot be shown without, and what a format has instead of nothing.
const ALLOWED: [&str; 10] = [
    "JFIF:JFIFVersion",
    "JFIF:ResolutionUnit",
    "JFIF:XResolution",
    "JFIF:YResolution",
    // Tells YCCK from CMYK.
    "Adobe:*",
    "PNG:*",
    "RIFF:*",
    // The boxes of HEIC and AVIF: brand, handler, size, depth, the decoder's parameters and colours by number.
    "QuickTime:*",
    "Meta:*",
    "ICC_Profile:*",
];

/// Groups that speak of the file in the folder, or are worked out by exiftool.
const NOT_OF_THE_FILE: [&str; 4] = ["System", "ExifTool", "File", "Composite"];

/// Of the groups above whose tags are allowed as a whole, what must not be there all the same: texts and dates.
const NEVER: [&str; 16] = [
    "Comment",
    "Author",
    "Artist",
    "Copyright",
    "Creator",
    "Description",
    "Title",
    "Software",
    "Make",
    "Model",
    "Serial",
    "GPS",
    "Date",
    "UserComment",
    "XMP",
    "Exif",
];

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("shutterpost-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn exiftool(arguments: &[&str], folder: &Path) -> String {
    let output = Command::new("exiftool").args(arguments).current_dir(folder).output();
    let output = output.expect("exiftool is needed: cargo xtask test installs it (libimage-exiftool-perl)");
    String::from_utf8(output.stdout).unwrap()
}

/// Exif with make, model, a maker note and an orientation, as exiftool cannot make maker notes from nothing.
fn camera_exif(make: &str, model: &str, note: &[u8]) -> Vec<u8> {
    let note = [note, b"SERIAL-0815-", CANARY, &[0x5A; 3000]].concat();
    let texts: Vec<Vec<u8>> = [make, model].iter().map(|text| [text.as_bytes(), b"\0"].concat()).collect();
    // The first directory and the one it points to, then what does not fit into entries.
    let (first, second) = (8_u32, 8 + 2 + 4 * 12 + 4);
    let data = second + 2 + 12 + 4;
    let entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        [&tag.to_be_bytes()[..], &kind.to_be_bytes(), &count.to_be_bytes(), &value].concat()
    };
    let mut tiff = [b"MM\0*", &first.to_be_bytes()[..], &4_u16.to_be_bytes()].concat();
    let mut rest = Vec::new();
    for (tag, text) in [0x010F, 0x0110].iter().zip(&texts) {
        let mut padded = text.clone();
        padded.resize(padded.len().max(5).next_multiple_of(2), 0);
        tiff.extend(entry(*tag, 2, padded.len() as u32, (data + rest.len() as u32).to_be_bytes()));
        rest.extend(padded);
    }
    tiff.extend(entry(0x0112, 3, 1, [0, 6, 0, 0]));
    tiff.extend(entry(0x8769, 4, 1, second.to_be_bytes()));
    tiff.extend_from_slice(&[0; 4]);
    tiff.extend_from_slice(&1_u16.to_be_bytes());
    tiff.extend(entry(0x927C, 7, note.len() as u32, (data + rest.len() as u32).to_be_bytes()));
    tiff.extend_from_slice(&[0; 4]);
    tiff.extend(rest);
    tiff.extend(note);
    tiff
}

/// What phones leave behind the picture: a film with a description, or Samsung's list of extras.
fn trailer(number: usize) -> Vec<u8> {
    match number % 3 {
        0 => [iso_box(b"ftyp", b"mp42\0\0\0\0isommp42"), iso_box(b"moov", CANARY)].concat(),
        1 => [
            b"\0\0\x01\x0A\x0E\0\0\0Image_UTC_Data1700000000000",
            CANARY,
            b"SEFHj\0\0\0\x01\0\0\0\0\0\x01\x0A\x24\0\0\0\x24\0\0\0\x18\0\0\0SEFT",
        ]
        .concat(),
        _ => Vec::new(),
    }
}

#[test]
fn exiftool_finds_nothing_in_what_comes_out() {
    let folder = Folder::new("families");
    let place = |name: &str| {
        let path = folder.0.join(name);
        fs::create_dir_all(&path).unwrap();
        path
    };
    let (sources, results) = (place("sources"), place("results"));
    fs::write(folder.0.join("thumbnail.jpg"), jpeg(32, 24)).unwrap();
    let p3 = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    fs::write(folder.0.join("profile.icc"), &p3).unwrap();
    let rgb = pixels(96, 64, 3);
    let heic_plain = heic(&rgb, 96, 64);
    let lossy = derive(&jpeg(96, 64), None, None, &Limits::default()).unwrap().renditions.remove(0).bytes;

    // Nine files of each family: five JPEGs (one of them grey, one progressive), PNG, both WebPs, HEIC.
    let mut orders = String::new();
    let mut names = Vec::new();
    for (number, (make, model, software, note)) in FAMILIES.iter().enumerate() {
        let exif = camera_exif(make, model, note);
        let segment = segment(0xE1, &[b"Exif\0\0", &exif[..]].concat());
        let kinds = [
            ("0.jpg", with_segments(&jpeg(96, 64), std::slice::from_ref(&segment))),
            (
                "1.jpg",
                with_segments(
                    &jpeg_of(&rgb, 96, 64, jpeg_encoder::ColorType::Rgb, true),
                    std::slice::from_ref(&segment),
                ),
            ),
            (
                "2.jpg",
                with_segments(
                    &jpeg_of(&rgb[..96 * 64], 96, 64, jpeg_encoder::ColorType::Luma, false),
                    std::slice::from_ref(&segment),
                ),
            ),
            (
                "3.jpg",
                with_segments(
                    &jpeg_of(&pixels(96, 64, 4), 96, 64, jpeg_encoder::ColorType::Cmyk, false),
                    std::slice::from_ref(&segment),
                ),
            ),
            ("4.jpg", with_segments(&jpeg(48, 80), &[segment])),
            ("5.png", with_chunks(&png(96, 64), &[chunk(b"eXIf", &exif)])),
            ("6.webp", webp_of(&rgb, 96, 64, image_webp::ColorType::Rgb8)),
            ("7.webp", lossy.clone()),
            ("8.heic", heic_plain.clone()),
        ];
        for (kind, bytes) in kinds {
            let name = format!("{number:02}-{kind}");
            fs::write(sources.join(&name), bytes).unwrap();
            let mut order = vec![
                "-overwrite_original".to_owned(),
                "-q".into(),
                "-m".into(),
                "-P".into(),
                format!("-Make={make}"),
                format!("-Model={model}"),
                format!("-Software={software}"),
                format!("-SerialNumber=SN{number}-SECRET"),
                format!("-LensSerialNumber=LN{number}-SECRET"),
                "-OwnerName=Jane Doe".into(),
                "-Artist=Jane Doe".into(),
                "-Copyright=(c) Jane Doe".into(),
                "-ImageUniqueID=0123456789abcdef".into(),
                "-UserComment=at home with Jane".into(),
                "-DateTimeOriginal=2026:05:04 03:02:01".into(),
                "-OffsetTimeOriginal=+02:00".into(),
                "-GPSLatitude=52.5200".into(),
                "-GPSLatitudeRef=N".into(),
                "-GPSLongitude=13.4050".into(),
                "-GPSLongitudeRef=E".into(),
                "-GPSAltitude=34".into(),
                "-GPSDateStamp=2026:05:04".into(),
                "-XMP-dc:Creator=Jane Doe".into(),
                "-XMP-photoshop:City=Berlin".into(),
                "-XMP-mwg-rs:RegionName=Jane Doe".into(),
                "-XMP-mwg-rs:RegionType=Face".into(),
                "-XMP-xmpMM:DocumentID=uuid:4711".into(),
                "-XMP-GCamera:MicroVideo=1".into(),
                "-XMP-GCamera:MicroVideoOffset=500".into(),
                "-Orientation#=6".into(),
            ];
            if kind.ends_with("jpg") {
                order.extend([
                    "-IPTC:By-line=Jane Doe".to_owned(),
                    "-IPTC:City=Berlin".into(),
                    "-IPTC:Keywords=party".into(),
                    "-Photoshop:CopyrightFlag=1".into(),
                    "-Comment=Jane was here".into(),
                    "-ThumbnailImage<=thumbnail.jpg".into(),
                ]);
            }
            if number % 2 == 0 && !kind.ends_with("heic") && !["2.jpg", "3.jpg"].contains(&kind) {
                order.push("-ICC_Profile<=profile.icc".into());
            }
            order.push(format!("sources/{name}"));
            orders.push_str(&order.join("\n"));
            orders.push_str("\n-execute\n");
            names.push(name);
        }
    }
    assert!(names.len() >= 200, "{}", names.len());
    fs::write(folder.0.join("orders"), orders).unwrap();
    exiftool(&["-@", "orders"], &folder.0);
    let before = exiftool(
        &["-a", "-G1", "-s", "-r", "-SerialNumber", "-GPSLatitude", "-XMP-dc:Creator", "-Make", "sources"],
        &folder.0,
    );
    // The tool has done its part, or nothing below would mean anything.
    assert!(before.matches("SerialNumber").count() >= 200, "{}", before.matches("SerialNumber").count());
    assert!(before.matches("52 deg").count() >= 200 && before.matches("Jane Doe").count() >= 200);

    let one = std::num::NonZeroUsize::MIN;
    for (number, name) in names.iter().enumerate() {
        let mut file = fs::read(sources.join(name)).unwrap();
        if !name.ends_with("heic") {
            file.extend(trailer(number));
        }
        let clean = strip(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
        for secret in [&b"Jane"[..], b"SECRET", b"SERIAL", b"Berlin", CANARY, b"4711"] {
            assert!(!clean.windows(secret.len()).any(|window| window == secret), "{name}");
        }
        fs::write(results.join(name), &clean).unwrap();
        let derived = derive(&file, None, None, &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let later = stage2(&clean, Some(6), None, &Limits::default(), one).unwrap();
        for file in derived.renditions.iter().chain(&later) {
            let name = format!("{name}-{}.{}", file.name.as_str(), file.encoding.extension());
            fs::write(results.join(name), &file.bytes).unwrap();
        }
    }
    let after = exiftool(&["-a", "-G1", "-s", "-s", "-r", "-u", "results"], &folder.0);
    let mut found = BTreeSet::new();
    let mut file = "";
    let mut wrong = BTreeSet::new();
    for line in after.lines() {
        if let Some(name) = line.strip_prefix("======== ") {
            file = name;
            continue;
        }
        let Some((group, tag)) = line.strip_prefix('[').and_then(|line| line.split_once(']')) else { continue };
        let tag = tag.split(':').next().unwrap_or_default().trim();
        if NOT_OF_THE_FILE.contains(&group) {
            continue;
        }
        let profile = group.starts_with("ICC");
        let whole = if profile { "ICC_Profile:*".to_owned() } else { format!("{group}:*") };
        let exact = format!("{group}:{tag}");
        let allowed = ALLOWED.contains(&exact.as_str()) || ALLOWED.contains(&whole.as_str());
        // A profile is taken as it is, its maker's copyright included.
        let named = !profile && NEVER.iter().any(|never| tag.contains(never));
        if !allowed || named {
            wrong.insert(format!("{exact} in {file}"));
        }
        found.insert(exact);
    }
    let files = fs::read_dir(&results).unwrap().count();
    assert!(files >= 200 * 8, "{files}");
    let first: Vec<_> = wrong.iter().take(40).collect();
    assert!(wrong.is_empty(), "{} wrong: {first:#?}", wrong.len());
    assert!(found.iter().any(|tag| tag.starts_with("JFIF")), "something was read: {found:?}");
}
