//! Bytes in, renditions out. No database, no HTTP, no clock; every function is a pure one of its arguments and blocks
//! until it is done, so callers run it on threads of its own.
//!
//! Every file is read twice. [`inspect()`] walks the container only: magic bytes, one picture, sane dimensions, lengths
//! inside the file. It allocates next to nothing and is the gate before anything else. The decoders then see the
//! *stripped* file, that is, the chunks the walk let through and nothing else.
//!
//! - [`inspect`][mod@inspect]: what a file claims to be, and whether that is acceptable.
//! - [`strip`][mod@strip]: the same picture without metadata, bit for bit.
//! - [`derive`][mod@derive]: the renditions, at once or in two stages, and the placeholder.
//! - [`placeholder`][]: a blurred idea of a picture in a few bytes.
//! - [`pixels`][mod@pixels]: what the decoders see of a photo, for measurements.
//! - [`kind`][mod@kind]: still, animation or film.
//! - [`animation`], [`burst`]: GIF, WebP and APNG that move, and photos made into one.
//! - [`video`]: films walked and cleaned, without ffmpeg and without holding them in memory.
//! - [`convert`], [`sandbox`]: what does need ffmpeg, in a cage or not at all.
//! - [`mark`][]: what is put on pictures, and the logo for pages.
//! - [`branding`]: filter, background, frame, overlay, logo and text by the picture's format; SVG to pixels; previews.
//! - [`rendition`][]: names, encodings and sizes of what comes out.
//! - [`zip`][mod@zip]: archives of stored files that can be read from anywhere.

pub mod derive;
pub mod inspect;
pub mod pixels;
pub mod mark;
pub mod branding;
pub mod placeholder;
pub mod rendition;
pub mod strip;
pub mod kind;
pub mod animation;
pub mod burst;
pub mod video;
pub mod convert;
pub mod sandbox;
pub mod zip;

pub mod error;

mod colour;
mod container;
mod decode;
mod encode;
mod orient;
mod picture;
mod resize;
