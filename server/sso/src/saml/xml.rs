//! A small tree of XML for what need not be proved: metadata that an administrator uploads, and the look at a message that
//! says why it was refused. Nothing that lets anybody in is read from it.

use quick_xml::NsReader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;

/// As deep and as many as the crate that verifies allows.
const DEPTH: usize = 100;
const NODES: usize = 100_000;

pub(super) const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
pub(super) const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
pub(super) const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
pub(super) const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";

/// An element with its text, comments left out.
#[derive(Debug, Default)]
pub(super) struct Node {
    namespace: Option<String>,
    local: String,
    /// Those without a prefix.
    attributes: Vec<(String, String)>,
    children: Vec<Self>,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum XmlError {
    /// A document type or a processing instruction.
    Doctype,
    Malformed,
}

impl Node {
    pub(super) fn is(&self, namespace: &str, local: &str) -> bool {
        self.local == local && self.namespace.as_deref() == Some(namespace)
    }

    pub(super) fn local(&self) -> &str {
        &self.local
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn all<'a>(&'a self, namespace: &'a str, local: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.is(namespace, local))
    }

    pub(super) fn one<'a>(&'a self, namespace: &'a str, local: &'a str) -> Option<&'a Self> {
        self.all(namespace, local).next()
    }

    /// The text, without spaces around it.
    pub(super) fn text(&self) -> &str {
        self.text.trim()
    }

    /// This element and everything in it.
    pub(super) fn walk(&self, visit: &mut impl FnMut(&Self)) {
        visit(self);
        for child in &self.children {
            child.walk(visit);
        }
    }
}

/// Reads a document.
pub(super) fn parse(xml: &[u8]) -> Result<Node, XmlError> {
    let text = std::str::from_utf8(xml).map_err(|_| XmlError::Malformed)?;
    let mut reader = NsReader::from_str(text);
    let mut open: Vec<Node> = Vec::new();
    let mut root = None;
    let mut nodes = 0_usize;
    loop {
        let event = reader.read_event().map_err(|_| XmlError::Malformed)?;
        match event {
            Event::Start(start) => {
                nodes += 1;
                if open.len() >= DEPTH || nodes > NODES || root.is_some() {
                    return Err(XmlError::Malformed);
                }
                open.push(read_start(&reader, &start)?);
            }
            Event::Empty(start) => {
                nodes += 1;
                if open.len() >= DEPTH || nodes > NODES || root.is_some() {
                    return Err(XmlError::Malformed);
                }
                let node = read_start(&reader, &start)?;
                close(node, &mut open, &mut root);
            }
            Event::End(_) => {
                let node = open.pop().ok_or(XmlError::Malformed)?;
                close(node, &mut open, &mut root);
            }
            Event::Text(part) => {
                let part = part.decode().map_err(|_| XmlError::Malformed)?;
                if let Some(node) = open.last_mut() {
                    node.text.push_str(&part);
                }
            }
            Event::CData(part) => {
                let part = std::str::from_utf8(&part).map_err(|_| XmlError::Malformed)?;
                if let Some(node) = open.last_mut() {
                    node.text.push_str(part);
                }
            }
            Event::GeneralRef(name) => {
                let name = name.decode().map_err(|_| XmlError::Malformed)?;
                let text = format!("&{name};");
                let text = unescape(&text).map_err(|_| XmlError::Malformed)?;
                if let Some(node) = open.last_mut() {
                    node.text.push_str(&text);
                }
            }
            Event::Comment(_) | Event::Decl(_) => {}
            Event::DocType(_) | Event::PI(_) => return Err(XmlError::Doctype),
            Event::Eof => break,
        }
    }
    if open.is_empty() { root.ok_or(XmlError::Malformed) } else { Err(XmlError::Malformed) }
}

fn close(node: Node, open: &mut [Node], root: &mut Option<Node>) {
    match open.last_mut() {
        Some(parent) => parent.children.push(node),
        None => *root = Some(node),
    }
}

fn read_start(reader: &NsReader<&[u8]>, start: &BytesStart<'_>) -> Result<Node, XmlError> {
    let (namespace, local) = reader.resolver().resolve_element(start.name());
    let namespace = match namespace {
        ResolveResult::Bound(namespace) => Some(utf8(namespace.into_inner())?),
        ResolveResult::Unbound => None,
        ResolveResult::Unknown(_) => return Err(XmlError::Malformed),
    };
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| XmlError::Malformed)?;
        if attribute.key.as_namespace_binding().is_some() || attribute.key.prefix().is_some() {
            continue;
        }
        let value = utf8(&attribute.value)?;
        let value = unescape(&value).map_err(|_| XmlError::Malformed)?;
        attributes.push((utf8(attribute.key.into_inner())?, value.into_owned()));
    }
    Ok(Node { namespace, local: utf8(local.into_inner())?, attributes, ..Node::default() })
}

fn utf8(bytes: &[u8]) -> Result<String, XmlError> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| XmlError::Malformed)
}
