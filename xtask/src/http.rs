//! Just enough HTTP/1.1 to ask a server on this machine something: one connection, kept open between questions.

use std::{
    io::{self, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

/// An answer; header names are lower-case.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of this lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A connection to a port of this machine.
#[derive(Debug)]
pub struct Connection {
    reader: BufReader<TcpStream>,
    port: u16,
}

impl Connection {
    /// Connects to 127.0.0.1.
    pub fn open(port: u16) -> io::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        stream.set_nodelay(true)?;
        Ok(Self { reader: BufReader::new(stream), port })
    }

    /// Waits longer than usual for an answer, which may stand in a queue.
    pub fn patient(self, limit: Duration) -> io::Result<Self> {
        self.reader.get_ref().set_read_timeout(Some(limit))?;
        Ok(self)
    }

    /// Asks for a path and reads the whole answer.
    pub fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> io::Result<Response> {
        let request = head("GET", path, self.port, headers);
        self.reader.get_mut().write_all(request.as_bytes())?;
        read_response(&mut self.reader)
    }

    /// Sends a body to a path and reads the whole answer.
    pub fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Response> {
        let length = body.len().to_string();
        let request = head("POST", path, self.port, &[headers, &[("Content-Length", &length)]].concat());
        self.reader.get_mut().write_all(request.as_bytes())?;
        self.reader.get_mut().write_all(body)?;
        read_response(&mut self.reader)
    }
}

/// The head of a request to that port of this machine.
pub fn head(method: &str, path: &str, port: u16, headers: &[(&str, &str)]) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost:{port}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head
}

/// One question on a connection of its own.
pub fn get(port: u16, path: &str, headers: &[(&str, &str)]) -> io::Result<Response> {
    Connection::open(port)?.get(path, headers)
}

/// Reads one answer from whatever brings it.
pub fn read_response(reader: &mut impl io::BufRead) -> io::Result<Response> {
    let malformed = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let line = read_line(reader)?;
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(|| malformed(&line))?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(reader)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or_else(|| malformed(&line))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut response = Response { status, headers, body: Vec::new() };
    if response.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        loop {
            let line = read_line(reader)?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(size, 16).map_err(|_| malformed("chunk size"))?;
            reader.take(size).read_to_end(&mut response.body)?;
            read_line(reader)?;
            if size == 0 {
                return Ok(response);
            }
        }
    }
    match response.header("content-length").map(str::parse::<u64>) {
        Some(Ok(length)) => reader.take(length).read_to_end(&mut response.body)?,
        Some(Err(_)) => return Err(malformed("content-length")),
        None => reader.read_to_end(&mut response.body)?,
    };
    Ok(response)
}

fn read_line(reader: &mut impl io::BufRead) -> io::Result<String> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_length_and_chunks() {
        let mut plain = &b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhellorest"[..];
        let response = read_response(&mut plain).unwrap();
        assert_eq!((response.status, response.body.as_slice()), (200, &b"hello"[..]));
        assert_eq!(plain, b"rest");

        let mut chunked =
            &b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"[..];
        let response = read_response(&mut chunked).unwrap();
        assert_eq!((response.status, response.body.as_slice()), (404, &b"abcde"[..]));
    }

    #[test]
    fn a_head_ends_with_an_empty_line() {
        assert_eq!(head("GET", "/a", 80, &[("X", "y")]), "GET /a HTTP/1.1\r\nHost: localhost:80\r\nX: y\r\n\r\n");
    }

    #[test]
    fn a_cut_answer_is_an_error() {
        assert!(read_response(&mut &b"HTTP/1.1 200 OK\r\nContent-"[..]).is_err());
        assert!(read_response(&mut &b"nonsense\r\n\r\n"[..]).is_err());
    }
}
