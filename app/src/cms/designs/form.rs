//! A design as the fields of its form, and back. Fields are called as the parts of the design are, so that what is wrong
//! with a part stands under its field: `landscape.logo.size`.
//!
//! Sizes are entered in hundredths of the picture's shorter side, with one digit after the point.

use std::str::FromStr;

use shutterpost_model::designs::{
    Background, Design, FileKind, Filter, Fit, Format, Frame, Line, Logo, Overlay, Parts, Place, Tint, Weight,
};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::events::colour::Colour;
use shutterpost_model::id::DesignFileId;
use shutterpost_model::validate::Check;

/// The intents of the buttons that send the whole form.
pub const INTENTS: &[&str] = &["save", "preview", "event_logo"];

/// The value of a field; the empty text if it was not sent.
fn text<'a>(values: &'a [(String, String)], name: &str) -> &'a str {
    values.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value.trim())
}

/// The format whose sheet is open, and which the sample has.
pub fn open_format(values: &[(String, String)]) -> Format {
    Format::from_name(text(values, "format")).unwrap_or(Format::Landscape)
}

/// The sheet that the parts are entered in: that of the open format, or the one for all.
pub fn open_sheet(values: &[(String, String)]) -> Format {
    if text(values, "same_for_all").is_empty() { open_format(values) } else { Format::Landscape }
}

/// The field that a file is uploaded by.
pub fn upload_field(format: Format, kind: FileKind) -> String {
    format!("{}.{}.upload", format.as_str(), kind.as_str())
}

/// What a file is for, by the field that it came in.
pub fn upload_of(field: &str) -> Option<(Format, FileKind)> {
    let (format, rest) = field.split_once('.')?;
    let kind = rest.strip_suffix(".upload")?;
    Some((Format::from_name(format)?, FileKind::from_name(kind)?))
}

/// The fields that choose a file for its part.
pub fn choosing(format: Format, kind: FileKind, file: &DesignFileId) -> Vec<(String, String)> {
    let part = format!("{}.{}", format.as_str(), kind.as_str());
    let mut fields = vec![(format!("{part}.file"), file.to_string())];
    if kind == FileKind::Frame {
        fields.push((part, "picture".into()));
    }
    fields
}

/// Thousandths in hundredths: `25` is `2.5`.
pub fn hundredths(thousandths: u16) -> String {
    let (whole, tenth) = (thousandths / 10, thousandths % 10);
    if tenth == 0 { whole.to_string() } else { format!("{whole}.{tenth}") }
}

/// Reads [`hundredths`]; a comma is a point.
fn thousandths(text: &str) -> Result<u16, Code> {
    let text = text.replace(',', ".");
    let (whole, tenth) = text.split_once('.').unwrap_or((&text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(tenth) {
        return Err(Code::OutOfRange);
    }
    let whole: u16 = whole.parse().map_err(|_| Code::OutOfRange)?;
    let tenth: u16 = tenth.get(..1).and_then(|digit| digit.parse().ok()).ok_or(Code::OutOfRange)?;
    whole.checked_mul(10).and_then(|value| value.checked_add(tenth)).ok_or(Code::OutOfRange)
}

/// How much of what lies below is hidden, of a hundred.
fn opacity(tint: Tint) -> u16 {
    (u16::from(tint.alpha) * 100 + 127) / 255
}

/// A design from the fields of the form.
///
/// # Errors
/// [`Code::Invalid`] with the fields that cannot be read. What can be read is not checked: see [`Design::check`].
pub fn read(values: &[(String, String)]) -> Result<Design, AppError> {
    let mut check = Check::default();
    let mut design = Design { same_for_all: !text(values, "same_for_all").is_empty(), ..Design::default() };
    for format in Format::ALL {
        let mut reader = Reader { values, format: format.as_str(), check: &mut check };
        *design.own_mut(*format) = reader.parts();
    }
    check.finish()?;
    Ok(design)
}

struct Reader<'a> {
    values: &'a [(String, String)],
    format: &'static str,
    check: &'a mut Check,
}

impl<'a> Reader<'a> {
    fn text(&self, field: &str) -> &'a str {
        text(self.values, &format!("{}.{field}", self.format))
    }

    fn note<T>(&mut self, field: &str, result: Result<T, Code>) -> Option<T> {
        self.check.value(format!("{}.{field}", self.format), result)
    }

    fn size(&mut self, field: &str) -> Option<u16> {
        let size = thousandths(self.text(field));
        self.note(field, size)
    }

    fn colour(&mut self, field: &str) -> Option<Colour> {
        let colour = self.text(field).parse();
        self.note(field, colour)
    }

    /// A colour and, in the field beside it, its opacity.
    fn tint(&mut self, field: &str) -> Option<Tint> {
        let opacity_field = format!("{field}.opacity");
        let colour = self.colour(field);
        let percent = self.text(&opacity_field).parse::<u16>().ok().filter(|percent| *percent <= 100);
        let percent = self.note(&opacity_field, percent.ok_or(Code::OutOfRange));
        let alpha = u8::try_from((percent? * 255 + 50) / 100).unwrap_or(u8::MAX);
        Some(Tint { colour: colour?, alpha })
    }

    /// One of the offered values.
    fn choice<T>(&mut self, field: &str, from_name: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let chosen = from_name(self.text(field)).ok_or(Code::BadChoice);
        self.note(field, chosen)
    }

    /// The id of a file; `None` where no file is chosen.
    fn file(&mut self, field: &str) -> Option<DesignFileId> {
        let chosen = Some(self.text(field)).filter(|id| !id.is_empty())?;
        let id = DesignFileId::from_str(chosen).map_err(|_| Code::BadChoice);
        self.note(field, id)
    }

    fn parts(&mut self) -> Parts {
        let filter =
            if self.text("filter").is_empty() { Some(Filter::None) } else { self.choice("filter", Filter::from_name) };
        Parts {
            filter: filter.unwrap_or(Filter::None),
            background: self.background(),
            frame: self.frame(),
            overlay: self.overlay(),
            logo: self.logo(),
            line: self.line(),
        }
    }

    // Every field is read before the first that is wrong ends it, so that all that is wrong is said at once.

    fn background(&mut self) -> Option<Background> {
        if self.text("background").is_empty() {
            return None;
        }
        let colour = self.colour("background.colour");
        let [top, right, bottom, left] =
            ["top", "right", "bottom", "left"].map(|side| self.size(&format!("background.{side}")));
        Some(Background { colour: colour?, top: top?, right: right?, bottom: bottom?, left: left? })
    }

    fn frame(&mut self) -> Option<Frame> {
        match self.text("frame") {
            "plain" => {
                let (colour, width) = (self.tint("frame.colour"), self.size("frame.width"));
                Some(Frame::Plain { colour: colour?, width: width? })
            }
            "picture" => {
                let file = self.file("frame.file");
                if self.text("frame.file").is_empty() {
                    self.note::<()>("frame.file", Err(Code::Required));
                }
                let (slice, width) = (self.size("frame.slice"), self.size("frame.width"));
                Some(Frame::Picture { file: file?, slice: slice?, width: width? })
            }
            _ => None,
        }
    }

    fn overlay(&mut self) -> Option<Overlay> {
        let file = self.file("overlay.file")?;
        Some(Overlay { file, fit: self.choice("overlay.fit", Fit::from_name)? })
    }

    fn logo(&mut self) -> Option<Logo> {
        let file = self.file("logo.file")?;
        let place = self.choice("logo.place", Place::from_name);
        let (size, margin) = (self.size("logo.size"), self.size("logo.margin"));
        Some(Logo { file, place: place?, size: size?, margin: margin? })
    }

    fn line(&mut self) -> Option<Line> {
        let text = Some(self.text("line.text")).filter(|text| !text.is_empty())?.to_owned();
        let colour = self.tint("line.colour");
        let backing =
            if self.text("line.backing").is_empty() { Some(None) } else { self.tint("line.ground").map(Some) };
        let weight = self.choice("line.weight", Weight::from_name);
        let place = self.choice("line.place", Place::from_name);
        let (size, margin) = (self.size("line.size"), self.size("line.margin"));
        Some(Line {
            text,
            colour: colour?,
            backing: backing?,
            weight: weight?,
            place: place?,
            size: size?,
            margin: margin?,
        })
    }
}

/// The fields of a design. What a part that is not there would have is left out.
pub fn write(design: &Design) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    if design.same_for_all {
        fields.push(("same_for_all".to_owned(), "on".to_owned()));
    }
    for format in Format::ALL {
        let Parts { filter, background, frame, overlay, logo, line } = design.own(*format);
        let mut put = |field: &str, value: String| fields.push((format!("{}.{field}", format.as_str()), value));
        put("filter", filter.as_str().to_owned());
        if let Some(Background { colour, top, right, bottom, left }) = background {
            put("background", "on".into());
            put("background.colour", colour.to_string());
            for (side, size) in [("top", top), ("right", right), ("bottom", bottom), ("left", left)] {
                put(&format!("background.{side}"), hundredths(*size));
            }
        }
        match frame {
            None => {}
            Some(Frame::Plain { colour, width }) => {
                put("frame", "plain".into());
                put("frame.colour", colour.colour.to_string());
                put("frame.colour.opacity", opacity(*colour).to_string());
                put("frame.width", hundredths(*width));
            }
            Some(Frame::Picture { file, slice, width }) => {
                put("frame", "picture".into());
                put("frame.file", file.to_string());
                put("frame.slice", hundredths(*slice));
                put("frame.width", hundredths(*width));
            }
        }
        if let Some(Overlay { file, fit }) = overlay {
            put("overlay.file", file.to_string());
            put("overlay.fit", fit.as_str().to_owned());
        }
        if let Some(Logo { file, place, size, margin }) = logo {
            put("logo.file", file.to_string());
            put("logo.place", place.as_str().to_owned());
            put("logo.size", hundredths(*size));
            put("logo.margin", hundredths(*margin));
        }
        if let Some(Line { text, colour, backing, weight, place, size, margin }) = line {
            put("line.text", text.clone());
            put("line.colour", colour.colour.to_string());
            put("line.colour.opacity", opacity(*colour).to_string());
            if let Some(backing) = backing {
                put("line.backing", "on".into());
                put("line.ground", backing.colour.to_string());
                put("line.ground.opacity", opacity(*backing).to_string());
            }
            put("line.weight", weight.as_str().to_owned());
            put("line.place", place.as_str().to_owned());
            put("line.size", hundredths(*size));
            put("line.margin", hundredths(*margin));
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(number: u8) -> DesignFileId {
        DesignFileId::new(1, [number; 10])
    }

    fn full() -> Parts {
        let tint = |percent: u16| Tint {
            colour: Colour(1, 2, 3),
            alpha: u8::try_from((percent * 255 + 50) / 100).expect("at most 255"),
        };
        Parts {
            filter: Filter::Warm,
            background: Some(Background { colour: Colour::WHITE, top: 1, right: 20, bottom: 300, left: 0 }),
            frame: Some(Frame::Picture { file: file(1), slice: 333, width: 45 }),
            overlay: Some(Overlay { file: file(2), fit: Fit::Contain }),
            logo: Some(Logo { file: file(3), place: Place::TopRight, size: 255, margin: 40 }),
            line: Some(Line {
                text: "Sommer & Licht".into(),
                colour: tint(100),
                backing: Some(tint(35)),
                weight: Weight::Bold,
                place: Place::Bottom,
                size: 60,
                margin: 25,
            }),
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let frame = Some(Frame::Plain { colour: Colour::BLACK.into(), width: 7 });
        let design = Design {
            same_for_all: false,
            portrait: full(),
            landscape: Parts::default(),
            square: Parts { frame, ..Parts::default() },
        };
        assert_eq!(read(&write(&design)).expect("reads"), design);
        let plain = Design::default();
        assert_eq!(read(&write(&plain)).expect("reads"), plain);
    }

    #[test]
    fn every_opacity_that_can_be_entered_is_shown_again() {
        for percent in 0..=100_u16 {
            let alpha = u8::try_from((percent * 255 + 50) / 100).expect("at most 255");
            assert_eq!(opacity(Tint { colour: Colour::WHITE, alpha }), percent);
        }
    }

    #[test]
    fn sizes_have_one_digit_after_the_point() {
        for (text, value) in [("2.5", 25), ("2,5", 25), ("30", 300), ("0", 0), ("0.1", 1), ("2.59", 25)] {
            assert_eq!(thousandths(text), Ok(value), "{text}");
        }
        for text in ["", ".", "-1", "1e2", "a", "1.x", "99999", "6553.9"] {
            assert_eq!(thousandths(text), Err(Code::OutOfRange), "{text}");
        }
        assert_eq!((hundredths(25), hundredths(300)), ("2.5".into(), "30".into()));
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let mut values = write(&Design { landscape: full(), ..Design::default() });
        for (name, value) in &mut values {
            match name.as_str() {
                "landscape.line.colour" => *value = "red".into(),
                "landscape.line.size" | "landscape.background.left" => value.clear(),
                "landscape.logo.place" => *value = "middle".into(),
                "landscape.frame.file" => value.clear(),
                _ => {}
            }
        }
        let error = read(&values).expect_err("five problems");
        for (field, code) in [
            ("landscape.line.colour", Code::BadColour),
            ("landscape.line.size", Code::OutOfRange),
            ("landscape.background.left", Code::OutOfRange),
            ("landscape.logo.place", Code::BadChoice),
            ("landscape.frame.file", Code::Required),
        ] {
            assert_eq!(error.of(field), Some(code), "{field}");
        }
        assert_eq!(error.fields.len(), 5);
    }

    #[test]
    fn a_file_is_chosen_where_it_was_uploaded() {
        let field = upload_field(Format::Square, FileKind::Frame);
        assert_eq!(upload_of(&field), Some((Format::Square, FileKind::Frame)));
        assert_eq!(upload_of("square.frame"), None);
        let chosen = choosing(Format::Square, FileKind::Frame, &file(9));
        assert_eq!(chosen.first(), Some(&("square.frame.file".to_owned(), file(9).to_string())));
        assert_eq!(chosen.get(1), Some(&("square.frame".to_owned(), "picture".to_owned())));
        let same = [("same_for_all".to_owned(), "on".to_owned()), ("format".to_owned(), "square".to_owned())];
        assert_eq!((open_format(&same), open_sheet(&same)), (Format::Square, Format::Landscape));
    }
}
