//! What a booth and a guest's phone ask a running server, for recipes that need photos in it.

use std::time::Duration;

use serde_json::Value;

use crate::{
    failure::{Failure, While as _},
    http::{self, Connection},
};

const BOUNDARY: &str = "a-boundary-that-no-picture-holds";
/// Large pictures that come at once are worked on one after another, on a small machine.
const QUEUED: Duration = Duration::from_secs(180);

/// Uploads a photo with the demo's device, and a guest if there is JSON of one. Returns what the server answers.
pub fn upload(port: u16, demo: &Value, key: &str, photo: &[u8], guest: Option<&str>) -> Result<Value, Failure> {
    let text = |pointer| demo.pointer(pointer).and_then(Value::as_str).or_fail(format_args!("reading {pointer}"));
    let path = format!("/api/v1/events/{}/captures", text("/event")?);
    let bearer = format!("Bearer {}", text("/device_token")?);
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let headers = [("Authorization", &*bearer), ("Content-Type", &*kind), ("Idempotency-Key", key)];
    let mut connection = Connection::open(port).and_then(|opened| opened.patient(QUEUED)).or_fail("connecting")?;
    let answer = connection.post(&path, &headers, &form(photo, guest)).or_fail("uploading a photo")?;
    let body = String::from_utf8_lossy(&answer.body);
    if answer.status != 201 {
        return Err(Failure::new(format!("{path} answers {}: {body}", answer.status)));
    }
    serde_json::from_str(&body).or_fail("reading what the upload became")
}

/// `/m/TOKEN/` of the pictures that a share page shows; `None` if there is no such page.
pub fn pictures(port: u16, page: &str) -> Result<Option<String>, Failure> {
    let answer = http::get(port, page, &[("Accept-Language", "en")]).or_fail("asking for the share page")?;
    match answer.status {
        200 => {
            let html = String::from_utf8_lossy(&answer.body).into_owned();
            media_folder(&html)
                .map(|folder| Some(folder.to_owned()))
                .or_fail(format_args!("finding a picture on {page}"))
        }
        404 => Ok(None),
        status => Err(Failure::new(format!("{page} answers {status}"))),
    }
}

/// A multipart body with one file, and a guest.
fn form(photo: &[u8], guest: Option<&str>) -> Vec<u8> {
    let guest = guest.map_or_else(String::new, |guest| {
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"guest\"\r\n\r\n{guest}\r\n")
    });
    let before = format!(
        "{guest}--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"photo.jpg\"\r\n\
         Content-Type: image/jpeg\r\n\r\n"
    );
    [before.as_bytes(), photo, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat()
}

/// `/m/TOKEN/` of the first address of a picture.
fn media_folder(html: &str) -> Option<&str> {
    let from = html.get(html.find("/m/")?..)?;
    let token = from.get(3..)?.find('/')?;
    from.get(..3 + token + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_one_file_and_a_guest() {
        let body = String::from_utf8(form(b"bytes", Some("{}"))).unwrap();
        assert!(body.starts_with("--a-boundary"), "{body}");
        assert!(body.contains("name=\"guest\"\r\n\r\n{}\r\n--") && body.contains("image/jpeg\r\n\r\nbytes\r\n--"));
        assert!(body.ends_with("--\r\n"), "{body}");
        assert!(!String::from_utf8(form(b"", None)).unwrap().contains("guest"));
    }

    #[test]
    fn finds_the_folder_of_a_page() {
        assert_eq!(media_folder(r#"<img src="/m/abc/web-1.webp">"#), Some("/m/abc/"));
        assert_eq!(media_folder("<p>nothing</p>"), None);
        assert_eq!(media_folder("/m/cut"), None);
    }
}
