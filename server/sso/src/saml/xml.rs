//! A small tree of XML for what need not be proved: metadata that an administrator uploads, and the look at a message that
//! says why it was refused. Nothing that lets anybody in is read from it.

use quick_xml::NsReader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;

/// The bytes of all lists of prefixes that are kept in canonical form, together. Each element is looked for in them.
const PREFIX_LISTS: usize = 1024;

/// How much a document may ask of whoever reads it.
///
/// To canonicalise, the crate that verifies asks of each element for each namespace that is declared around it, and does
/// so before it knows who has signed: 180 kB of nested declarations would keep a processor busy for minutes. What
/// providers send is a hundred times below these limits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Elements inside each other.
    depth: usize,
    elements: usize,
    /// Attributes of one element.
    attributes: usize,
    /// Declarations of namespaces on an element and all around it.
    namespaces: usize,
    /// Comments, texts and the like.
    parts: usize,
}

impl Limits {
    /// A thousand groups are two thousand elements.
    pub(super) const MESSAGE: Self = Self { depth: 32, elements: 4_000, attributes: 32, namespaces: 32, parts: 20_000 };
    /// Those of federations list every claim they know.
    pub(super) const METADATA: Self =
        Self { depth: 64, elements: 20_000, attributes: 64, namespaces: 64, parts: 100_000 };
}

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
    /// Beyond a limit.
    TooComplex,
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
pub(super) fn parse(xml: &[u8], limits: Limits) -> Result<Node, XmlError> {
    let text = std::str::from_utf8(xml).map_err(|_| XmlError::Malformed)?;
    let mut reader = NsReader::from_str(text);
    // Each with how many namespaces are declared on it and around it.
    let mut open: Vec<(Node, usize)> = Vec::new();
    let mut root = None;
    let (mut elements, mut parts, mut prefixes) = (0_usize, 0_usize, 0_usize);
    loop {
        let event = reader.read_event().map_err(|_| XmlError::Malformed)?;
        parts += 1;
        if parts > limits.parts {
            return Err(XmlError::TooComplex);
        }
        match event {
            Event::Start(ref start) | Event::Empty(ref start) => {
                elements += 1;
                if open.len() >= limits.depth || elements > limits.elements {
                    return Err(XmlError::TooComplex);
                }
                if root.is_some() {
                    return Err(XmlError::Malformed);
                }
                let around = open.last().map_or(0, |(_, declared)| *declared);
                let (node, declared) = read_start(&reader, start, limits)?;
                prefixes += node.attribute("PrefixList").map_or(0, str::len);
                if around + declared > limits.namespaces || prefixes > PREFIX_LISTS {
                    return Err(XmlError::TooComplex);
                }
                if matches!(event, Event::Empty(_)) {
                    close(node, &mut open, &mut root);
                } else {
                    open.push((node, around + declared));
                }
            }
            Event::End(_) => {
                let (node, _) = open.pop().ok_or(XmlError::Malformed)?;
                close(node, &mut open, &mut root);
            }
            Event::Text(part) => append(&mut open, &part.decode().map_err(|_| XmlError::Malformed)?),
            Event::CData(part) => append(&mut open, std::str::from_utf8(&part).map_err(|_| XmlError::Malformed)?),
            Event::GeneralRef(name) => {
                let name = name.decode().map_err(|_| XmlError::Malformed)?;
                append(&mut open, &unescape(&format!("&{name};")).map_err(|_| XmlError::Malformed)?);
            }
            Event::Comment(_) | Event::Decl(_) => {}
            Event::DocType(_) | Event::PI(_) => return Err(XmlError::Doctype),
            Event::Eof => break,
        }
    }
    if open.is_empty() { root.ok_or(XmlError::Malformed) } else { Err(XmlError::Malformed) }
}

fn append(open: &mut [(Node, usize)], text: &str) {
    if let Some((node, _)) = open.last_mut() {
        node.text.push_str(text);
    }
}

fn close(node: Node, open: &mut [(Node, usize)], root: &mut Option<Node>) {
    match open.last_mut() {
        Some((parent, _)) => parent.children.push(node),
        None => *root = Some(node),
    }
}

/// The element, and how many namespaces are declared on it.
fn read_start(reader: &NsReader<&[u8]>, start: &BytesStart<'_>, limits: Limits) -> Result<(Node, usize), XmlError> {
    let (namespace, local) = reader.resolver().resolve_element(start.name());
    let namespace = match namespace {
        ResolveResult::Bound(namespace) => Some(utf8(namespace.into_inner())?),
        ResolveResult::Unbound => None,
        ResolveResult::Unknown(_) => return Err(XmlError::Malformed),
    };
    let mut attributes = Vec::new();
    let mut declared = 0;
    for (index, attribute) in start.attributes().enumerate() {
        let attribute = attribute.map_err(|_| XmlError::Malformed)?;
        if index >= limits.attributes {
            return Err(XmlError::TooComplex);
        }
        if attribute.key.as_namespace_binding().is_some() {
            declared += 1;
        } else if attribute.key.prefix().is_none() {
            let value = utf8(&attribute.value)?;
            let value = unescape(&value).map_err(|_| XmlError::Malformed)?;
            attributes.push((utf8(attribute.key.into_inner())?, value.into_owned()));
        }
    }
    Ok((Node { namespace, local: utf8(local.into_inner())?, attributes, ..Node::default() }, declared))
}

fn utf8(bytes: &[u8]) -> Result<String, XmlError> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| XmlError::Malformed)
}
