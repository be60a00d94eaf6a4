//! What needs ffmpeg: films that browsers do not play, the picture that stands for a film, and films of animations.
//! Everything runs in the [`Sandbox`] and blocks until it is done. What goes in was walked and cleaned before, what comes
//! out is walked and cleaned again.

mod over;

use std::io::{Read, Write};

use crate::convert::over::Over;
use crate::derive::{Derived, derive_picture};
use crate::error::{FilmError, MediaError};
use crate::mark::Mark;
use crate::picture::{Rgb, fit};
use crate::sandbox::{Budget, SECOND, Sandbox, judged};
use crate::video::{Film, Info, Plan, Source, Video, VideoLimits, Webm, probe};

/// The longer and the shorter side of a converted film.
const LONG_SIDE: u32 = 1920;
const SHORT_SIDE: u32 = 1080;

/// Of every run: no keyboard, no words but errors, one protocol, no single piece of memory above a quarter of a gigabyte.
const QUIET: [&str; 9] =
    ["-nostdin", "-hide_banner", "-v", "error", "-max_alloc", "268435456", "-protocol_whitelist", "pipe", "-xerror"];
/// H.264 that everything plays, without the encoder's name and settings in the stream.
const PICTURES: [&str; 24] = [
    "-c:v",
    "libx264",
    "-preset",
    "veryfast",
    "-crf",
    "23",
    "-profile:v",
    "high",
    "-maxrate",
    "8M",
    "-bufsize",
    "16M",
    "-threads",
    "2",
    "-color_primaries",
    "bt709",
    "-color_trc",
    "bt709",
    "-colorspace",
    "bt709",
    "-flags:v",
    "+bitexact",
    "-bsf:v",
    "filter_units=remove_types=6",
];
const SOUND: [&str; 10] = ["-c:a", "aac", "-b:a", "128k", "-ac", "2", "-ar", "48000", "-flags:a", "+bitexact"];
/// From the light of HDR to that of usual screens; without it such films look grey.
const DARKEN: &str = "zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt709,tonemap=mobius:desat=0,\
                      zscale=t=bt709:m=bt709:r=tv";
/// Fragments, because a pipe cannot be gone back in.
const TO_PIPE: [&str; 9] = [
    "-map_metadata",
    "-1",
    "-fflags",
    "+bitexact",
    "-f",
    "mp4",
    "-movflags",
    "+frag_keyframe+empty_moov+default_base_moof+negative_cts_offsets",
    "pipe:1",
];

/// Whether a mark changes the pictures of this film once it is converted.
pub fn changes(mark: &Mark, info: &Info) -> bool {
    let (width, height) = size_of(info);
    mark.changes(width, height)
}

/// The size of a converted film.
fn size_of(info: &Info) -> (u32, u32) {
    even(fit_either_way(info.width, info.height))
}

/// Encodes a film as H.264 and AAC of at most 1920 x 1080 and 60 pictures a second, and writes it to `to` while it is
/// made: an MP4 in fragments. Store it, [`probe`] it and write its [`Film::plan`]. About real time for 1080p on two
/// cores; [`Budget::film`] ends what takes far longer. `mark` is put on every picture.
///
/// # Errors
/// [`FilmError::Conversion`]: damaged, or it took more than it may; [`FilmError::Unreadable`] of the source or of `to`.
pub fn transcode<S: Source + Sync + ?Sized>(
    sandbox: &Sandbox,
    source: &S,
    video: &Video,
    mark: Option<&Mark>,
    limits: &VideoLimits,
    to: &mut (dyn Write + Send),
) -> Result<(), MediaError> {
    let (width, height) = size_of(video.info());
    let over = mark.filter(|mark| changes(mark, video.info())).map(|mark| Over::new(mark, (width, height)));
    // What is laid over it has exactly its size.
    let proportions = if over.is_some() { "" } else { ":force_original_aspect_ratio=decrease:force_divisible_by=2" };
    let scale = format!("scale={width}:{height}{proportions}");
    let scale = if video.info().bright {
        format!("{scale},{DARKEN},setsar=1,format=yuv420p")
    } else {
        format!("{scale}:out_color_matrix=bt709:out_range=tv,setsar=1,format=yuv420p")
    };
    let longest = limits.max_seconds.to_string();
    let demuxer = if matches!(video, Video::Film(_)) { "mov" } else { "matroska" };
    let mut words = QUIET.to_vec();
    if over.is_some() {
        // A film whose size changes would go on without what lies over it, since that is read once.
        words.extend(["-reinit_filter", "0"]);
    }
    words.extend(["-format_whitelist", demuxer, "-f", demuxer, "-i", "pipe:0"]);
    let size = format!("{width}x{height}");
    let graph = over.as_ref().map(|over| over.graph(&scale));
    match &graph {
        Some(graph) => {
            words.extend(["-protocol_whitelist", "pipe", "-format_whitelist", "rawvideo", "-f", "rawvideo"]);
            words.extend(["-pixel_format", Over::PIXELS, "-video_size", &size, "-framerate", "1", "-i", SECOND]);
            words.extend(["-filter_complex", graph, "-map", "[marked]"]);
        }
        None => words.extend(["-map", "0:v:0", "-vf", &scale]),
    }
    words.extend(["-map", "0:a:0?", "-map_chapters", "-1", "-sn", "-dn", "-t", &longest, "-fpsmax", "60"]);
    words.extend(PICTURES);
    words.extend(SOUND);
    words.extend(TO_PIPE);
    let budget = Budget::film(video.info().duration);
    let mut run = |input: &mut (dyn Read + Send)| match &over {
        Some(over) => sandbox.ffmpeg_with(&over.pixels, &words, input, to, budget),
        None => sandbox.ffmpeg(&words, input, to, budget),
    };
    judged(match video {
        Video::Film(film) => {
            let plan = film.plan()?;
            run(&mut plan.reader(source))
        }
        Video::Webm(webm) => run(&mut webm.plan().reader(source)),
    })
}

/// The renditions of the picture that stands for a film: of the last within its first second that can be decoded alone.
/// Only this one picture is read and decoded, however long the film is.
///
/// # Errors
/// As [`transcode`].
pub fn poster<S: Source + Sync + ?Sized>(
    sandbox: &Sandbox,
    source: &S,
    film: &Film,
    mark: Option<&Mark>,
) -> Result<Derived, MediaError> {
    still(sandbox, source, (&film.info, "mov", &film.poster_plan()?), mark)
}

/// The same of WebM and Matroska.
///
/// # Errors
/// As [`transcode`].
pub fn webm_poster<S: Source + Sync + ?Sized>(
    sandbox: &Sandbox,
    source: &S,
    webm: &Webm,
    mark: Option<&Mark>,
) -> Result<Derived, MediaError> {
    still(sandbox, source, (&webm.info, "matroska", webm.poster_plan()), mark)
}

/// The renditions of a film's only picture.
fn still<S: Source + Sync + ?Sized>(
    sandbox: &Sandbox,
    source: &S,
    (info, demuxer, plan): (&Info, &str, &Plan),
    mark: Option<&Mark>,
) -> Result<Derived, MediaError> {
    let Info { width, height, .. } = *info;
    let mut words = QUIET.to_vec();
    words.extend(["-format_whitelist", demuxer, "-f", demuxer, "-i", "pipe:0", "-map", "0:v:0", "-frames:v", "1"]);
    let scale = format!("scale={width}:{height},format=rgb24");
    words.extend(["-vf", &scale, "-c:v", "rawvideo", "-f", "rawvideo", "pipe:1"]);
    let bytes = width as usize * height as usize * 3;
    let mut pixels = Vec::with_capacity(bytes);
    let budget = Budget { output_bytes: bytes as u64, ..Budget::PICTURE };
    judged(sandbox.ffmpeg(&words, &mut plan.reader(source), &mut pixels, budget))?;
    if pixels.len() != bytes {
        return Err(FilmError::Conversion("no picture came out").into());
    }
    derive_picture(Rgb { width, height, bytes: pixels }, mark)
}

/// A muted film of pictures of one size, both sides even, which come one after the other as RGB at a constant rate.
/// Returns a cleaned MP4.
pub(crate) fn film_of(
    sandbox: &Sandbox,
    size: (u32, u32),
    (frames, per_milliseconds): (u32, u32),
    milliseconds: u64,
    pictures: &mut (dyn Read + Send),
) -> Result<Vec<u8>, MediaError> {
    let size = format!("{}x{}", size.0, size.1);
    let rate = format!("{}/{per_milliseconds}", u64::from(frames) * 1000);
    let mut words = QUIET.to_vec();
    words.extend(["-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", &size, "-framerate", &rate]);
    words.extend([
        "-i",
        "pipe:0",
        "-map",
        "0:v:0",
        "-an",
        "-vf",
        "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p",
    ]);
    words.extend(PICTURES);
    words.extend(TO_PIPE);
    let mut film = Vec::new();
    judged(sandbox.ffmpeg(&words, pictures, &mut film, Budget::film(Some(milliseconds))))?;
    cleaned(&film)
}

fn cleaned(film: &Vec<u8>) -> Result<Vec<u8>, MediaError> {
    let Video::Film(walked) = probe(film, &VideoLimits::default())? else {
        return Err(FilmError::Conversion("something else came out").into());
    };
    let plan = walked.plan()?;
    let mut clean = Vec::with_capacity(plan.bytes() as usize);
    plan.write(film, &mut clean).map_err(|error| FilmError::Unreadable(error.kind()))?;
    Ok(clean)
}

pub(crate) fn fit_either_way(width: u32, height: u32) -> (u32, u32) {
    let (across, down) = if width >= height { (LONG_SIDE, SHORT_SIDE) } else { (SHORT_SIDE, LONG_SIDE) };
    fit(width, height, across, down)
}

/// Colours are stored for two by two pixels.
pub(crate) fn even((width, height): (u32, u32)) -> (u32, u32) {
    ((width & !1).max(2), (height & !1).max(2))
}
