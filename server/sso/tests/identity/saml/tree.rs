//! A tree of XML that can be changed and written again: everything that a signature covers stays as it was.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// An element. Names and values are as they are written, with prefixes and entities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub children: Vec<Node>,
}

/// What an element holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    Element(Element),
    /// Text, comments and whatever else, as it is written.
    Raw(String),
}

impl Element {
    pub fn parse(xml: &str) -> Self {
        let mut reader = Reader::from_str(xml);
        let mut open: Vec<Self> = Vec::new();
        loop {
            let before = usize::try_from(reader.buffer_position()).expect("a position");
            let event = reader.read_event().expect("well-formed");
            let after = usize::try_from(reader.buffer_position()).expect("a position");
            let done = match event {
                Event::Start(start) => {
                    open.push(Self::open(&start));
                    None
                }
                Event::Empty(start) => Some(Self::open(&start)),
                Event::End(_) => open.pop(),
                Event::Eof => panic!("the document has no end"),
                _ => {
                    if let Some(parent) = open.last_mut() {
                        parent.children.push(Node::Raw(xml[before..after].to_owned()));
                    }
                    None
                }
            };
            if let Some(element) = done {
                match open.last_mut() {
                    Some(parent) => parent.children.push(Node::Element(element)),
                    None => return element,
                }
            }
        }
    }

    fn open(start: &BytesStart<'_>) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        let mut attributes = start.attributes();
        let attributes = attributes.with_checks(false).map(|attribute| {
            let attribute = attribute.expect("an attribute");
            // Values may have been written between single quotes.
            (text(attribute.key.into_inner()), text(&attribute.value).replace('"', "&quot;"))
        });
        Self { name: text(start.name().into_inner()), attributes: attributes.collect(), children: Vec::new() }
    }

    pub fn write(&self) -> String {
        let mut xml = String::new();
        self.write_into(&mut xml);
        xml
    }

    fn write_into(&self, xml: &mut String) {
        xml.push_str(&format!("<{}", self.name));
        for (name, value) in &self.attributes {
            xml.push_str(&format!(" {name}=\"{value}\""));
        }
        xml.push('>');
        for child in &self.children {
            match child {
                Node::Element(child) => child.write_into(xml),
                Node::Raw(raw) => xml.push_str(raw),
            }
        }
        xml.push_str(&format!("</{}>", self.name));
    }

    /// The name without its prefix.
    pub fn local(&self) -> &str {
        self.name.rsplit(':').next().unwrap_or_default()
    }

    /// Another name with the same prefix.
    pub fn sibling_name(&self, local: &str) -> String {
        match self.name.rsplit_once(':') {
            Some((prefix, _)) => format!("{prefix}:{local}"),
            None => local.to_owned(),
        }
    }

    pub fn get(&self, attribute: &str) -> Option<&str> {
        self.attributes.iter().find(|(name, _)| name == attribute).map(|(_, value)| value.as_str())
    }

    pub fn set(&mut self, attribute: &str, value: &str) {
        match self.attributes.iter_mut().find(|(name, _)| name == attribute) {
            Some((_, old)) => value.clone_into(old),
            None => self.attributes.push((attribute.to_owned(), value.to_owned())),
        }
    }

    pub fn unset(&mut self, attribute: &str) {
        self.attributes.retain(|(name, _)| name != attribute);
    }

    pub fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|child| match child {
            Node::Element(element) => Some(element),
            Node::Raw(_) => None,
        })
    }

    pub fn elements_mut(&mut self) -> impl Iterator<Item = &mut Self> {
        self.children.iter_mut().filter_map(|child| match child {
            Node::Element(element) => Some(element),
            Node::Raw(_) => None,
        })
    }

    /// The child at the end of the path of local names.
    pub fn find(&self, path: &str) -> Option<&Self> {
        path.split('/').try_fold(self, |at, local| at.elements().find(|child| child.local() == local))
    }

    pub fn find_mut(&mut self, path: &str) -> Option<&mut Self> {
        path.split('/').try_fold(self, |at, local| at.elements_mut().find(|child| child.local() == local))
    }

    /// The same, which must be there.
    pub fn at(&self, path: &str) -> &Self {
        self.find(path).unwrap_or_else(|| panic!("no {path} in {}", self.name))
    }

    pub fn at_mut(&mut self, path: &str) -> &mut Self {
        let name = self.name.clone();
        self.find_mut(path).unwrap_or_else(|| panic!("no {path} in {name}"))
    }

    /// Takes out the first child of this local name.
    pub fn take(&mut self, local: &str) -> Self {
        let at = self.position(local);
        match self.children.remove(at) {
            Node::Element(element) => element,
            Node::Raw(_) => unreachable!("an element was looked for"),
        }
    }

    /// Where the first child of this local name is.
    pub fn position(&self, local: &str) -> usize {
        let is = |child: &Node| matches!(child, Node::Element(element) if element.local() == local);
        self.children.iter().position(is).unwrap_or_else(|| panic!("no {local} in {}", self.name))
    }

    pub fn insert(&mut self, at: usize, element: Self) {
        self.children.insert(at, Node::Element(element));
    }

    pub fn push(&mut self, element: Self) {
        self.children.push(Node::Element(element));
    }

    pub fn text(&self) -> String {
        let raw = self.children.iter().filter_map(|child| match child {
            Node::Raw(raw) => Some(raw.as_str()),
            Node::Element(_) => None,
        });
        raw.collect()
    }

    /// Replaces everything inside, as it is written.
    pub fn set_text(&mut self, raw: &str) {
        self.children = vec![Node::Raw(raw.to_owned())];
    }

    /// This element and all in it.
    pub fn walk_mut(&mut self, visit: &mut impl FnMut(&mut Self)) {
        visit(self);
        for child in self.elements_mut() {
            child.walk_mut(visit);
        }
    }

    /// The element that is this many steps in, in the order of the document.
    pub fn nth_mut(&mut self, index: &mut usize) -> Option<&mut Self> {
        if *index == 0 {
            return Some(self);
        }
        *index -= 1;
        self.elements_mut().find_map(|child| child.nth_mut(index))
    }

    pub fn count(&self) -> usize {
        1 + self.elements().map(Self::count).sum::<usize>()
    }
}
