//! The elements of a drawing, before the renderer sees them.

use std::collections::HashMap;

use resvg::usvg::roxmltree::{Document, Node, NodeId};

use crate::branding::drawing::DrawingError;

const SVG: &str = "http://www.w3.org/2000/svg";
/// Of groups inside groups. Drawing programs make a dozen.
const MAX_DEPTH: u32 = 48;
/// Of elements with everything repeated that is referred to.
const MAX_ELEMENTS: u64 = 20_000;
/// Clipping paths and masks; each may be inside another.
const MAX_CLIPS: u32 = 128;
/// Of one gradient: each pixel goes through all of them.
const MAX_STOPS: usize = 64;
/// Elements times bytes of style sheets: every rule is tried on every element.
const MAX_STYLE_WORK: u64 = 40_000_000;

/// Of one attribute `style`, in bytes: each of its declarations is compared with those before it.
const MAX_STYLE: usize = 8_000;
/// Elements that share a name, any of which may be meant.
const MAX_SAME: usize = 16;

/// What draws, and what belongs to it.
const DRAWN: [&str; 17] = [
    "svg",
    "g",
    "defs",
    "symbol",
    "use",
    "path",
    "rect",
    "circle",
    "ellipse",
    "line",
    "polyline",
    "polygon",
    "linearGradient",
    "radialGradient",
    "stop",
    "clipPath",
    "mask",
];
/// What would draw elsewhere, by what it is called for people.
const REFUSED: [(&str, &str); 13] = [
    ("text", "text"),
    ("tspan", "text"),
    ("textPath", "text"),
    ("image", "a picture inside the drawing"),
    ("foreignObject", "a web page inside the drawing"),
    ("filter", "a filter"),
    ("pattern", "a pattern"),
    ("marker", "a marker"),
    ("switch", "a switch"),
    ("a", "a link"),
    ("animate", "an animation"),
    ("animateTransform", "an animation"),
    ("set", "an animation"),
];

/// Looks at every element and attribute.
pub(super) fn examine(document: &Document<'_>) -> Result<(), DrawingError> {
    if document.root_element().tag_name().name() != "svg" || !is_svg(document.root_element()) {
        return Err(DrawingError::Malformed("it is not SVG"));
    }
    if document.root().children().any(|node| node.pi().is_some_and(|found| found.target == "xml-stylesheet")) {
        return Err(DrawingError::External);
    }
    let mut found = Found::default();
    found.element(document.root_element(), 0)?;
    if found.clips > MAX_CLIPS {
        return Err(DrawingError::TooComplex("clipping paths and masks"));
    }
    if found.elements.saturating_mul(found.style_bytes) > MAX_STYLE_WORK {
        return Err(DrawingError::TooComplex("rules of style"));
    }
    let Found { by_id, rules, .. } = found;
    let grown = Expansion { by_id, rules, known: HashMap::new() }.of(document.root_element(), 0)?;
    if grown.elements > MAX_ELEMENTS {
        return Err(DrawingError::TooComplex("elements"));
    }
    Ok(())
}

fn is_svg(node: Node<'_, '_>) -> bool {
    matches!(node.tag_name().namespace(), None | Some(SVG))
}

#[derive(Default)]
struct Found<'a, 'input> {
    elements: u64,
    clips: u32,
    style_bytes: u64,
    /// Rules of style that refer to something: selector and declarations.
    rules: Vec<(&'a str, &'a str)>,
    /// Careless programs give one name twice.
    by_id: HashMap<&'a str, Vec<Node<'a, 'input>>>,
}

impl<'a, 'input> Found<'a, 'input> {
    fn element(&mut self, node: Node<'a, 'input>, depth: u32) -> Result<(), DrawingError> {
        if depth > MAX_DEPTH {
            return Err(DrawingError::TooComplex("groups inside groups"));
        }
        let name = node.tag_name().name();
        if name.eq_ignore_ascii_case("script") {
            return Err(DrawingError::Script);
        }
        // What drawing programs note for themselves is in names of their own, and is not looked into by the renderer.
        if !is_svg(node) || ["title", "desc", "metadata"].contains(&name) {
            return Ok(());
        }
        self.elements += 1;
        if name == "style" {
            return self.style(node);
        }
        if !DRAWN.contains(&name) {
            let called = REFUSED.iter().find(|(known, _)| *known == name).map(|(_, called)| *called);
            return Err(DrawingError::Unsupported(called.unwrap_or("an element that we do not know")));
        }
        self.attributes(node)?;
        match name {
            "clipPath" => {
                self.clips += 1;
                // Copied for every element that refers to it.
                if node.attribute("clipPathUnits") == Some("objectBoundingBox") {
                    return Err(DrawingError::Unsupported("a clipping path that fits itself to shapes"));
                }
            }
            "mask" => {
                self.clips += 1;
                let fixed = node.attribute("maskUnits") == Some("userSpaceOnUse");
                if !fixed || node.attribute("maskContentUnits") == Some("objectBoundingBox") {
                    return Err(DrawingError::Unsupported("a mask that fits itself to shapes"));
                }
            }
            "linearGradient" | "radialGradient" if node.children().filter(Node::is_element).count() > MAX_STOPS => {
                return Err(DrawingError::TooComplex("colours in a gradient"));
            }
            _ => {}
        }
        if let Some(id) = node.attribute("id") {
            let same = self.by_id.entry(id).or_default();
            same.push(node);
            if same.len() > MAX_SAME {
                return Err(DrawingError::TooComplex("elements of one name"));
            }
        }
        node.children().filter(Node::is_element).try_for_each(|child| self.element(child, depth + 1))
    }

    fn attributes(&self, node: Node<'_, '_>) -> Result<(), DrawingError> {
        if node.attribute("style").is_some_and(|style| style.len() > MAX_STYLE) {
            return Err(DrawingError::TooComplex("rules of style"));
        }
        for attribute in node.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            let start: String = value.chars().filter(|letter| !letter.is_whitespace()).take(11).collect();
            if name.to_ascii_lowercase().starts_with("on") || start.eq_ignore_ascii_case("javascript:") {
                return Err(DrawingError::Script);
            }
            if name == "href" && !value.trim_start().starts_with('#') {
                return Err(DrawingError::External);
            }
            only_inside(value)?;
        }
        Ok(())
    }

    fn style(&mut self, node: Node<'a, 'input>) -> Result<(), DrawingError> {
        for text in node.children().filter_map(|child| child.text()) {
            self.style_bytes += text.len() as u64;
            if text.to_ascii_lowercase().contains("@import") {
                return Err(DrawingError::External);
            }
            only_inside(text)?;
            let rules = text.split('}').filter_map(|rule| rule.split_once('{'));
            self.rules.extend(rules.filter(|(_, declarations)| declarations.contains("url(")));
        }
        Ok(())
    }
}

/// Whether every `url(…)` leads to a place in the same file.
fn only_inside(value: &str) -> Result<(), DrawingError> {
    if targets(value).all(|target| target.starts_with('#')) { Ok(()) } else { Err(DrawingError::External) }
}

/// Where every `url(…)` leads. The renderer takes no other spelling; one that it would not take harms nobody.
fn targets(value: &str) -> impl Iterator<Item = &str> {
    value.match_indices("url(").map(|(at, _)| {
        let target = value.get(at + 4..).unwrap_or_default().trim_start_matches(SPACES_AND_QUOTES);
        target.split(')').next().unwrap_or_default().trim_end_matches(SPACES_AND_QUOTES)
    })
}

const SPACES_AND_QUOTES: [char; 6] = [' ', '\t', '\n', '\r', '"', '\''];

/// How large a drawing becomes when every reference is replaced by what it stands for.
struct Expansion<'a, 'input> {
    by_id: HashMap<&'a str, Vec<Node<'a, 'input>>>,
    rules: Vec<(&'a str, &'a str)>,
    /// `None` is being looked at.
    known: HashMap<NodeId, Option<Grown>>,
}

#[derive(Clone, Copy)]
struct Grown {
    elements: u64,
    depth: u32,
}

impl<'a, 'input> Expansion<'a, 'input> {
    fn of(&mut self, node: Node<'a, 'input>, depth: u32) -> Result<Grown, DrawingError> {
        const DEEPER: DrawingError = DrawingError::TooComplex("groups inside groups");
        if depth > 2 * MAX_DEPTH {
            return Err(DEEPER);
        }
        match self.known.insert(node.id(), None) {
            Some(None) => return Err(DrawingError::Loop),
            Some(Some(grown)) => {
                self.known.insert(node.id(), Some(grown));
                return if depth + grown.depth > 2 * MAX_DEPTH { Err(DEEPER) } else { Ok(grown) };
            }
            None => {}
        }
        let mut grown = Grown { elements: 1, depth: 0 };
        let mut add = |part: Grown| {
            grown.elements = grown.elements.saturating_add(part.elements);
            grown.depth = grown.depth.max(part.depth + 1);
        };
        for child in node.children().filter(Node::is_element) {
            add(self.of(child, depth + 1)?);
        }
        for target in self.referred(node) {
            add(self.of(target, depth + 1)?);
        }
        self.known.insert(node.id(), Some(grown));
        Ok(grown)
    }

    /// What an element stands for, takes its colours from, or is cut by.
    fn referred(&self, node: Node<'a, 'input>) -> Vec<Node<'a, 'input>> {
        let named = |id: &str| self.by_id.get(id.trim()).into_iter().flatten().copied();
        let mut found = Vec::new();
        let classes: Vec<&str> = node.attribute("class").unwrap_or_default().split_whitespace().collect();
        // A rule that says anything else than a class is taken to mean everything.
        let meant = |selector: &str| {
            selector.split(',').any(|one| {
                let plain = one.contains('.') && !one.contains(['/', '[', ':', '\\', '@']);
                !plain || classes.iter().any(|class| one.split('.').any(|part| part.starts_with(class)))
            })
        };
        let rules = self.rules.iter().filter(|(selector, _)| meant(selector)).map(|(_, declarations)| *declarations);
        let values =
            node.attributes().filter(|attribute| attribute.name() != "href").map(|attribute| attribute.value());
        for target in values.chain(rules).flat_map(targets) {
            let cuts = |target: &Node<'_, '_>| ["clipPath", "mask"].contains(&target.tag_name().name());
            found.extend(named(target.trim_start_matches('#')).filter(cuts));
        }
        for href in node.attributes().filter(|attribute| attribute.name() == "href") {
            found.extend(named(href.value().trim().trim_start_matches('#')));
        }
        found
    }
}
