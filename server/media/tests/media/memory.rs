//! How much memory a job takes, measured as the peak of a process of its own, C libraries included.
#![expect(clippy::print_stdout, reason = "the child tells its parent by it what it took")]

use std::num::NonZeroUsize;
use std::process::Command;

use jpeg_encoder::ColorType;
use shutterpost_media::branding::Brandings;
use shutterpost_media::branding::drawing::Drawing;
use shutterpost_media::derive::{derive, stage1, stage2};
use shutterpost_media::inspect::{Limits, inspect};
use shutterpost_media::mark::Mark;

use crate::branding::whole_branding;
use crate::synth::*;

const JOB: &str = "MEDIA_TEST_JOB";
const FILE: &str = "MEDIA_TEST_FILE";

/// By how many bytes the peak of a process grows when it does a job with a file; the file itself not counted. `test` is
/// the full name of the calling test, which starts itself again and must call [`job_of_child`] first.
pub fn growth(test: &str, job: &str, file: &[u8]) -> u64 {
    let path = tempfile(job);
    std::fs::write(&path, file).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    let output = child.args(["--exact", test, "--nocapture"]).env(JOB, job).env(FILE, &path).output().unwrap();
    std::fs::remove_file(&path).unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    let line = printed.lines().find_map(|line| line.split_once("grew by ").map(|(_, bytes)| bytes));
    let bytes = line.unwrap_or_else(|| panic!("{job} printed {printed} {}", String::from_utf8_lossy(&output.stderr)));
    bytes.split_whitespace().next().unwrap().parse().unwrap()
}

fn tempfile(job: &str) -> std::path::PathBuf {
    std::env::temp_dir().join(format!("shutterpost-media-{}-{job}", std::process::id()))
}

/// Whether this process is the child; then the job is done and measured.
pub fn job_of_child() -> bool {
    let (Ok(job), Ok(path)) = (std::env::var(JOB), std::env::var(FILE)) else { return false };
    let file = std::fs::read(path).unwrap();
    // From now on the peak counts anew.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = status("VmRSS:");
    let limits = Limits::default();
    let one = NonZeroUsize::MIN;
    match job.split('-').next().unwrap() {
        "inspect" => drop(inspect(&file, &limits)),
        "derive" => drop(derive(&file, None, None, &limits)),
        "stage1" => drop(stage1(&file, None, None, &limits, one)),
        "stage2" => drop(stage2(&file, None, None, &limits, one)),
        "branded" => {
            let mark = Mark::from(Brandings::same(&whole_branding().prepare().unwrap()));
            std::fs::write("/proc/self/clear_refs", "5").unwrap();
            let before = status("VmRSS:");
            drop(derive(&file, None, Some(&mark), &limits));
            println!("grew by {} bytes", status("VmHWM:").saturating_sub(before));
            return true;
        }
        "draw" => drop(Drawing::from_bytes(&file).and_then(|drawing| drawing.draw(2048, 2048))),
        other => panic!("no job {other}"),
    }
    println!("grew by {} bytes", status("VmHWM:").saturating_sub(before));
    true
}

fn status(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[test]
fn the_estimate_of_memory_holds_for_every_kind_of_file() {
    if job_of_child() {
        return;
    }
    let (width, height) = (2800, 2000);
    let rgb = pixels(width, height, 3);
    let rgba = pixels(width, height, 4);
    let mut noise = Noise(3);
    let worst: Vec<u8> = (0..2048 * 2048 * 3).map(|_| noise.below(256) as u8).collect();
    let files = [
        ("jpeg", jpeg_of(&rgb, width, height, ColorType::Rgb, false)),
        ("progressive", jpeg_of(&rgb, width, height, ColorType::Rgb, true)),
        ("cmyk", jpeg_of(&rgba, width, height, ColorType::Cmyk, false)),
        ("grey", jpeg_of(&rgb[..(width * height) as usize], width, height, ColorType::Luma, false)),
        ("png", png_of(&rgba, width, height, png::ColorType::Rgba, png::BitDepth::Eight)),
        (
            "grey_png",
            png_of(&rgb[..(width * height) as usize], width, height, png::ColorType::Grayscale, png::BitDepth::Eight),
        ),
        ("lossless", webp_of(&rgba, width, height, image_webp::ColorType::Rgba8)),
        // The slow encoder makes one tile of the many.
        ("heic", heic_grid(512, 512, 6, 4)),
        ("noise", jpeg_of(&worst, 2048, 2048, ColorType::Rgb, false)),
    ];
    let mut wrong = Vec::new();
    for (kind, file) in &files {
        let inspected = inspect(file, &Limits::default()).unwrap();
        let later = inspected.second_stage_memory_bytes();
        for (job, estimate) in
            [("derive", inspected.memory_bytes), ("stage1", inspected.memory_bytes), ("stage2", later)]
        {
            let name = "memory::the_estimate_of_memory_holds_for_every_kind_of_file";
            let grew = growth(name, &format!("{job}-{kind}"), file);
            println!("{kind} {job}: {grew} of {estimate}");
            // An estimate of many times as much would keep the machine idle.
            if grew > estimate || grew * 8 < estimate {
                wrong.push(format!("{kind} {job}: {grew} of {estimate}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
