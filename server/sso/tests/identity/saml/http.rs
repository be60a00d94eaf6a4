//! Just enough of a browser to sign in with a form.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use url::Url;

/// A browser with cookies of one site.
#[derive(Debug, Default)]
pub struct Browser {
    cookies: Vec<(String, String)>,
}

/// A page, or where it leads.
#[derive(Debug)]
pub struct Page {
    pub url: Url,
    pub status: u16,
    pub location: Option<String>,
    pub body: String,
}

/// The first form of a page.
#[derive(Debug)]
pub struct Form {
    pub action: Url,
    pub fields: Vec<(String, String)>,
}

impl Form {
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Fills a field in.
    pub fn set(&mut self, name: &str, value: &str) {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.to_owned()));
    }
}

impl Browser {
    /// Gets a page and follows where it leads.
    pub fn get(&mut self, url: &Url) -> Page {
        let mut page = self.ask("GET", url, None);
        for _ in 0..10 {
            let Some(location) = &page.location else { return page };
            let next = page.url.join(location).expect("an address");
            page = self.ask("GET", &next, None);
        }
        panic!("{url} leads nowhere");
    }

    /// Follows until it is led to this address, which nobody serves.
    pub fn follow_to(&mut self, url: &Url, end: &str) -> String {
        let mut url = url.clone();
        for _ in 0..10 {
            let page = self.ask("GET", &url, None);
            let location =
                page.location.unwrap_or_else(|| panic!("{url} ({}) leads nowhere: {}", page.status, page.body));
            if location.starts_with(end) {
                return location;
            }
            url = url.join(&location).expect("an address");
        }
        panic!("{url} never leads to {end}");
    }

    /// Gets a page and does not follow.
    pub fn peek(&mut self, url: &Url) -> Page {
        self.ask("GET", url, None)
    }

    /// Sends a form and follows where it leads.
    pub fn submit(&mut self, form: &Form) -> Page {
        let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&form.fields).finish();
        let page = self.ask("POST", &form.action, Some(&body));
        match &page.location {
            Some(location) => {
                let next = page.url.join(location).expect("an address");
                self.get(&next)
            }
            None => page,
        }
    }

    fn ask(&mut self, method: &str, url: &Url, body: Option<&str>) -> Page {
        let address = url.socket_addrs(|| None).expect("an address of this machine");
        let mut stream = TcpStream::connect(&*address).expect("the provider listens");
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
        // The old version has no chunks and ends with the connection.
        let mut request = format!("{method} {}{query} HTTP/1.0\r\nHost: {host}\r\n", url.path());
        if !self.cookies.is_empty() {
            let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request.push_str(&format!("Cookie: {}\r\n", cookies.join("; ")));
        }
        if let Some(body) = body {
            let length = body.len();
            request.push_str("Content-Type: application/x-www-form-urlencoded\r\n");
            request.push_str(&format!("Content-Length: {length}\r\n"));
        }
        request.push_str("\r\n");
        request.push_str(body.unwrap_or_default());
        stream.write_all(request.as_bytes()).expect("the provider reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("the provider answers");
        self.read(url, &String::from_utf8_lossy(&answer))
    }

    fn read(&mut self, url: &Url, answer: &str) -> Page {
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer of HTTP");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        let mut location = None;
        for line in head.lines().skip(1) {
            let Some((name, value)) = line.split_once(':') else { continue };
            match name.to_ascii_lowercase().as_str() {
                "location" => location = Some(value.trim().to_owned()),
                "set-cookie" => {
                    let pair = value.split(';').next().unwrap_or_default();
                    if let Some((name, value)) = pair.trim().split_once('=') {
                        self.cookies.retain(|(known, _)| known != name);
                        self.cookies.push((name.to_owned(), value.to_owned()));
                    }
                }
                _ => {}
            }
        }
        Page { url: url.clone(), status, location, body: body.to_owned() }
    }
}

impl Page {
    pub fn form(&self) -> Form {
        let tags = || self.body.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default());
        let form = tags().find(|tag| tag.to_ascii_lowercase().starts_with("form"));
        let form = form.unwrap_or_else(|| panic!("{} ({}) has no form: {}", self.url, self.status, self.body));
        let action = self.url.join(&attribute(form, "action").unwrap_or_default()).expect("an address");
        let inputs = tags().filter(|tag| tag.to_ascii_lowercase().starts_with("input"));
        let fields =
            inputs.filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default())));
        Form { action, fields: fields.collect() }
    }
}

/// An attribute of a tag, quoted in either way or not at all.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}="))?;
    let value = match rest.chars().next()? {
        quote @ ('"' | '\'') => rest[1..].split(quote).next()?,
        _ => rest.split(' ').next()?,
    };
    Some(unescape(value))
}

fn unescape(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let Some((name, after)) = after.split_once(';') else {
            rest = after;
            continue;
        };
        let char = match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            _ => match name.strip_prefix("#x").or_else(|| name.strip_prefix("#X")) {
                Some(hex) => u32::from_str_radix(hex, 16).ok().and_then(char::from_u32),
                None => name.strip_prefix('#').and_then(|digits| digits.parse().ok()).and_then(char::from_u32),
            },
        };
        plain.extend(char);
        rest = after;
    }
    plain.push_str(rest);
    plain
}
