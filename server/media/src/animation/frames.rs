//! The pictures of an animation, one after the other, each whole and on white. Foreign decoders on hostile bytes: they see
//! what the walk let through, and a panic in them is a damaged file.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::animation::AnimationFormat;
use crate::animation::walk::Walked;
use crate::decode::rgba_on_white;
use crate::error::MediaError;
use crate::picture::{Area, Rgb, Rgba};

const DAMAGED: MediaError = MediaError::Malformed("a frame cannot be decoded");

/// A frame as it lies in the file.
struct Frame {
    picture: Rgba,
    left: u32,
    top: u32,
    /// What happens to its place before the next one.
    after: After,
    over: Over,
}

#[derive(Clone, Copy, PartialEq)]
enum After {
    Keep,
    Clear,
    Restore,
}

#[derive(Clone, Copy, PartialEq)]
enum Over {
    /// What is transparent shows what lies below.
    Blend,
    Replace,
}

enum Decoder<'a> {
    Gif(Box<gif::Decoder<Cursor<&'a [u8]>>>),
    Png(Box<png::Reader<Cursor<&'a [u8]>>>),
    WebP(Box<image_webp::WebPDecoder<Cursor<&'a [u8]>>>),
}

/// Decodes frame by frame.
pub(super) struct Frames<'a> {
    decoder: Decoder<'a>,
    canvas: Rgba,
    /// Of the last frame: what to do with its place, and what was there.
    last: Option<(Area, After, Vec<u8>)>,
    left: usize,
}

/// `clean` is the file that `walked` describes.
pub(super) fn open<'a>(clean: &'a [u8], walked: &Walked) -> Result<Frames<'a>, MediaError> {
    let Walked { format, width, height, ref delays, .. } = *walked;
    let pixels = width as usize * height as usize;
    let memory = pixels as u64 * 24 + 1_000_000;
    let decoder = guarded(|| match format {
        AnimationFormat::Gif => {
            let mut options = gif::DecodeOptions::new();
            options.set_color_output(gif::ColorOutput::RGBA);
            options.check_frame_consistency(true);
            options.set_memory_limit(gif::MemoryLimit::Bytes(memory.try_into().ok()?));
            Some(Decoder::Gif(Box::new(options.read_info(Cursor::new(clean)).ok()?)))
        }
        AnimationFormat::Png => {
            let limits = png::Limits { bytes: memory as usize };
            let mut decoder = png::Decoder::new_with_limits(Cursor::new(clean), limits);
            decoder.set_transformations(png::Transformations::normalize_to_color8());
            Some(Decoder::Png(Box::new(decoder.read_info().ok()?)))
        }
        AnimationFormat::WebP => {
            let mut decoder = image_webp::WebPDecoder::new(Cursor::new(clean)).ok()?;
            decoder.set_memory_limit(memory as usize);
            Some(Decoder::WebP(Box::new(decoder)))
        }
    })?;
    let canvas = Rgba { width, height, bytes: vec![0; pixels * 4] };
    Ok(Frames { decoder, canvas, last: None, left: delays.len() })
}

fn guarded<T>(decode: impl FnOnce() -> Option<T>) -> Result<T, MediaError> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or(None).ok_or(DAMAGED)
}

impl Iterator for Frames<'_> {
    type Item = Result<Rgb, MediaError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let drawn = self.draw();
        if drawn.is_err() {
            self.left = 0;
        }
        Some(drawn.map(|()| {
            let Rgba { width, height, ref bytes } = self.canvas;
            Rgb { width, height, bytes: rgba_on_white(bytes.clone()) }
        }))
    }
}

impl Frames<'_> {
    fn draw(&mut self) -> Result<(), MediaError> {
        let canvas = &mut self.canvas;
        let frame = match &mut self.decoder {
            Decoder::Gif(decoder) => guarded(|| gif_frame(decoder))?,
            Decoder::Png(decoder) => guarded(|| png_frame(decoder))?,
            // This one puts frames together itself.
            Decoder::WebP(decoder) => return guarded(|| webp_frame(decoder, canvas)),
        };
        self.put(frame)
    }

    fn put(&mut self, frame: Frame) -> Result<(), MediaError> {
        if let Some((area, after, saved)) = self.last.take() {
            for row in 0..area.height {
                let width = area.width as usize * 4;
                let place = self.canvas.row_mut(area, row);
                match after {
                    After::Keep => {}
                    After::Clear => place.fill(0),
                    After::Restore => {
                        let from = row as usize * width;
                        place.copy_from_slice(saved.get(from..from + width).unwrap_or_default());
                    }
                }
            }
        }
        let Frame { picture, left, top, after, over } = frame;
        let area = Area { left, top, width: picture.width, height: picture.height };
        let fits = |from: u32, length: u32, limit: u32| from.checked_add(length).is_some_and(|end| end <= limit);
        if !fits(left, area.width, self.canvas.width) || !fits(top, area.height, self.canvas.height) {
            return Err(DAMAGED);
        }
        let mut saved = Vec::new();
        for row in 0..area.height {
            let from = picture.row(picture.area(), row);
            let place = self.canvas.row_mut(area, row);
            if place.len() != from.len() {
                return Err(DAMAGED);
            }
            if after == After::Restore {
                saved.extend_from_slice(place);
            }
            match over {
                Over::Replace => place.copy_from_slice(from),
                Over::Blend => {
                    let pixels = place.as_chunks_mut::<4>().0.iter_mut().zip(from.as_chunks::<4>().0);
                    pixels.for_each(|(below, above)| *below = blended(*below, *above));
                }
            }
        }
        self.last = Some((area, after, saved));
        Ok(())
    }
}

fn blended(below: [u8; 4], above: [u8; 4]) -> [u8; 4] {
    let ([r, g, b, alpha], [under_r, under_g, under_b, under]) = (above, below);
    match alpha {
        0 => below,
        255 => above,
        _ => {
            let (alpha, under) = (u32::from(alpha), u32::from(under));
            let rest = under * (255 - alpha) / 255;
            let sum = alpha + rest;
            let mixed = |a: u8, b: u8| ((u32::from(a) * alpha + u32::from(b) * rest) / sum) as u8;
            [mixed(r, under_r), mixed(g, under_g), mixed(b, under_b), sum as u8]
        }
    }
}

fn gif_frame(decoder: &mut gif::Decoder<Cursor<&[u8]>>) -> Option<Frame> {
    let frame = decoder.read_next_frame().ok()??;
    let (width, height) = (u32::from(frame.width), u32::from(frame.height));
    let after = match frame.dispose {
        gif::DisposalMethod::Background => After::Clear,
        gif::DisposalMethod::Previous => After::Restore,
        gif::DisposalMethod::Any | gif::DisposalMethod::Keep => After::Keep,
    };
    let picture = Rgba { width, height, bytes: frame.buffer.to_vec() };
    Some(Frame { picture, left: frame.left.into(), top: frame.top.into(), after, over: Over::Blend })
}

fn png_frame(reader: &mut png::Reader<Cursor<&[u8]>>) -> Option<Frame> {
    let mut buffer = vec![0; reader.output_buffer_size()?];
    let mut output = reader.next_frame(&mut buffer).ok()?;
    // The picture for programs that know no animations may be none of its frames.
    if reader.info().frame_control.is_none() {
        output = reader.next_frame(&mut buffer).ok()?;
    }
    let control = *reader.info().frame_control()?;
    buffer.truncate(output.buffer_size());
    let bytes = match output.color_type {
        png::ColorType::Rgba => buffer,
        png::ColorType::Rgb => buffer.as_chunks().0.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect(),
        png::ColorType::Grayscale => buffer.iter().flat_map(|&gray| [gray, gray, gray, 255]).collect(),
        png::ColorType::GrayscaleAlpha => {
            buffer.as_chunks().0.iter().flat_map(|&[gray, alpha]| [gray, gray, gray, alpha]).collect()
        }
        png::ColorType::Indexed => return None,
    };
    let after = match control.dispose_op {
        png::DisposeOp::None => After::Keep,
        png::DisposeOp::Background => After::Clear,
        png::DisposeOp::Previous => After::Restore,
    };
    let over = match control.blend_op {
        png::BlendOp::Source => Over::Replace,
        png::BlendOp::Over => Over::Blend,
    };
    let picture = Rgba { width: output.width, height: output.height, bytes };
    Some(Frame { picture, left: control.x_offset, top: control.y_offset, after, over })
}

fn webp_frame(decoder: &mut image_webp::WebPDecoder<Cursor<&[u8]>>, canvas: &mut Rgba) -> Option<()> {
    if decoder.dimensions() != (canvas.width, canvas.height) {
        return None;
    }
    if decoder.has_alpha() {
        decoder.read_frame(&mut canvas.bytes).ok()?;
        return Some(());
    }
    let mut rgb = vec![0; decoder.output_buffer_size()?];
    decoder.read_frame(&mut rgb).ok()?;
    canvas.bytes = rgb.as_chunks().0.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect();
    (canvas.bytes.len() == canvas.width as usize * canvas.height as usize * 4).then_some(())
}
