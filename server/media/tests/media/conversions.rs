//! What needs ffmpeg, in its sandbox.

use shutterpost_media::convert::{poster, transcode};
use shutterpost_media::error::{FilmError, MediaError};
use shutterpost_media::mark::Mark;
use shutterpost_media::rendition::{Encoding, Name};
use shutterpost_media::video::{Film, Treatment, Video, VideoLimits, probe};

use crate::synth::{decode, near};
use crate::tools::{frames, made, sandbox, streams};

fn converted(bytes: &[u8]) -> Result<Vec<u8>, MediaError> {
    converted_with(bytes, None)
}

pub fn converted_with(bytes: &[u8], mark: Option<&Mark>) -> Result<Vec<u8>, MediaError> {
    let limits = VideoLimits::default();
    let video = probe(bytes, &limits)?;
    let mut fragments = Vec::new();
    transcode(sandbox(), bytes, &video, mark, &limits, &mut fragments)?;
    let Video::Film(again) = probe(&fragments, &limits)? else { panic!("something else came out") };
    assert!(again.info.fragmented);
    let mut clean = Vec::new();
    again.plan()?.write(&fragments, &mut clean).unwrap();
    Ok(clean)
}

pub fn film(bytes: &[u8]) -> Box<Film> {
    match probe(bytes, &VideoLimits::default()).unwrap() {
        Video::Film(film) => film,
        other => panic!("{other:?}"),
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

const TEST: &str = "-f lavfi -i testsrc2=size=320x240:rate=30:duration=2 -f lavfi -i sine=duration=2";

#[test]
fn what_browsers_do_not_play_becomes_what_they_do() {
    for (name, words) in [
        ("a.webm", "-c:v libvpx -cpu-used 8 -deadline realtime -c:a libopus -metadata title=CANARY"),
        ("b.mp4", "-c:v libx265 -preset ultrafast -x265-params log-level=none -tag:v hvc1 -c:a aac"),
        ("c.mov", "-c:v libx264 -pix_fmt yuv420p -c:a pcm_s16le"),
        ("d.mp4", "-c:v libx264 -pix_fmt yuv422p10le -c:a libmp3lame"),
        ("e.mov", "-c:v prores_ks -c:a pcm_s24le"),
        ("f.mkv", "-c:v mpeg4 -c:a ac3"),
    ] {
        let bytes = made(name, &format!("{TEST} {words}"));
        let clean = converted(&bytes).unwrap();
        let film = film(&clean);
        assert_eq!(film.treatment(), Treatment::Copy, "{name}");
        assert!(!film.info.fragmented && film.info.duration.unwrap().abs_diff(2000) < 100, "{name} {:?}", film.info);
        assert_eq!(streams(&clean), ["h264,320,240,yuv420p", "aac"], "{name}");
        assert_eq!(frames(&clean, "0:v").len(), 60, "{name}");
        for trace in [&b"CANARY"[..], b"x264", b"Lavf", b"Lavc"] {
            assert!(!contains(&clean, trace), "{name}: {}", String::from_utf8_lossy(trace));
        }
    }
}

/// Films of phones with HDR: white of the usual brightness stays nearly white, and colours stay colours.
#[test]
fn bright_films_do_not_become_grey() {
    let words = "-f lavfi -i color=0xF0F0F0:size=160x120:rate=30:duration=0.5 \
                 -vf zscale=tin=bt709:min=bt709:pin=bt709:rin=tv:t=arib-std-b67:m=bt2020nc:p=bt2020:npl=203,format=yuv420p10le \
                 -c:v libx265 -preset ultrafast -x265-params log-level=none:colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc \
                 -color_trc arib-std-b67 -color_primaries bt2020 -colorspace bt2020nc -tag:v hvc1 -movflags +write_colr";
    let bytes = made("hlg.mp4", &words.split_whitespace().collect::<Vec<_>>().join(" "));
    assert!(film(&bytes).info.bright);
    let clean = converted(&bytes).unwrap();
    assert!(!film(&clean).info.bright && film(&clean).treatment() == Treatment::Copy);
    let derived = poster(sandbox(), &clean, &film(&clean), None).unwrap();
    let web = derived.renditions.iter().find(|made| made.name == Name::Web && made.encoding == Encoding::Jpeg).unwrap();
    let [red, green, blue] = decode(&web.bytes).at(80, 60);
    assert!(red > 190 && red.abs_diff(green) < 12 && red.abs_diff(blue) < 12, "{red} {green} {blue}");
}

#[test]
fn a_large_fast_film_becomes_smaller_and_slower() {
    let words =
        "-f lavfi -i testsrc2=size=2560x1440:rate=120:duration=0.3 -c:v libx264 -preset ultrafast -pix_fmt yuv420p";
    let clean = converted(&made("large.mp4", words)).unwrap();
    let info = film(&clean).info;
    assert_eq!((info.width, info.height, info.audio), (1920, 1080, None));
    assert!(info.frame_rate.unwrap() < 61.0, "{info:?}");
}

/// Bad input 34: attachments, chapters and subtitles with a script do not come through.
#[test]
fn attachments_chapters_and_subtitles_are_dropped() {
    let folder = crate::tools::Folder::new();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    std::fs::write(path("text.srt"), "1\n00:00:00,000 --> 00:00:01,000\n<script>CANARY</script>\n").unwrap();
    std::fs::write(path("font.ttf"), b"CANARY".repeat(5000)).unwrap();
    let chapters: String =
        (0..2000).map(|n| format!("[CHAPTER]\nTIMEBASE=1/1000\nSTART={n}\nEND={}\ntitle=CANARY{n}\n", n + 1)).collect();
    std::fs::write(path("chapters.txt"), format!(";FFMETADATA1\n{chapters}")).unwrap();
    let words = format!(
        "{TEST} -i {} -i {} -map 0 -map 1 -map 2 -map_chapters 3 -c:v libvpx -cpu-used 8 -deadline realtime -c:a libopus -c:s copy \
         -attach {} -metadata:s:t mimetype=application/x-truetype-font",
        path("text.srt"),
        path("chapters.txt"),
        path("font.ttf")
    );
    let bytes = made("bomb.mkv", &words.split_whitespace().collect::<Vec<_>>().join(" "));
    assert!(contains(&bytes, b"CANARYCANARY") && contains(&bytes, b"<script>"));
    let clean = converted(&bytes).unwrap();
    assert_eq!(streams(&clean).len(), 2);
    assert!(!contains(&clean, b"CANARY") && !contains(&clean, b"script"));
}

#[test]
fn a_damaged_film_is_an_error() {
    let bytes = made("a.webm", &format!("{TEST} -c:v libvpx -cpu-used 8 -deadline realtime -c:a libopus"));
    let mut noise = bytes.clone();
    // Pictures that can be decoded alone begin with it; as far as the container knows they are whole.
    let begins = |window: &[u8]| window == [0x9D, 0x01, 0x2A];
    let places: Vec<usize> =
        bytes.windows(3).enumerate().filter(|(_, window)| begins(window)).map(|(at, _)| at).collect();
    assert!(!places.is_empty());
    places.into_iter().for_each(|at| noise[at] = 0);
    let result = converted(&noise).unwrap_err();
    assert!(
        matches!(
            result,
            MediaError::Film(FilmError::Conversion(_) | FilmError::Interrupted(_) | FilmError::NoPictures)
        ),
        "{result:?}"
    );
}

/// The film with metadata that say: a quarter to the right. It is that high before.
pub fn turned(mut film: Vec<u8>, height: i32) -> Vec<u8> {
    let header = film.windows(4).position(|name| name == b"tkhd").unwrap() + 4 + 40;
    let quarter = [0, 0x1_0000, 0, -0x1_0000_i32, 0, 0, height << 16, 0].map(i32::to_be_bytes).concat();
    film[header..header + 32].copy_from_slice(&quarter);
    film
}

#[test]
fn the_poster_is_upright_and_of_the_first_second() {
    // Red for half a second, then green; blue from the first second on.
    let words = "-f lavfi -i color=red:size=320x240:rate=30:duration=0.5 -f lavfi -i color=lime:size=320x240:rate=30:duration=0.5 \
                 -f lavfi -i color=blue:size=320x240:rate=30:duration=2 -filter_complex [0][1][2]concat=n=3 -g 15 -c:v libx264 -pix_fmt yuv420p";
    let bytes = made("colours.mp4", &words.split_whitespace().collect::<Vec<_>>().join(" "));
    let derived = poster(sandbox(), &bytes, &film(&bytes), None).unwrap();
    assert_eq!(derived.renditions.len(), 7);
    let web = derived.renditions.iter().find(|made| made.name == Name::Web && made.encoding == Encoding::Jpeg).unwrap();
    let middle = decode(&web.bytes).at(160, 120);
    assert!(near(middle, [0, 0, 255], 12) || near(middle, [0, 255, 0], 12), "{middle:?}");

    // Turned by a quarter: the left half of the stored picture is the upper half of the shown one.
    let words = "-f lavfi -i color=red:size=160x240:rate=30:duration=1 -f lavfi -i color=blue:size=160x240:rate=30:duration=1 \
                 -filter_complex hstack -c:v libx264 -pix_fmt yuv420p";
    let turned = turned(made("turned.mp4", &words.split_whitespace().collect::<Vec<_>>().join(" ")), 240);
    let walked = film(&turned);
    assert_eq!((walked.info.width, walked.info.height, walked.info.rotation), (240, 320, 90));
    let derived = poster(sandbox(), &turned, &walked, None).unwrap();
    assert_eq!((derived.width, derived.height), (240, 320));
    let web = derived.renditions.iter().find(|made| made.name == Name::Web && made.encoding == Encoding::Jpeg).unwrap();
    let picture = decode(&web.bytes);
    assert!(near(picture.at(120, 40), [255, 0, 0], 12) && near(picture.at(120, 280), [0, 0, 255], 12));
}
