//! Makes files to test with, and takes finished ones apart.

use jpeg_encoder::{ColorType, Encoder};

/// What must be in no output.
pub const CANARY: &[u8] = b"CANARY-52.5200N-13.4050E";

/// Smooth in both directions with a little noise, so that codecs have something to do.
pub fn pixels(width: u32, height: u32, channels: usize) -> Vec<u8> {
    let mut noise = Noise(7);
    let mut bytes = Vec::with_capacity(width as usize * height as usize * channels);
    for y in 0..height {
        for x in 0..width {
            let values = [x * 255 / width, y * 255 / height, (x + y) * 255 / (width + height), 255];
            bytes.extend(values.iter().take(channels).map(|value| (*value as u8).saturating_add(noise.below(6) as u8)));
        }
    }
    bytes
}

/// Quadrants as shown: red, green / blue, white.
pub fn quadrants(width: u32, height: u32) -> Vec<u8> {
    let colour = |x, y| match (x < width / 2, y < height / 2) {
        (true, true) => [230, 20, 20],
        (false, true) => [20, 200, 20],
        (true, false) => [20, 20, 230],
        (false, false) => [250, 250, 250],
    };
    (0..height).flat_map(|y| (0..width).flat_map(move |x| colour(x, y))).collect()
}

pub fn jpeg_of(pixels: &[u8], width: u32, height: u32, kind: ColorType, progressive: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 92);
    encoder.set_progressive(progressive);
    encoder.encode(pixels, width as u16, height as u16, kind).unwrap();
    bytes
}

pub fn jpeg(width: u32, height: u32) -> Vec<u8> {
    jpeg_of(&pixels(width, height, 3), width, height, ColorType::Rgb, false)
}

pub fn png_of(pixels: &[u8], width: u32, height: u32, colour: png::ColorType, depth: png::BitDepth) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    encoder.write_header().unwrap().write_image_data(pixels).unwrap();
    bytes
}

pub fn png(width: u32, height: u32) -> Vec<u8> {
    png_of(&pixels(width, height, 3), width, height, png::ColorType::Rgb, png::BitDepth::Eight)
}

/// Lossless WebP; lossy ones come out of the crate itself.
pub fn webp_of(pixels: &[u8], width: u32, height: u32, colour: image_webp::ColorType) -> Vec<u8> {
    let mut bytes = Vec::new();
    image_webp::WebPEncoder::new(&mut bytes).encode(pixels, width, height, colour).unwrap();
    bytes
}

/// A TIFF structure with an orientation, and the canary as its GPS data and maker note.
pub fn exif(orientation: u16) -> Vec<u8> {
    let mut tiff = b"MM\0*\0\0\0\x08\0\x02".to_vec();
    tiff.extend_from_slice(&[0x01, 0x12, 0, 3, 0, 0, 0, 1]);
    tiff.extend_from_slice(&orientation.to_be_bytes());
    tiff.extend_from_slice(&[0, 0, 0x88, 0x25, 0, 4, 0, 0, 0, 1, 0, 0, 0, 38, 0, 0, 0, 0]);
    tiff.extend_from_slice(CANARY);
    tiff
}

pub fn segment(marker: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u16 + 2).to_be_bytes();
    [&[0xFF, marker, length[0], length[1]], payload].concat()
}

/// Puts segments after the start-of-image marker.
pub fn with_segments(jpeg: &[u8], segments: &[Vec<u8>]) -> Vec<u8> {
    [&jpeg[..2], &segments.concat(), &jpeg[2..]].concat()
}

pub fn with_orientation(jpeg: &[u8], orientation: u16) -> Vec<u8> {
    with_segments(jpeg, &[segment(0xE1, &[b"Exif\0\0".to_vec(), exif(orientation)].concat())])
}

/// A PNG chunk with its checksum.
pub fn chunk(name: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    let typed = [name, payload].concat();
    let step = |crc: u32| if crc & 1 == 1 { 0xEDB8_8320 ^ (crc >> 1) } else { crc >> 1 };
    let crc = !typed.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)));
    [&(payload.len() as u32).to_be_bytes()[..], &typed, &crc.to_be_bytes()].concat()
}

/// Puts chunks behind the PNG header.
pub fn with_chunks(png: &[u8], chunks: &[Vec<u8>]) -> Vec<u8> {
    [&png[..33], &chunks.concat(), &png[33..]].concat()
}

/// A PNG that claims a size and holds next to nothing.
pub fn claiming_png(width: u32, height: u32) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    [b"\x89PNG\r\n\x1A\n".to_vec(), chunk(b"IHDR", &header), chunk(b"IDAT", b"x"), chunk(b"IEND", b"")].concat()
}

/// A RIFF chunk, padded.
pub fn riff_chunk(name: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    let padding = vec![0; payload.len() % 2];
    [&name[..], &(payload.len() as u32).to_le_bytes(), payload, &padding].concat()
}

pub fn webp_file(chunks: &[Vec<u8>]) -> Vec<u8> {
    let body = chunks.concat();
    [b"RIFF", &(body.len() as u32 + 4).to_le_bytes()[..], b"WEBP", &body].concat()
}

/// The codes of all segments of a JPEG up to its first scan, and whether it ends with the end-of-image marker.
pub fn jpeg_markers(bytes: &[u8]) -> (Vec<u8>, bool) {
    let (mut codes, mut at) = (Vec::new(), 2);
    while bytes[at + 1] != 0xDA {
        assert_eq!(bytes[at], 0xFF);
        codes.push(bytes[at + 1]);
        at += 2 + usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
    }
    (codes, bytes.ends_with(&[0xFF, 0xD9]))
}

/// The names of all chunks of a WebP file, which must end with the last one.
pub fn webp_chunks(bytes: &[u8]) -> Vec<[u8; 4]> {
    let (mut names, mut at) = (Vec::new(), 12);
    while at < bytes.len() {
        names.push(*bytes[at..].first_chunk().unwrap());
        let length = u32::from_le_bytes(*bytes[at + 4..].first_chunk().unwrap()) as usize;
        at += 8 + length + length % 2;
    }
    assert_eq!(at, bytes.len());
    names
}

/// The names of all chunks of a PNG file, which must end with the last one.
pub fn png_chunks(bytes: &[u8]) -> Vec<[u8; 4]> {
    let (mut names, mut at) = (Vec::new(), 8);
    while at < bytes.len() {
        names.push(*bytes[at + 4..].first_chunk().unwrap());
        at += 12 + u32::from_be_bytes(*bytes[at..].first_chunk().unwrap()) as usize;
    }
    assert_eq!(at, bytes.len());
    names
}

/// RGB pixels of any finished file.
pub struct Decoded {
    pub width: u32,
    pub height: u32,
    pub rgb: Vec<u8>,
}

impl Decoded {
    pub fn at(&self, x: u32, y: u32) -> [u8; 3] {
        *self.rgb[(y as usize * self.width as usize + x as usize) * 3..].first_chunk().unwrap()
    }
}

pub fn decode(bytes: &[u8]) -> Decoded {
    if bytes.starts_with(b"RIFF") {
        let mut decoder = image_webp::WebPDecoder::new(std::io::Cursor::new(bytes)).unwrap();
        assert!(!decoder.has_alpha());
        let mut rgb = vec![0; decoder.output_buffer_size().unwrap()];
        decoder.read_image(&mut rgb).unwrap();
        let (width, height) = decoder.dimensions();
        return Decoded { width, height, rgb };
    }
    let mut decoder = zune_jpeg::JpegDecoder::new(zune_core::bytestream::ZCursor::new(bytes));
    let rgb = decoder.decode().unwrap();
    let info = decoder.info().unwrap();
    Decoded { width: info.width.into(), height: info.height.into(), rgb }
}

pub fn near(a: [u8; 3], b: [u8; 3], tolerance: u8) -> bool {
    a.iter().zip(b).all(|(a, b)| a.abs_diff(b) <= tolerance)
}

/// Repeatable randomness (xorshift).
pub struct Noise(pub u64);

impl Noise {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// A HEIC of one coded picture, or of a grid of tiles where it is larger than 512 pixels.
pub fn heic(rgb: &[u8], width: u32, height: u32) -> Vec<u8> {
    heic_with(rgb, width, height, None, None)
}

pub fn heic_with(rgb: &[u8], width: u32, height: u32, exif: Option<Vec<u8>>, icc_profile: Option<Vec<u8>>) -> Vec<u8> {
    let data = rgb.chunks(3).flat_map(|pixel| [pixel[0].into(), pixel[1].into(), pixel[2].into(), 255]).collect();
    let image = heifer::Image::<u16> { width, height, bit_depth: 8, has_alpha: false, data };
    let xmp = exif.as_ref().map(|_| CANARY.to_vec());
    let metadata = heifer::Metadata { exif, xmp, icc_profile };
    let options = heifer::EncodeOptions { quality: 90, max_threads: 1 };
    heifer::encode_with_metadata(&image, &metadata, &options).unwrap()
}

/// A box of ISO 14496-12.
pub fn iso_box(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [&(content.len() as u32 + 8).to_be_bytes()[..], kind, content].concat()
}

/// The content of the first box of that kind, wherever it lies.
pub fn box_content<'a>(file: &'a [u8], kind: &[u8; 4]) -> &'a [u8] {
    let at = file.windows(4).position(|name| name == kind).unwrap();
    let length = u32::from_be_bytes(*file[at - 4..].first_chunk().unwrap()) as usize;
    &file[at + 4..at - 4 + length]
}

/// Items of a HEIC written by hand: kind, data, and properties as numbers from 1.
pub type HandItem = ([u8; 4], Vec<u8>, Vec<u8>);

/// A HEIC written by hand; the first item is the primary, `tiles` are the ids that it refers to.
pub fn heic_by_hand(items: &[HandItem], properties: &[Vec<u8>], tiles: &[u16]) -> Vec<u8> {
    let count = (items.len() as u16).to_be_bytes();
    let mut entries = [&[0; 4][..], &count].concat();
    let mut associations = [&[0; 4][..], &(items.len() as u32).to_be_bytes()].concat();
    for (id, (kind, _, properties)) in (1_u16..).zip(items) {
        let entry = [&[2, 0, 0, 0][..], &id.to_be_bytes(), &[0, 0], kind, &[0]].concat();
        entries.extend(iso_box(b"infe", &entry));
        associations.extend([&id.to_be_bytes()[..], &[properties.len() as u8], properties].concat());
    }
    let reference = [
        &[0, 1][..],
        &(tiles.len() as u16).to_be_bytes(),
        &tiles.iter().flat_map(|id| id.to_be_bytes()).collect::<Vec<_>>(),
    ]
    .concat();
    let file = |first: u32| {
        let mut locations = [&[0, 0, 0, 0, 0x44, 0][..], &count].concat();
        let mut at = first;
        for (id, (_, data, _)) in (1_u16..).zip(items) {
            locations.extend(
                [&id.to_be_bytes()[..], &[0, 0, 0, 1], &at.to_be_bytes(), &(data.len() as u32).to_be_bytes()].concat(),
            );
            at += data.len() as u32;
        }
        let meta = [
            vec![0; 4],
            iso_box(b"hdlr", b"\0\0\0\0\0\0\0\0pict\0\0\0\0\0\0\0\0\0\0\0\0\0"),
            iso_box(b"pitm", &[0, 0, 0, 0, 0, 1]),
            iso_box(b"iinf", &entries),
            iso_box(b"iref", &[vec![0; 4], iso_box(b"dimg", &reference)].concat()),
            iso_box(b"iprp", &[iso_box(b"ipco", &properties.concat()), iso_box(b"ipma", &associations)].concat()),
            iso_box(b"iloc", &locations),
        ];
        [iso_box(b"ftyp", b"heic\0\0\0\0mif1heic"), iso_box(b"meta", &meta.concat())].concat()
    };
    let head = file(0).len() as u32 + 8;
    let data: Vec<u8> = items.iter().flat_map(|(_, data, _)| data.clone()).collect();
    [file(head), iso_box(b"mdat", &data)].concat()
}

/// Coded data, parameters and size of one picture.
pub fn coded(width: u32, height: u32) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let file = shutterpost_media::strip::strip(&heic(&pixels(width, height, 3), width, height)).unwrap();
    let data = box_content(&file, b"mdat").to_vec();
    let size = [&[0; 4][..], &width.to_be_bytes(), &height.to_be_bytes()].concat();
    (data, iso_box(b"hvcC", box_content(&file, b"hvcC")), iso_box(b"ispe", &size))
}

/// A grid of equal tiles, as a phone writes it.
pub fn heic_grid(tile_width: u32, tile_height: u32, columns: u8, rows: u8) -> Vec<u8> {
    let (data, decoder, size) = coded(tile_width, tile_height);
    let (width, height) = (tile_width * u32::from(columns), tile_height * u32::from(rows));
    let whole = iso_box(b"ispe", &[&[0; 4][..], &width.to_be_bytes(), &height.to_be_bytes()].concat());
    let sides = [(width as u16).to_be_bytes(), (height as u16).to_be_bytes()].concat();
    let mut items = vec![(*b"grid", [&[0, 0, rows - 1, columns - 1][..], &sides].concat(), vec![3])];
    let count = u16::from(columns) * u16::from(rows);
    items.extend((0..count).map(|_| (*b"hvc1", data.clone(), vec![0x80 | 1, 2])));
    let tiles: Vec<u16> = (2..2 + count).collect();
    heic_by_hand(&items, &[decoder, size, whole], &tiles)
}
