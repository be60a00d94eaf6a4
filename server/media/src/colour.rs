//! Embedded colour profiles to sRGB. Renditions carry no profile, so every viewer shows them as sRGB.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

use crate::decode::Pixels;
use crate::picture::Picture;

/// Converts the pixels to sRGB. A profile that cannot be read, or is not one of RGB, counts as none: showing the
/// picture a little off beats refusing it.
pub(crate) fn to_srgb<const C: usize>(picture: &mut Picture<C>, icc: Option<&[u8]>) {
    let Some(icc) = icc else { return };
    // Foreign code on hostile bytes, as in the decoders. The pixels are replaced only after it is through.
    if let Ok(Some(converted)) = catch_unwind(AssertUnwindSafe(|| convert::<C>(&picture.bytes, icc))) {
        picture.bytes = converted;
    }
}

/// CMYK as Adobe writes it (255 is no ink) to sRGB, through its profile where it has a sound one. In place: the pixels
/// of the largest pictures would not fit twice.
pub(crate) fn inks_to_srgb(mut bytes: Vec<u8>, icc: Option<&[u8]>) -> Vec<u8> {
    /// Pixels converted at once.
    const CHUNK: usize = 4096;
    let transform = icc.and_then(|icc| catch_unwind(|| inks_transform(icc)).ok().flatten());
    let pixels = bytes.len() / 4;
    let mut inks = Vec::with_capacity(CHUNK * 4);
    let mut colours = vec![0; CHUNK * 3];
    let mut at = 0;
    while at < pixels {
        let count = CHUNK.min(pixels - at);
        let stored = bytes.get(at * 4..(at + count) * 4).unwrap_or_default();
        inks.clear();
        inks.extend(stored.iter().map(|value| 255 - value));
        let Some(colours) = colours.get_mut(..count * 3) else { break };
        let converted = transform.as_ref().is_some_and(|transform| {
            catch_unwind(AssertUnwindSafe(|| transform.transform(&inks, colours).is_ok())).unwrap_or(false)
        });
        if !converted {
            for (colour, [cyan, magenta, yellow, key]) in
                colours.as_chunks_mut::<3>().0.iter_mut().zip(inks.as_chunks::<4>().0)
            {
                let light = |ink: &u8| ((u32::from(255 - ink) * u32::from(255 - key) + 127) / 255) as u8;
                *colour = [light(cyan), light(magenta), light(yellow)];
            }
        }
        if let Some(place) = bytes.get_mut(at * 3..(at + count) * 3) {
            place.copy_from_slice(colours);
        }
        at += count;
    }
    bytes.truncate(pixels * 3);
    bytes
}

fn inks_transform(icc: &[u8]) -> Option<Arc<moxcms::Transform8BitExecutor>> {
    let profile = ColorProfile::new_from_slice(icc).ok()?;
    if profile.color_space != DataColorSpace::Cmyk {
        return None;
    }
    let srgb = ColorProfile::new_srgb();
    profile.create_transform_8bit(Layout::Rgba, &srgb, Layout::Rgb, TransformOptions::default()).ok()
}

/// Grey values through a profile of greys; with any other profile they stay.
pub(crate) fn grey_to_srgb(bytes: Vec<u8>, icc: &[u8]) -> Pixels {
    let shown = catch_unwind(|| {
        let profile = ColorProfile::new_from_slice(icc).ok()?;
        if profile.color_space != DataColorSpace::Gray {
            return None;
        }
        let options = TransformOptions::default();
        let srgb = ColorProfile::new_srgb();
        let transform = profile.create_transform_8bit(Layout::Gray, &srgb, Layout::Rgb, options).ok()?;
        let all: Vec<u8> = (0..=255).collect();
        let mut shown = vec![0; 256 * 3];
        transform.transform(&all, &mut shown).ok()?;
        Some(shown)
    });
    let Ok(Some(shown)) = shown else { return Pixels::Gray(bytes) };
    let table = shown.as_chunks::<3>().0;
    Pixels::Rgb(bytes.iter().flat_map(|grey| table.get(usize::from(*grey)).copied().unwrap_or_default()).collect())
}

fn convert<const C: usize>(bytes: &[u8], icc: &[u8]) -> Option<Vec<u8>> {
    let layout = if C == 4 { Layout::Rgba } else { Layout::Rgb };
    let profile = ColorProfile::new_from_slice(icc).ok()?;
    if profile.color_space != DataColorSpace::Rgb {
        return None;
    }
    let transform =
        profile.create_transform_8bit(layout, &ColorProfile::new_srgb(), layout, TransformOptions::default()).ok()?;
    if is_identity::<C>(&*transform) {
        return None;
    }
    let mut converted = vec![0; bytes.len()];
    transform.transform(bytes, &mut converted).ok()?;
    Some(converted)
}

/// Most profiles say sRGB; a few probes are cheaper than converting the picture into itself.
fn is_identity<const C: usize>(transform: &moxcms::Transform8BitExecutor) -> bool {
    let steps = [0_u8, 32, 64, 128, 192, 255];
    let mut probes = Vec::new();
    for red in steps {
        for green in steps {
            for blue in steps {
                probes.extend([red, green, blue, 255].iter().take(C));
            }
        }
    }
    let mut shown = vec![0; probes.len()];
    transform.transform(&probes, &mut shown).is_ok()
        && probes.iter().zip(&shown).all(|(before, after)| before.abs_diff(*after) <= 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Rgb;

    #[test]
    fn display_p3_becomes_srgb() {
        let p3 = ColorProfile::new_display_p3().encode().unwrap();
        let mut picture = Rgb { width: 2, height: 1, bytes: vec![200, 100, 100, 128, 128, 128] };
        to_srgb(&mut picture, Some(&p3));
        // colour.convert("color(display-p3 .7843 .3922 .3922)", "srgb") is about 214, 94, 97.
        let [red, green, blue] = picture.pixels()[0];
        assert!(red.abs_diff(214) <= 2 && green.abs_diff(94) <= 2 && blue.abs_diff(97) <= 2, "{red} {green} {blue}");
        assert!(picture.pixels()[1].iter().all(|grey| grey.abs_diff(128) <= 1));
    }

    #[test]
    fn srgb_nonsense_and_other_spaces_change_nothing() {
        let before = vec![1, 2, 3, 250, 128, 7];
        let srgb = ColorProfile::new_srgb().encode().unwrap();
        let gray = ColorProfile::new_gray_with_gamma(2.2).encode().unwrap();
        for icc in [None, Some(&srgb[..]), Some(&gray), Some(b"nonsense"), Some(&srgb[..200]), Some(&[0; 4096])] {
            let mut picture = Rgb { width: 2, height: 1, bytes: before.clone() };
            to_srgb(&mut picture, icc);
            assert_eq!(picture.bytes, before);
        }
    }
}
