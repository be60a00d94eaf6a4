//! WebP by libwebp: the only unsafe code of this crate. It sees pixels of ours, never a stranger's bytes.
#![expect(unsafe_code, reason = "libwebp has a C interface; there is no lossy WebP encoder in Rust that matches it")]

use libwebp_sys::{
    WebPConfig, WebPEncode, WebPMemoryWrite, WebPMemoryWriter, WebPMemoryWriterClear, WebPMemoryWriterInit,
    WebPPicture, WebPPictureFree, WebPPictureImportRGB, WebPPreset, WebPValidateConfig,
};

use crate::error::MediaError;
use crate::picture::Rgb;

/// 0 to 100; where sharp's default (75, method 4) is met at its bytes.
const QUALITY: f32 = 73.0;
/// 0 (fast) to 6 (small); 2 takes half the time of the usual 4 for a few per cent more bytes.
const METHOD: i32 = 2;

/// Frees what libwebp allocated, on every way out.
struct Owned {
    picture: WebPPicture,
    writer: WebPMemoryWriter,
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: both were initialised by libwebp, and freeing twice or with nothing allocated is allowed.
        unsafe {
            WebPPictureFree(&mut self.picture);
            WebPMemoryWriterClear(&mut self.writer);
        }
    }
}

pub(crate) fn webp(picture: &Rgb) -> Result<Vec<u8>, MediaError> {
    const FAILED: MediaError = MediaError::Encode("WebP");
    let width = i32::try_from(picture.width).map_err(|_| FAILED)?;
    let height = i32::try_from(picture.height).map_err(|_| FAILED)?;
    // libwebp reads width * height * 3 bytes from the pointer it is given.
    if width > 16_383 || height > 16_383 || picture.bytes.len() != picture.width as usize * picture.height as usize * 3
    {
        return Err(FAILED);
    }
    let mut config = WebPConfig::new_with_preset(WebPPreset::WEBP_PRESET_PHOTO, QUALITY).map_err(|()| FAILED)?;
    config.method = METHOD;
    let empty = WebPMemoryWriter { mem: std::ptr::null_mut(), size: 0, max_size: 0, pad: [0] };
    let mut owned = Owned { picture: WebPPicture::new().map_err(|()| FAILED)?, writer: empty };
    owned.picture.width = width;
    owned.picture.height = height;
    owned.picture.use_argb = 0;
    owned.picture.writer = Some(WebPMemoryWrite);

    // SAFETY: `picture` and `config` were initialised by libwebp. The pixel buffer has the size that width, height and
    // stride say (checked above) and is only read. The writer outlives the encoding, stays where it is (`owned` is not
    // moved until the end) and is touched by libwebp alone until `WebPEncode` returns; then its memory holds `size`
    // bytes, which are copied before it is freed.
    let encoded = unsafe {
        WebPMemoryWriterInit(&mut owned.writer);
        owned.picture.custom_ptr = (&raw mut owned.writer).cast();
        let encoded = WebPValidateConfig(&config) == 1
            && WebPPictureImportRGB(&mut owned.picture, picture.bytes.as_ptr(), width * 3) == 1
            && WebPEncode(&config, &mut owned.picture) == 1
            && !owned.writer.mem.is_null();
        encoded.then(|| std::slice::from_raw_parts(owned.writer.mem, owned.writer.size).to_vec())
    };
    encoded.ok_or(FAILED)
}
