//! Exif's eight orientations.

use crate::picture::Picture;

/// Turns and mirrors a picture so that it is shown upright: `orientation` is 1 to 8 as in Exif, all else counts as 1.
pub(crate) fn upright<const C: usize>(picture: Picture<C>, orientation: u8) -> Picture<C> {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let Some((last_x, last_y)) = width.checked_sub(1).zip(height.checked_sub(1)) else { return picture };
    // For each place of the result, where its pixel lies now.
    match orientation {
        2 => build(&picture, width, height, |x, y| (last_x - x, y)),
        3 => build(&picture, width, height, |x, y| (last_x - x, last_y - y)),
        4 => build(&picture, width, height, |x, y| (x, last_y - y)),
        5 => build(&picture, height, width, |x, y| (y, x)),
        6 => build(&picture, height, width, |x, y| (y, last_y - x)),
        7 => build(&picture, height, width, |x, y| (last_x - y, last_y - x)),
        8 => build(&picture, height, width, |x, y| (last_x - y, x)),
        _ => picture,
    }
}

fn build<const C: usize>(
    picture: &Picture<C>,
    width: usize,
    height: usize,
    from: impl Fn(usize, usize) -> (usize, usize),
) -> Picture<C> {
    let pixels = picture.pixels();
    let mut bytes = vec![0; picture.bytes.len()];
    for (place, pixel) in bytes.as_chunks_mut::<C>().0.iter_mut().enumerate() {
        let (x, y) = from(place % width, place / width);
        if let Some(source) = pixels.get(y * picture.width as usize + x) {
            *pixel = *source;
        }
    }
    Picture { width: width as u32, height: height as u32, bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The picture `1 2 3 / 4 5 6` as it lies in a file of each orientation, and thus what must come out of it.
    #[test]
    fn all_eight() {
        let stored: [(u8, u32, [u8; 6]); 8] = [
            (1, 3, [1, 2, 3, 4, 5, 6]),
            (2, 3, [3, 2, 1, 6, 5, 4]),
            (3, 3, [6, 5, 4, 3, 2, 1]),
            (4, 3, [4, 5, 6, 1, 2, 3]),
            (5, 2, [1, 4, 2, 5, 3, 6]),
            (6, 2, [3, 6, 2, 5, 1, 4]),
            (7, 2, [6, 3, 5, 2, 4, 1]),
            (8, 2, [4, 1, 5, 2, 6, 3]),
        ];
        for (orientation, width, bytes) in stored {
            let shown = upright(Picture::<1> { width, height: 6 / width, bytes: bytes.to_vec() }, orientation);
            assert_eq!((shown.width, shown.height), (3, 2), "orientation {orientation}");
            assert_eq!(shown.bytes, [1, 2, 3, 4, 5, 6], "orientation {orientation}");
        }
    }
}
