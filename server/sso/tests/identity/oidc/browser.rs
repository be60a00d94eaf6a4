//! Just enough of a browser to sign in and out at a provider on this machine.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use url::{Position, Url, form_urlencoded};

/// With cookies of one site.
#[derive(Debug, Default)]
pub struct Browser {
    cookies: BTreeMap<String, String>,
}

/// Where following redirections ends.
#[derive(Debug)]
pub enum Place {
    /// A page of that site.
    Page { url: Url, status: u16, body: String },
    /// Elsewhere.
    Away(Url),
}

impl Place {
    pub fn away(self) -> Url {
        match self {
            Self::Away(url) => url,
            Self::Page { url, status, body } => panic!("{url} ({status}) leads nowhere: {body}"),
        }
    }
}

impl Browser {
    /// Opens an address and follows redirections within its site.
    pub fn open(&mut self, url: &Url) -> Place {
        self.follow(url, None)
    }

    /// Sends the first form of a page with these fields, and the hidden ones it has.
    pub fn submit(&mut self, page: &Place, fields: &[(&str, &str)]) -> Place {
        let Place::Page { url, status, body } = page else { panic!("{page:?} is no page") };
        let tag = |start: &str| body.split('<').find(|tag| tag.starts_with(start));
        let form = tag("form").unwrap_or_else(|| panic!("{url} ({status}) has no form: {body}"));
        let action = url.join(attribute(form, "action").unwrap_or_default()).expect("is an address");
        let hidden = body.split('<').filter(|tag| tag.starts_with("input") && tag.contains("hidden"));
        let hidden = hidden.filter_map(|tag| attribute(tag, "name").zip(attribute(tag, "value")));
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(hidden.filter(|(name, _)| fields.iter().all(|(known, _)| known != name)));
        form.extend_pairs(fields);
        self.follow(&action, Some(&form.finish()))
    }

    fn follow(&mut self, url: &Url, form: Option<&str>) -> Place {
        let mut url = url.clone();
        let mut form = form;
        for _ in 0..10 {
            let (status, location, body) = self.ask(&url, form.take());
            let Some(location) = location else { return Place::Page { url, status, body } };
            let next = url.join(&location).expect("is an address");
            if next.origin() != url.origin() {
                return Place::Away(next);
            }
            url = next;
        }
        panic!("{url} leads nowhere");
    }

    fn ask(&mut self, url: &Url, form: Option<&str>) -> (u16, Option<String>, String) {
        let mut stream = TcpStream::connect(&*url.socket_addrs(|| None).expect("is here")).expect("it listens");
        let method = if form.is_some() { "POST" } else { "GET" };
        let path = &url[Position::BeforePath..Position::AfterQuery];
        let host = &url[Position::BeforeHost..Position::AfterPort];
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        // The old version ends with the connection and has no chunks.
        let mut request = format!("{method} {path} HTTP/1.0\r\nHost: {host}\r\nCookie: {}\r\n", cookies.join("; "));
        if let Some(form) = form {
            let length = form.len();
            request.push_str("Content-Type: application/x-www-form-urlencoded\r\n");
            request.push_str(&format!("Content-Length: {length}\r\n"));
        }
        request.push_str("\r\n");
        request.push_str(form.unwrap_or_default());
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it answers");

        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").expect("is HTTP");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("has a status");
        let mut location = None;
        for (name, value) in head.lines().skip(1).filter_map(|line| line.split_once(": ")) {
            match name.to_ascii_lowercase().as_str() {
                "location" => location = Some(value.to_owned()),
                "set-cookie" => {
                    let pair = value.split(';').next().and_then(|pair| pair.split_once('='));
                    let (name, value) = pair.expect("is a cookie");
                    self.cookies.insert(name.to_owned(), value.to_owned());
                }
                _ => {}
            }
        }
        (status, location, body.to_owned())
    }
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    tag.split_once(&format!("{name}=\""))?.1.split('"').next()
}
