//! Fields of a posted form.

use axum::extract::{FromRequest, Multipart, RawForm, Request};
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Pii, Secret};
use url::form_urlencoded;

use crate::http::{Http, problem};

/// Fields whose values are never sent back to the page.
const SECRET: &[&str] = &["password", "current", "new", "code", "proof", "passkey_proof"];

/// The fields in the order of the form; names may repeat.
#[derive(Default)]
pub(in crate::http) struct Fields(Vec<(String, String)>);

impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fields")
    }
}

impl Fields {
    /// The first value of the field, or the empty text.
    pub(in crate::http) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
    }

    /// The first value of the field, if it is there and not empty.
    pub(in crate::http) fn given(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// Names of all fields.
    pub(in crate::http) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// All values of a repeated field.
    pub(in crate::http) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    pub(in crate::http) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(field, _)| field == name)
    }

    pub(in crate::http) fn pii(&self, name: &str) -> Pii<String> {
        Pii::new(self.text(name).trim().to_owned())
    }

    pub(in crate::http) fn secret(&self, name: &str) -> Secret {
        Secret::new(self.text(name).to_owned())
    }

    /// A ticked box.
    pub(in crate::http) fn ticked(&self, name: &str) -> bool {
        matches!(self.text(name), "on" | "true" | "1")
    }

    /// A value that must parse; else the field is wrong in the given way.
    pub(in crate::http) fn parse<T: std::str::FromStr>(&self, name: &str, code: Code) -> Result<T, AppError> {
        self.text(name).trim().parse().map_err(|_| AppError::field(name, code))
    }

    pub(in crate::http) fn language(&self, name: &str) -> Result<Language, AppError> {
        Language::from_tag(self.text(name)).ok_or_else(|| AppError::field(name, Code::BadChoice))
    }

    /// What was typed, for the page that is shown again.
    pub(super) fn without_secrets(&self) -> Vec<(String, String)> {
        self.0.iter().filter(|(name, _)| !SECRET.contains(&name.as_str())).cloned().collect()
    }

    pub(in crate::http) fn push(&mut self, name: String, value: String) {
        self.0.push((name, value));
    }

    /// Puts the value in the place of those that the field has.
    pub(in crate::http) fn set(&mut self, name: &str, value: String) {
        self.0.retain(|(field, _)| field != name);
        self.push(name.to_owned(), value);
    }
}

/// A body that is no form of ours: said in plain text, because no page could be filled in with it.
#[derive(Debug)]
pub(in crate::http) struct Refused(AppError);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let text = shutterpost_app::texts::error(self.0.code, Language::English).to_string();
        (problem::status(&self.0), text).into_response()
    }
}

/// An urlencoded form.
impl FromRequest<Http> for Fields {
    type Rejection = Refused;

    async fn from_request(request: Request, http: &Http) -> Result<Self, Self::Rejection> {
        let form = RawForm::from_request(request, http).await.map_err(|rejection| {
            Refused(AppError::new(match rejection.into_response().status().as_u16() {
                413 => Code::TooLarge,
                415 => Code::ContentType,
                _ => Code::BadRequest,
            }))
        });
        let RawForm(body) = form?;
        // What is no text would arrive as the same sign for each wrong byte, and two passwords as one.
        if percent_decode(&body).decode_utf8().is_err() {
            return Err(Refused(AppError::new(Code::BadText)));
        }
        Ok(Self(form_urlencoded::parse(&body).into_owned().collect()))
    }
}

/// A file of a multipart form.
#[derive(Debug)]
pub(in crate::http) struct File {
    /// The field that it was chosen in.
    pub field: String,
    /// As its owner calls it, if the client says so.
    pub name: Option<String>,
    /// Type as declared by the client.
    pub declared: Option<String>,
    pub bytes: Vec<u8>,
}

/// Reads a multipart form: text fields, and the files of the fields that are for files. Every part is bounded by the route's
/// body limit.
pub(in crate::http) async fn multipart(
    mut form: Multipart,
    is_file: impl Fn(&str) -> bool,
) -> Result<(Fields, Vec<File>), AppError> {
    let mut fields = Fields::default();
    let mut files = Vec::new();
    let wrong = |error: axum::extract::multipart::MultipartError| {
        AppError::new(if error.status().as_u16() == 413 { Code::TooLarge } else { Code::BadRequest })
    };
    while let Some(part) = form.next_field().await.map_err(wrong)? {
        let name = part.name().unwrap_or_default().to_owned();
        if fields.0.len() + files.len() >= 1000 {
            return Err(AppError::new(Code::BadRequest));
        }
        if is_file(&name) {
            let declared = part.content_type().map(str::to_owned);
            let own_name = part.file_name().map(str::to_owned);
            let bytes = part.bytes().await.map_err(wrong)?.to_vec();
            files.push(File { field: name, name: own_name, declared, bytes });
        } else {
            let bytes = part.bytes().await.map_err(wrong)?;
            let text = String::from_utf8(bytes.to_vec()).map_err(|_| AppError::field(name.clone(), Code::BadText))?;
            fields.push(name, text);
        }
    }
    Ok((fields, files))
}
