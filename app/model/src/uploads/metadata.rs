//! `Upload-Metadata`: what a client says about the file, as `key base64` pairs.

use data_encoding::BASE64;

use crate::error::{AppError, Code};
use crate::guests::{GuestInput, NewGuest};
use crate::id::EventId;
use crate::pii::Pii;
use crate::time::Millis;

/// More is no description of a file.
const MOST_BYTES: usize = 32 * 1024;
const FIELD: &str = "upload-metadata";

/// What we understand of it. Other keys, which some clients send by themselves, mean nothing here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// `event`; a device may leave it out, since it has one.
    pub event: Option<EventId>,
    /// `guest`: JSON, as over REST.
    pub guest: Option<NewGuest>,
    /// `filetype`: a media type.
    pub declared: Option<String>,
    /// `idempotencykey`: two uploads with the same one are the same file.
    pub key: Option<String>,
    /// `capturedat`: unix milliseconds.
    pub captured_at: Option<Millis>,
    /// As it came, to be told again.
    pub raw: Option<Pii<String>>,
}

impl Metadata {
    /// Reads the header.
    pub fn read(header: &str) -> Result<Self, AppError> {
        if header.len() > MOST_BYTES {
            return Err(AppError::field(FIELD, Code::TooLong));
        }
        let mut metadata = Self { raw: Some(Pii::new(header.to_owned())), ..Self::default() };
        let mut seen: Vec<&str> = Vec::new();
        for pair in header.split(',') {
            let pair = pair.trim_matches(' ');
            let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
            let key_fits = !key.is_empty() && key.bytes().all(|b| b.is_ascii_graphic());
            if !key_fits || seen.contains(&key) {
                return Err(AppError::field(FIELD, Code::BadRequest));
            }
            seen.push(key);
            let value = BASE64.decode(value.as_bytes()).map_err(|_| AppError::field(FIELD, Code::BadRequest))?;
            metadata.set(key, value)?;
        }
        Ok(metadata)
    }

    fn set(&mut self, key: &str, value: Vec<u8>) -> Result<(), AppError> {
        let known = matches!(key, "event" | "guest" | "filetype" | "idempotencykey" | "capturedat");
        if !known {
            return Ok(());
        }
        let text = String::from_utf8(value).map_err(|_| AppError::field(key, Code::BadText))?;
        if text.is_empty() {
            return Ok(());
        }
        match key {
            "event" => self.event = Some(text.parse().map_err(|_| AppError::new(Code::NotFound))?),
            "guest" => self.guest = Some(GuestInput::read(&text)?),
            "filetype" => self.declared = Some(text),
            "idempotencykey" => {
                let fits = text.len() <= 255 && text.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
                self.key = if fits { Some(text) } else { return Err(AppError::field(key, Code::BadText)) };
            }
            _ => {
                let at = text.parse().map_err(|_| AppError::field(key, Code::OutOfRange))?;
                self.captured_at = Some(Millis(at));
            }
        }
        Ok(())
    }
}
