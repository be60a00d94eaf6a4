//! Thousands of changes at random: whatever is still accepted says the same of the same person.

use std::time::Instant;

use super::providers::{Base, base};
use super::tree::{Element, Node};

const COUNT: u32 = 15_000;

/// SplitMix64: the same changes in every run.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % (limit.max(1) as u64)).expect("small")
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// Any element of the document.
fn any<'a>(document: &'a mut Element, seeded: &mut Seeded) -> &'a mut Element {
    let count = document.count();
    document.nth_mut(&mut seeded.below(count)).expect("it was counted")
}

/// Takes an element out of the document, unless that is the outermost.
fn cut(document: &mut Element, seeded: &mut Seeded) -> Option<Element> {
    let parent = any(document, seeded);
    let inner: Vec<usize> =
        (0..parent.children.len()).filter(|at| matches!(parent.children[*at], Node::Element(_))).collect();
    if inner.is_empty() {
        return None;
    }
    match parent.children.remove(*seeded.pick(&inner)) {
        Node::Element(element) => Some(element),
        Node::Raw(_) => None,
    }
}

fn put(document: &mut Element, element: Element, seeded: &mut Seeded) {
    let parent = any(document, seeded);
    let at = seeded.below(parent.children.len() + 1);
    parent.insert(at, element);
}

/// Every value of the document, to be put in the place of another.
fn values(document: &mut Element) -> Vec<String> {
    let mut all: Vec<String> =
        ["", "mallory", "_forged", "#_forged", "2001-01-01T00:00:00Z", "true", "\u{202e}"].map(String::from).into();
    document.walk_mut(&mut |element| {
        all.extend(element.attributes.iter().map(|(_, value)| value.clone()));
        all.push(element.text());
    });
    all
}

fn mutate(document: &mut Element, forged: &Element, seeded: &mut Seeded) {
    match seeded.below(10) {
        0 | 1 => {
            let mut forged = forged.clone();
            if seeded.below(3) == 0 {
                // With the ID of something that is signed.
                let ids: Vec<String> = values(document).into_iter().filter(|value| value.starts_with('_')).collect();
                let id = seeded.pick(&ids).clone();
                forged.set("ID", &id);
            }
            put(document, forged, seeded);
        }
        2 => {
            let copy = any(document, seeded).clone();
            put(document, copy, seeded);
        }
        3 => {
            if let Some(element) = cut(document, seeded) {
                put(document, element, seeded);
            }
        }
        4 => drop(cut(document, seeded)),
        5 => {
            let values = values(document);
            let element = any(document, seeded);
            let value = seeded.pick(&values).clone();
            match element.attributes.len() {
                0 => element.set("ID", &value),
                count => element.attributes[seeded.below(count)].1 = value.replace('<', "&lt;"),
            }
        }
        6 => {
            let element = any(document, seeded);
            if !element.attributes.is_empty() {
                let at = seeded.below(element.attributes.len());
                element.attributes.remove(at);
            }
        }
        7 => {
            let values = values(document);
            let value = seeded.pick(&values).clone();
            any(document, seeded).set_text(&value);
        }
        8 => {
            let raw =
                *seeded.pick(&["<!-- x -->", "<![CDATA[x]]>", "<![CDATA[]]>", " ", "x", "&amp;", "<?x?>", "&#x20;"]);
            let element = any(document, seeded);
            let at = seeded.below(element.children.len() + 1);
            element.children.insert(at, Node::Raw(raw.to_owned()));
            // In the middle of a text, too.
            if let Some(Node::Raw(text)) = element.children.iter_mut().find(|child| matches!(child, Node::Raw(_)))
                && text.is_ascii()
                && !text.contains(['<', '&'])
            {
                let at = seeded.below(text.len() + 1);
                text.insert_str(at, raw);
            }
        }
        _ => {
            let names = ["Assertion", "Response", "Object", "Extensions", "Advice", "Signature", "NameID", "Subject"];
            let name = *seeded.pick(&names);
            let element = any(document, seeded);
            element.name = element.sibling_name(name);
        }
    }
}

/// Everything that a sign-in is made of.
fn identity(base: &Base, xml: &str) -> Option<String> {
    let proved = base.judge(xml).outcome.ok()?;
    let person = &proved.person;
    Some(format!(
        "{:?}",
        (
            &person.issuer,
            person.subject.expose(),
            person.email.as_ref().map(|email| email.expose().clone()),
            person.name.as_ref().map(|name| name.expose().clone()),
            &person.groups,
            &person.methods,
            &person.session,
            (person.authenticated_at, person.until, person.email_verified),
            (&proved.assertion, proved.certificate),
            proved.name_id.to_stored().expose(),
        )
    ))
}

fn run(name: &'static str, seed: u64) {
    let base = base(name);
    let bases = [base.document(), base.assertion_signed(), base.response_signed()];
    let forged = base.forged();
    let expected = identity(base, &base.xml).expect("the base is accepted");
    let started = Instant::now();
    let mut seeded = Seeded(seed);
    let (mut accepted, mut changed) = (0_u32, 0_u32);
    for _ in 0..COUNT {
        let before = seeded.pick(&bases);
        let mut document = before.clone();
        for _ in 0..=seeded.below(3) {
            mutate(&mut document, &forged, &mut seeded);
        }
        changed += u32::from(document != *before);
        let xml = document.write();
        if let Some(found) = identity(base, &xml) {
            accepted += 1;
            assert_eq!(found, expected, "{name}: another person\n{xml}");
        }
    }
    eprintln!(
        "{name}: {COUNT} mutations, {changed} of them changes, {accepted} accepted, all as the same person; {:.1} s",
        started.elapsed().as_secs_f64()
    );
    // Else the changes were so many that nothing was tried.
    assert!(accepted > 0 && changed > COUNT / 2, "{name}: {accepted} accepted, {changed} changed");
}

#[test]
fn simplesamlphp() {
    run("simplesamlphp", 1);
}

#[test]
fn pysaml2() {
    run("pysaml2", 2);
}

#[test]
fn samlp() {
    run("samlp", 3);
}
