//! How near a picture comes to another, as people see it (SSIMULACRA2: 100 is the same, 90 cannot be told apart, 70 is
//! good): `… --features score --example score -- REFERENCE.png PICTURE.png…` prints a number for each.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;
use std::fs::File;
use std::io::BufReader;

use ssimulacra2::{ColorPrimaries, Rgb, TransferCharacteristic, compute_frame_ssimulacra2};

fn main() -> Result<(), Box<dyn Error>> {
    let mut files = std::env::args().skip(1);
    let reference = read(&files.next().ok_or("which reference?")?)?;
    for file in files {
        println!("{}", compute_frame_ssimulacra2(reference.clone(), read(&file)?)?);
    }
    Ok(())
}

fn read(file: &str) -> Result<Rgb, Box<dyn Error>> {
    let mut decoder = png::Decoder::new(BufReader::new(File::open(file)?));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info()?;
    let mut bytes = vec![0; reader.output_buffer_size().ok_or("too large")?];
    let info = reader.next_frame(&mut bytes)?;
    let channels = info.color_type.samples();
    let pixel = |pixel: &[u8]| -> [f32; 3] {
        // Grey counts three times.
        std::array::from_fn(|at| pixel.get(at.min(channels - 1)).map_or(0.0, |value| f32::from(*value) / 255.0))
    };
    let pixels = bytes.chunks_exact(channels).map(pixel).collect();
    let (width, height) = (info.width as usize, info.height as usize);
    Ok(Rgb::new(pixels, width, height, TransferCharacteristic::SRGB, ColorPrimaries::BT709)?)
}
