//! AVIF by libaom: one key frame of 8 bits, 4:2:0. Sees pixels of ours, never a stranger's bytes.
#![expect(unsafe_code, reason = "libaom has a C interface; encoding AV1 in Rust takes several times as long")]

use std::mem::MaybeUninit;
use std::ptr;

use avif_serialize::Aviffy;
use avif_serialize::constants::{ColorPrimaries, MatrixCoefficients, TransferCharacteristics};
use libaom_sys as aom;

use crate::error::MediaError;
use crate::picture::Rgb;

/// 0 (slow) to 9 (fast). By measurement: 5 takes six times as long for a tenth of the bytes at the same score.
const SPEED: i32 = 6;

/// 0 (as it is) to 63 (coarse), by the longer side: about as good to the eye as the JPEG of the same size. The smaller the
/// picture, the more of its detail survives the same number.
fn quantiser(side: u32) -> i32 {
    match side {
        0..=320 => 28,
        321..=960 => 26,
        _ => 23,
    }
}

const FAILED: MediaError = MediaError::Encode("AVIF");
/// Numbers of ISO 23091-2: sRGB's colours and curve, and the matrix that JPEG has as well.
const SRGB_PRIMARIES: i32 = 1;
const SRGB_TRANSFER: i32 = 13;
const BT601_MATRIX: i32 = 6;

/// Ends the encoder on every way out.
struct Encoder(aom::aom_codec_ctx_t);

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: it was initialised by libaom, and is not used after this.
        unsafe { aom::aom_codec_destroy(&mut self.0) };
    }
}

pub(crate) fn avif(picture: &Rgb) -> Result<Vec<u8>, MediaError> {
    let mut planes = Planes::of(picture).ok_or(FAILED)?;
    let frame = encode(&mut planes)?;
    let mut container = Aviffy::new();
    container
        .set_color_primaries(ColorPrimaries::Bt709)
        .set_transfer_characteristics(TransferCharacteristics::Srgb)
        .set_matrix_coefficients(MatrixCoefficients::Bt601)
        .set_full_color_range(true)
        .set_chroma_subsampling((true, true));
    Ok(container.to_vec(without_delimiter(&frame), None, picture.width, picture.height, 8))
}

fn encode(planes: &mut Planes) -> Result<Vec<u8>, MediaError> {
    let sound = |result: aom::aom_codec_err_t| if result == aom::AOM_CODEC_OK { Ok(()) } else { Err(FAILED) };
    // SAFETY: libaom fills the configuration in before it is read.
    let (interface, mut configuration) = unsafe {
        let interface = aom::aom_codec_av1_cx();
        let mut configuration = MaybeUninit::uninit();
        sound(aom::aom_codec_enc_config_default(interface, configuration.as_mut_ptr(), aom::AOM_USAGE_ALL_INTRA))?;
        (interface, configuration.assume_init())
    };
    configuration.g_w = planes.width;
    configuration.g_h = planes.height;
    configuration.g_threads = 1;
    // One frame: it is written as a still picture, with the shorter header.
    configuration.g_limit = 1;
    configuration.g_lag_in_frames = 0;
    configuration.rc_end_usage = aom::AOM_Q;
    configuration.rc_min_quantizer = 0;
    configuration.rc_max_quantizer = 63;

    let mut encoder = MaybeUninit::<aom::aom_codec_ctx_t>::zeroed();
    // SAFETY: the version is that of the header the binding was made of. If this fails there is nothing to destroy; if
    // not, the context is whole.
    let mut encoder = unsafe {
        let version = aom::AOM_ENCODER_ABI_VERSION as i32;
        sound(aom::aom_codec_enc_init_ver(encoder.as_mut_ptr(), interface, &configuration, 0, version))?;
        Encoder(encoder.assume_init())
    };
    let settings = [
        (aom::AOME_SET_CPUUSED, SPEED),
        (aom::AOME_SET_CQ_LEVEL, quantiser(planes.width.max(planes.height))),
        (aom::AOME_SET_TUNING, aom::AOM_TUNE_SSIM as i32),
        (aom::AV1E_SET_COLOR_RANGE, aom::AOM_CR_FULL_RANGE as i32),
        (aom::AV1E_SET_COLOR_PRIMARIES, SRGB_PRIMARIES),
        (aom::AV1E_SET_TRANSFER_CHARACTERISTICS, SRGB_TRANSFER),
        (aom::AV1E_SET_MATRIX_COEFFICIENTS, BT601_MATRIX),
    ];
    for (setting, value) in settings {
        // SAFETY: each of these takes one int, signed or not.
        sound(unsafe { aom::aom_codec_control(&mut encoder.0, setting as i32, value) })?;
    }

    let mut image = MaybeUninit::<aom::aom_image_t>::zeroed();
    let [luma, blue, red] = planes.planes.each_mut().map(|plane| plane.as_mut_ptr());
    // SAFETY: the image is a header over our planes, which are as large as width and height, rounded up to even, and the
    // strides say, and live until the end of this function. libaom only reads them, and copies the frame. A packet's
    // bytes are copied before the encoder is asked for anything else.
    unsafe {
        let format = aom::AOM_IMG_FMT_I420;
        if aom::aom_img_wrap(image.as_mut_ptr(), format, planes.width, planes.height, 1, luma).is_null() {
            return Err(FAILED);
        }
        let mut image = image.assume_init();
        image.planes = [luma, blue, red];
        image.stride = planes.strides;
        image.range = aom::AOM_CR_FULL_RANGE;
        let mut frame = Vec::new();
        for source in [&raw const image, ptr::null()] {
            sound(aom::aom_codec_encode(&mut encoder.0, source, 0, 1, 0))?;
            let mut packets = ptr::null();
            while let Some(packet) = aom::aom_codec_get_cx_data(&mut encoder.0, &mut packets).as_ref() {
                if packet.kind == aom::AOM_CODEC_CX_FRAME_PKT {
                    let data = packet.data.frame;
                    frame.extend_from_slice(std::slice::from_raw_parts(data.buf.cast::<u8>(), data.sz));
                }
            }
        }
        if frame.is_empty() { Err(FAILED) } else { Ok(frame) }
    }
}

/// A file has no need for the unit that parts the frames of a film.
fn without_delimiter(frame: &[u8]) -> &[u8] {
    frame.strip_prefix(&[0x12, 0x00]).unwrap_or(frame)
}

/// Luma and two planes of colour, all of even size underneath.
struct Planes {
    width: u32,
    height: u32,
    planes: [Vec<u8>; 3],
    strides: [i32; 3],
}

impl Planes {
    /// BT.601 in full range, each pixel of colour from four of the picture.
    fn of(picture: &Rgb) -> Option<Planes> {
        let (width, height) = (picture.width as usize, picture.height as usize);
        let (even_width, even_height) = (width.next_multiple_of(2), height.next_multiple_of(2));
        let mut luma = vec![0; even_width * even_height];
        let mut blue = Vec::with_capacity(even_width * even_height / 4);
        let mut red = Vec::with_capacity(even_width * even_height / 4);
        let rows = picture.bytes.chunks_exact(width * 3);
        let last_row = rows.clone().next_back()?;
        let mut rows = rows.map(|row| row.as_chunks::<3>().0);
        for pair in luma.chunks_exact_mut(even_width * 2) {
            let upper = rows.next()?;
            // An odd picture's last row and column count twice.
            let lower = rows.next().unwrap_or(last_row.as_chunks::<3>().0);
            let (upper_luma, lower_luma) = pair.split_at_mut(even_width);
            for (row, place) in [(upper, upper_luma), (lower, lower_luma)] {
                place.iter_mut().zip(row).for_each(|(place, pixel)| *place = luminance(*pixel));
                if width % 2 == 1
                    && let [.., before, last] = place
                {
                    *last = *before;
                }
            }
            for (above, below) in upper.chunks(2).zip(lower.chunks(2)) {
                let (Some(first), Some(second)) = (above.first(), above.last()) else { continue };
                let (Some(third), Some(fourth)) = (below.first(), below.last()) else { continue };
                let sum = |channel: usize| -> i32 {
                    [first, second, third, fourth]
                        .iter()
                        .filter_map(|pixel| pixel.get(channel))
                        .map(|v| i32::from(*v))
                        .sum()
                };
                let [r, g, b] = [sum(0), sum(1), sum(2)];
                // In 65 536ths, of four pixels.
                let colour = |value: i32| ((value + (128 << 18) + (1 << 17)) >> 18).clamp(0, 255) as u8;
                blue.push(colour(-11_058 * r - 21_710 * g + 32_768 * b));
                red.push(colour(32_768 * r - 27_439 * g - 5_329 * b));
            }
        }
        let strides = [even_width, even_width / 2, even_width / 2].map(|stride| stride as i32);
        Some(Planes { width: picture.width, height: picture.height, planes: [luma, blue, red], strides })
    }
}

fn luminance([red, green, blue]: [u8; 3]) -> u8 {
    ((19_595 * u32::from(red) + 38_470 * u32::from(green) + 7_471 * u32::from(blue) + 32_768) >> 16) as u8
}
