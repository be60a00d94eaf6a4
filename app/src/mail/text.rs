//! A mail as plain text, for those who read it so and for filters that mistrust mails without.

use super::{Block, Letter};

pub fn write(letter: &Letter) -> String {
    let mut parts: Vec<String> = letter.blocks.iter().filter_map(paragraph).collect();
    // The dashes and the space after them mark what follows as a signature (RFC 3676 §4.3).
    let mut foot = vec![format!("-- \n{}", letter.sender)];
    foot.extend(letter.foot.iter().cloned());
    foot.extend(letter.links.iter().map(|(name, url)| format!("{name}: {url}")));
    parts.push(foot.join("\n"));
    let mut text = parts.join("\n\n");
    text.push('\n');
    text
}

fn paragraph(block: &Block) -> Option<String> {
    match block {
        // The button below leads to the same page.
        Block::Picture(..) => None,
        Block::Heading(text) | Block::Text(text) | Block::Note(text) => Some(text.clone()),
        Block::Button { label, url, otherwise: _ } => Some(format!("{label}:\n{url}")),
    }
}
