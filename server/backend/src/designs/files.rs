//! The files of designs: checked, sealed, stored, read back for pictures, and removed with their rows.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_media::branding::drawing::{DrawingError, is_drawing};
use shutterpost_media::branding::{self, Branding, BrandingError, Brandings, Ready, TextFault};
use shutterpost_media::inspect::{Limits, SourceFormat, inspect};
use shutterpost_media::mark::Mark;
use shutterpost_model::designs::{self, Design, FileKind, Format, Parts, Tint};
use shutterpost_model::error::Code;
use shutterpost_model::events::colour::Colour;
use shutterpost_model::id::DesignFileId;

use super::queries;
use crate::captures::queries::CHUNK;
use crate::context::World;
use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::events::logos_code;
use crate::events::rows as events_rows;
use crate::events::scope::{EventScope, Tenant};
use crate::jobs::queue::{self, JobKind};
use crate::schema::events_design_files;
use crate::services::Deps;

/// As what prepares them says.
const LIMITS: Limits = Limits { max_bytes: designs::FILE_LARGEST as u64, max_pixels: 24_000_000, max_side: 10_000 };
const SVG: &str = "image/svg+xml";

/// The bytes of the files that a design names.
pub(crate) type Files = HashMap<DesignFileId, Arc<[u8]>>;

/// Reads files of the event. Where one is gone meanwhile: [`Failure::NotFound`].
pub(crate) async fn read(deps: &Deps, scope: &EventScope, wanted: &[DesignFileId]) -> Result<Files, Failure> {
    let mut files = Files::new();
    if wanted.is_empty() {
        return Ok(files);
    }
    let rows = queries::files(&mut deps.db.read().await?, scope).await?;
    let key = deps.keystore.get(&events_rows::key(scope.organisation(), scope.event().as_str())).await?;
    for file in wanted {
        let row = rows.iter().find(|row| row.id == file.as_str()).ok_or(Failure::NotFound)?;
        if !files.contains_key(file) {
            files.insert(file.clone(), deps.storage.get(&row.object, &key).await?.into());
        }
    }
    Ok(files)
}

/// The files that what counts of the design names.
pub(crate) fn named(design: &Design) -> Vec<DesignFileId> {
    let of =
        |format: &Format| design.of(*format).files().into_iter().map(|(_, _, file)| file.clone()).collect::<Vec<_>>();
    Format::ALL.iter().flat_map(of).collect()
}

/// The design ready for pictures. Takes up to a second for each format; not for threads that answer requests.
pub(crate) fn prepare(design: &Design, files: &Files) -> Result<Mark, Failure> {
    let ready = |format: Format| -> Result<Option<Ready>, Failure> {
        let parts = design.of(format);
        if *parts == Parts::default() {
            return Ok(None);
        }
        // It was checked before it was saved.
        let ready = to_media(parts, files)?.prepare();
        Ok(Some(ready.map_err(|error| Failure::internal("a stored design cannot be prepared", error))?))
    };
    if design.same_for_all {
        return Ok(Mark::from(ready(Format::Landscape)?.as_ref().map(Brandings::same).unwrap_or_default()));
    }
    let (portrait, landscape, square) = (ready(Format::Portrait)?, ready(Format::Landscape)?, ready(Format::Square)?);
    Ok(Mark::from(Brandings { portrait, landscape, square }))
}

/// In the words of what draws it.
pub(super) fn to_media(parts: &Parts, files: &Files) -> Result<Branding, Failure> {
    let bytes = |file: &DesignFileId| files.get(file).cloned().ok_or(Failure::NotFound);
    let Parts { filter, background, frame, overlay, logo, line } = parts;
    let frame = match frame {
        None => None,
        Some(designs::Frame::Plain { colour, width }) => {
            Some(branding::Frame::Plain { colour: tint(*colour), width: *width })
        }
        Some(designs::Frame::Picture { file, slice, width }) => {
            Some(branding::Frame::Parts { picture: bytes(file)?, slice: *slice, width: *width })
        }
    };
    let overlay = match overlay {
        None => None,
        Some(designs::Overlay { file, fit }) => Some(branding::Overlay { picture: bytes(file)?, fit: to_fit(*fit) }),
    };
    let logo = match logo {
        None => None,
        Some(designs::Logo { file, place, size, margin }) => {
            Some(branding::Logo { picture: bytes(file)?, place: to_place(*place), size: *size, margin: *margin })
        }
    };
    let background = background.map(|designs::Background { colour, top, right, bottom, left }| branding::Background {
        colour: tint(colour.into()),
        top,
        right,
        bottom,
        left,
    });
    Ok(Branding { filter: to_filter(*filter), background, frame, overlay, logo, line: line.as_ref().map(to_line) })
}

/// Whether the line can be set.
pub(super) fn check_line(line: &designs::Line) -> Result<(), Code> {
    let alone = Branding { line: Some(to_line(line)), ..Branding::default() };
    alone.prepare().map(|_| ()).map_err(code)
}

/// Checks a file by preparing it, and gives its media type. Takes up to 250 MB and a second.
pub(super) fn check(kind: FileKind, bytes: &[u8]) -> Result<&'static str, Code> {
    let media_type = if is_drawing(bytes) {
        SVG
    } else {
        match (inspect(bytes, &LIMITS).map_err(logos_code)?.format, kind) {
            // It would hide the picture.
            (SourceFormat::Heic, _) | (SourceFormat::Jpeg, FileKind::Overlay) => return Err(Code::FileKind),
            (format @ (SourceFormat::Jpeg | SourceFormat::Png | SourceFormat::WebP), _) => format.media_type(),
        }
    };
    let picture: Arc<[u8]> = bytes.into();
    let alone = match kind {
        FileKind::Overlay => {
            let overlay = branding::Overlay { picture, fit: branding::Fit::Stretch };
            Branding { overlay: Some(overlay), ..Branding::default() }
        }
        FileKind::Frame => {
            Branding { frame: Some(branding::Frame::Parts { picture, slice: 250, width: 50 }), ..Branding::default() }
        }
        FileKind::Logo => {
            let logo = branding::Logo { picture, place: branding::Place::Centre, size: 200, margin: 0 };
            Branding { logo: Some(logo), ..Branding::default() }
        }
    };
    alone.prepare().map(|_| media_type).map_err(code)
}

/// What a client is told about a design that was refused.
pub(super) fn code(error: BrandingError) -> Code {
    match error {
        BrandingError::Number { .. } => Code::OutOfRange,
        BrandingError::TooLarge { .. } => Code::TooLarge,
        BrandingError::Picture { error, .. } | BrandingError::Sample(error) => logos_code(error),
        BrandingError::Drawing { error, .. } => match error {
            DrawingError::TooLarge { .. } => Code::TooLarge,
            DrawingError::Malformed(_) | DrawingError::GaveUp => Code::FileDamaged,
            DrawingError::Script => Code::DrawingScript,
            DrawingError::External => Code::DrawingExternal,
            DrawingError::Entities | DrawingError::Unsupported(_) | DrawingError::Loop | DrawingError::Size => {
                Code::DrawingUnsupported
            }
            DrawingError::TooComplex(_) => Code::DrawingComplex,
        },
        BrandingError::Text(TextFault::Empty) => Code::Required,
        BrandingError::Text(TextFault::TooLong { .. }) => Code::TooLong,
        BrandingError::Text(TextFault::NoLetter { .. }) => Code::NoLetter,
    }
}

fn tint(tint: Tint) -> branding::Colour {
    let Tint { colour: Colour(red, green, blue), alpha } = tint;
    branding::Colour { red, green, blue, alpha }
}

fn to_line(line: &designs::Line) -> branding::Line {
    let designs::Line { text, colour, backing, weight, place, size, margin } = line;
    branding::Line {
        text: text.clone(),
        colour: tint(*colour),
        backing: backing.map(tint),
        weight: match weight {
            designs::Weight::Regular => branding::Weight::Regular,
            designs::Weight::Bold => branding::Weight::Bold,
        },
        place: to_place(*place),
        size: *size,
        margin: *margin,
    }
}

const fn to_filter(filter: designs::Filter) -> branding::Filter {
    use branding::Filter as Of;
    match filter {
        designs::Filter::None => Of::None,
        designs::Filter::BlackAndWhite => Of::BlackAndWhite,
        designs::Filter::Warm => Of::Warm,
        designs::Filter::Cool => Of::Cool,
        designs::Filter::Faded => Of::Faded,
        designs::Filter::Vivid => Of::Vivid,
    }
}

const fn to_fit(fit: designs::Fit) -> branding::Fit {
    match fit {
        designs::Fit::Stretch => branding::Fit::Stretch,
        designs::Fit::Cover => branding::Fit::Cover,
        designs::Fit::Contain => branding::Fit::Contain,
    }
}

const fn to_place(place: designs::Place) -> branding::Place {
    use branding::Place as Of;
    match place {
        designs::Place::TopLeft => Of::TopLeft,
        designs::Place::Top => Of::Top,
        designs::Place::TopRight => Of::TopRight,
        designs::Place::Left => Of::Left,
        designs::Place::Centre => Of::Centre,
        designs::Place::Right => Of::Right,
        designs::Place::BottomLeft => Of::BottomLeft,
        designs::Place::Bottom => Of::Bottom,
        designs::Place::BottomRight => Of::BottomRight,
    }
}

/// The format of a picture of this size.
pub(super) fn format_of(width: i32, height: i32) -> Format {
    let side = |pixels: i32| u32::try_from(pixels).unwrap_or(1);
    match branding::Format::of(side(width), side(height)) {
        branding::Format::Portrait => Format::Portrait,
        branding::Format::Landscape => Format::Landscape,
        branding::Format::Square => Format::Square,
    }
}

pub(super) const fn to_format(format: Format) -> branding::Format {
    match format {
        Format::Portrait => branding::Format::Portrait,
        Format::Landscape => branding::Format::Landscape,
        Format::Square => branding::Format::Square,
    }
}

/// Which of the objects a file of any organisation's design names. Only names leave this function.
pub(crate) async fn in_use(conn: &mut Conn, names: &[String]) -> Result<HashSet<String>, Failure> {
    let mut used = HashSet::new();
    for chunk in names.chunks(CHUNK) {
        let chunk: Vec<&str> = chunk.iter().map(String::as_str).collect();
        used.extend(on_db!(conn, c => events_design_files::table
            .filter(events_design_files::object.eq_any(chunk.iter().copied()))
            .select(events_design_files::object)
            .load::<String>(c).await)?);
    }
    Ok(used)
}

/// Enqueues the deletion of what the event's files name; the rows go with the event. Gives the objects.
pub(crate) async fn erase_of_event(tx: &mut Tx, world: &World, scope: &EventScope) -> Result<Vec<String>, Failure> {
    let mut objects = Vec::new();
    for row in queries::files(tx, scope).await? {
        queue::enqueue(tx, world, JobKind::DeleteObject, &row.object, world.now()).await?;
        objects.push(row.object);
    }
    Ok(objects)
}
