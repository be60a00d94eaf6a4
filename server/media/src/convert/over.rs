//! A mark for the pictures of a film: drawn once, and laid on each of them by ffmpeg. What it does to colours and to the
//! size of the picture are filters of ffmpeg; the rest is one layer with transparency, in the colours of the film, so that
//! a picture keeps every value that nothing lies on.

use crate::mark::{Mark, Placed};
use crate::picture::{Area, Rgb};

/// Of red, green and blue in luma, and what scales the differences to blue and to red (Rec. 709).
const LUMA: [f32; 3] = [0.2126, 0.7152, 0.0722];
const TO_BLUE: f32 = 1.8556;
const TO_RED: f32 = 1.5748;

/// A mark for films of one size.
pub(super) struct Over {
    filter: Option<String>,
    room: Option<Area>,
    size: (u32, u32),
    /// What lies over the film, as [`Over::PIXELS`] in limited range: luma, both colours, alpha.
    pub(super) pixels: Vec<u8>,
}

impl Over {
    /// What ffmpeg calls pixels with a colour for two by two of them, and alpha for each.
    pub(super) const PIXELS: &str = "yuva420p";

    /// Both sides must be even.
    pub(super) fn new(mark: &Mark, size: (u32, u32)) -> Over {
        let placed = mark.placed(size.0, size.1);
        let pixels = planes(&laid(&placed, size), size.0 as usize);
        Over { filter: placed.filter().mixer(), room: placed.room(), size, pixels }
    }

    /// All filters from the film and the layer to `[marked]`. `scale` makes the film's pictures `yuv420p` of the size.
    pub(super) fn graph(&self, scale: &str) -> String {
        let mut film = scale.to_owned();
        if let Some(filter) = &self.filter {
            film = format!(
                "{film},scale=in_color_matrix=bt709:in_range=tv,format=rgba,{filter},\
                 scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"
            );
        }
        if let Some(room) = self.room {
            let ((left, width), (top, height)) = (whole(room.left, room.width), whole(room.top, room.height));
            let (all_width, all_height) = self.size;
            film = format!("{film},scale={width}:{height},setsar=1,pad={all_width}:{all_height}:{left}:{top}");
        }
        // The layer is there before whichever picture is the first.
        format!(
            "[0:v:0]{film}[film];[1:v:0]setpts=PTS-1000/TB[layer];\
             [film][layer]overlay=0:0:format=yuv420:eof_action=repeat[marked]"
        )
    }
}

/// Colours are stored for two by two pixels: up to a pixel more on either side, which the background hides.
fn whole(begin: u32, length: u32) -> (u32, u32) {
    let end = (begin + length).next_multiple_of(2);
    let begin = begin & !1;
    (begin, (end - begin).max(2))
}

/// What lies over any picture of the size, premultiplied: black shows its colours, and white what can be seen through it.
fn laid(placed: &Placed, (width, height): (u32, u32)) -> Vec<[u8; 4]> {
    let on = |value: u8| {
        let mut picture = Rgb { width, height, bytes: vec![value; width as usize * height as usize * 3] };
        placed.lay_over(&mut picture);
        picture
    };
    let (black, white) = (on(0), on(255));
    let pixels = black.pixels().iter().zip(white.pixels());
    pixels.map(|([red, green, blue], [_, seen, _])| [*red, *green, *blue, 255 - seen.saturating_sub(*green)]).collect()
}

/// Premultiplied pixels as planes. The colour of two by two pixels is the mean of what can be seen of them.
fn planes(pixels: &[[u8; 4]], width: usize) -> Vec<u8> {
    let quarter = pixels.len() / 4;
    let mut bytes = Vec::with_capacity(pixels.len() * 2 + quarter * 2);
    bytes.extend(pixels.iter().map(|pixel| {
        let [luma, ..] = colour(pixel.map(u32::from));
        luma
    }));
    let mut reds = Vec::with_capacity(quarter);
    for rows in pixels.chunks_exact((2 * width).max(1)) {
        let (upper, lower) = rows.split_at(width);
        for (upper, lower) in upper.chunks_exact(2).zip(lower.chunks_exact(2)) {
            let sum = upper.iter().chain(lower).fold([0; 4], |sum: [u32; 4], pixel| {
                let [red, green, blue, alpha] = sum;
                let [more_red, more_green, more_blue, more_alpha] = pixel.map(u32::from);
                [red + more_red, green + more_green, blue + more_blue, alpha + more_alpha]
            });
            let [_, blue, red] = colour(sum);
            bytes.push(blue);
            reds.push(red);
        }
    }
    bytes.extend(reds);
    bytes.extend(pixels.iter().map(|[_, _, _, alpha]| *alpha));
    bytes
}

/// One premultiplied pixel, or a sum of some, as luma and the differences to blue and red. Black where nothing is.
fn colour([red, green, blue, alpha]: [u32; 4]) -> [u8; 3] {
    if alpha == 0 {
        return [16, 128, 128];
    }
    let straight = |part: u32| (part as f32 / alpha as f32).min(1.0);
    let (red, green, blue) = (straight(red), straight(green), straight(blue));
    let [of_red, of_green, of_blue] = LUMA;
    let luma = of_red * red + of_green * green + of_blue * blue;
    let byte = |zero: f32, range: f32, value: f32| (zero + range * value).round().clamp(0.0, 255.0) as u8;
    [byte(16.0, 219.0, luma), byte(128.0, 224.0, (blue - luma) / TO_BLUE), byte(128.0, 224.0, (red - luma) / TO_RED)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::branding::{Background, Branding, Brandings, Colour, Filter, Frame};

    const GREEN: Colour = Colour { red: 0, green: 255, blue: 0, alpha: 255 };

    fn over(branding: &Branding, size: (u32, u32)) -> Over {
        Over::new(&Mark::from(Brandings::same(&branding.prepare().expect("is sound"))), size)
    }

    #[test]
    fn known_colours_are_those_of_television() {
        for (rgb, expected) in [
            ([0, 0, 0], [16, 128, 128]),
            ([255, 255, 255], [235, 128, 128]),
            ([255, 0, 0], [63, 102, 240]),
            ([0, 255, 0], [173, 42, 26]),
            ([0, 0, 255], [32, 240, 118]),
        ] {
            let [red, green, blue] = rgb;
            assert_eq!(colour([red, green, blue, 255]), expected, "{rgb:?}");
            // Half of it through a half: the same colour.
            assert_eq!(colour([red * 128 / 255, green * 128 / 255, blue * 128 / 255, 128]), expected, "{rgb:?}");
        }
    }

    #[test]
    fn a_colour_beside_nothing_stays_what_it_is() {
        let (red, none) = ([255, 0, 0, 255], [0; 4]);
        let planes = planes(&[red, none, none, none, none, none, none, none], 4);
        assert_eq!(planes, [63, 16, 16, 16, 16, 16, 16, 16, 102, 128, 240, 128, 255, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn nothing_lies_where_no_part_of_the_design_is() {
        let frame = Some(Frame::Plain { colour: Colour { alpha: 128, ..GREEN }, width: 100 });
        let over = over(&Branding { frame, ..Branding::default() }, (40, 20));
        let alpha = &over.pixels[40 * 20 * 3 / 2..];
        assert_eq!(alpha.len(), 800);
        for (place, alpha) in alpha.iter().enumerate() {
            let (column, row) = (place % 40, place / 40);
            let is_edge = !(2..38).contains(&column) || !(2..18).contains(&row);
            assert_eq!(*alpha, if is_edge { 128 } else { 0 }, "{column} {row}");
        }
        let graph = over.graph("scale=40:20");
        assert!(graph.starts_with("[0:v:0]scale=40:20[film];"), "{graph}");
    }

    #[test]
    fn filter_and_background_are_filters_of_the_film() {
        let background = Some(Background { colour: GREEN, top: 50, right: 50, bottom: 250, left: 50 });
        let over = over(&Branding { filter: Filter::BlackAndWhite, background, ..Branding::default() }, (400, 300));
        let graph = over.graph("scale=400:300");
        assert!(graph.contains("format=rgba,colorchannelmixer=rr=0.2232"), "{graph}");
        assert!(graph.contains("ra=-0.025"), "{graph}");
        assert!(graph.contains(",pad=400:300:"), "{graph}");
        let room = over.room.expect("is smaller");
        let alpha = &over.pixels[400 * 300 * 3 / 2..];
        for (place, alpha) in (0_u32..).zip(alpha) {
            let inside = (room.left..room.left + room.width).contains(&(place % 400))
                && (room.top..room.top + room.height).contains(&(place / 400));
            assert_eq!(*alpha, if inside { 0 } else { 255 }, "{place}");
        }
    }

    #[test]
    fn a_room_grows_to_whole_colours() {
        assert_eq!(whole(4, 10), (4, 10));
        assert_eq!(whole(5, 10), (4, 12));
        assert_eq!(whole(5, 9), (4, 10));
        assert_eq!(whole(0, 1), (0, 2));
    }
}
