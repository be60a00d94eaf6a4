//! The colours of a guest's page or mail, derived from the two an event chose. Whatever those are, text is readable
//! (contrast 4.5) and buttons can be told from their ground (contrast 3).

use shutterpost_model::events::Branding;
use shutterpost_model::events::colour::{Colour, READABLE};

/// Least contrast of a button's edge against its ground (WCAG 2.2, 1.4.11).
const DISTINCT: f64 = 3.0;

/// The red of what cannot be undone, before it is fitted to a ground.
const DANGER: Colour = Colour(0xd9, 0x2d, 0x20);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette {
    /// The ground behind the photo.
    pub backdrop: Colour,
    /// The ground of the words beside the photo, of the bar and of the share sheet.
    pub panel: Colour,
    /// Text, readable on both grounds.
    pub ink: Colour,
    /// Text of less weight, readable on both grounds.
    pub soft: Colour,
    /// Hairlines; decoration only.
    pub line: Colour,
    /// The ground of quiet buttons, and the text on it.
    pub quiet: Colour,
    pub quiet_ink: Colour,
    /// The main button.
    pub accent: Button,
    /// The button that deletes.
    pub danger: Button,
}

/// A button's colours: the client's own, with an edge where that alone would not stand out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Button {
    pub fill: Colour,
    pub edge: Colour,
    pub ink: Colour,
}

impl Palette {
    pub fn of(branding: &Branding) -> Self {
        let backdrop = branding.backdrop;
        let strongest = backdrop.ink();
        // What lies on top is lighter, by night and by day. On a middling ground under white text there is no room for
        // that: there it is darker, or the text on it would become unreadable.
        // Never by much except near white, because the client's logo, made for the backdrop, stands on it.
        let lighter = match backdrop.luminance() {
            bright if bright >= 0.6 => 60,
            _ if strongest == Colour::BLACK => 12,
            _ => 6,
        };
        let raised = mix(backdrop, Colour::WHITE, lighter);
        let panel = if raised.contrast(strongest) >= READABLE { raised } else { mix(backdrop, Colour::BLACK, 12) };
        let fitting = |share| {
            (share..=100)
                .step_by(4)
                .map(|share| mix(backdrop, strongest, share))
                .find(|ink| ink.contrast(backdrop) >= READABLE && ink.contrast(panel) >= READABLE)
                .unwrap_or(strongest)
        };
        let quiet = mix(panel, strongest, 12);
        Self {
            backdrop,
            panel,
            ink: fitting(92),
            soft: fitting(64),
            line: mix(panel, strongest, 14),
            quiet,
            quiet_ink: ink_on(quiet),
            accent: Button::on(branding.accent, panel),
            danger: Button::on(DANGER, backdrop),
        }
    }

    /// Whether the ground is dark, so that native parts of the page are dark as well.
    pub fn is_dark(&self) -> bool {
        self.backdrop.ink() == Colour::WHITE
    }
}

impl Button {
    /// A button of the wanted colour on a ground.
    pub fn on(fill: Colour, ground: Colour) -> Self {
        let towards = ground.ink();
        let edge = (0..=100)
            .step_by(2)
            .map(|share| mix(fill, towards, share))
            .find(|candidate| candidate.contrast(ground) >= DISTINCT)
            .unwrap_or(towards);
        Self { fill, edge, ink: ink_on(fill) }
    }
}

/// The text on a button: white where it can be read, which is what people expect on a colour, else the better one.
fn ink_on(ground: Colour) -> Colour {
    if ground.contrast(Colour::WHITE) >= READABLE { Colour::WHITE } else { ground.ink() }
}

/// `share` hundredths of the second colour in the first.
fn mix(first: Colour, second: Colour, share: u16) -> Colour {
    let channel = |a: u8, b: u8| {
        let mixed = (u16::from(a) * (100 - share) + u16::from(b) * share + 50) / 100;
        u8::try_from(mixed).unwrap_or(u8::MAX)
    };
    Colour(channel(first.0, second.0), channel(first.1, second.1), channel(first.2, second.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colours(step: usize) -> impl Iterator<Item = Colour> {
        (0..=0x00ff_ffff_u32).step_by(step).map(|value| {
            let [_, red, green, blue] = value.to_be_bytes();
            Colour(red, green, blue)
        })
    }

    #[test]
    fn every_choice_of_colours_can_be_read() {
        for backdrop in colours(39_119) {
            for accent in [backdrop, Colour::WHITE, Colour::BLACK, Colour::ACCENT, Colour(0xff, 0xd4, 0x00)] {
                let palette = Palette::of(&Branding { accent, backdrop, ..Branding::default() });
                for ground in [palette.backdrop, palette.panel] {
                    assert!(palette.ink.contrast(ground) >= READABLE, "ink on {ground}");
                    assert!(palette.soft.contrast(ground) >= READABLE, "soft on {ground}");
                }
                assert!(palette.quiet_ink.contrast(palette.quiet) >= READABLE, "text on {}", palette.quiet);
                for (button, ground) in [(palette.accent, palette.panel), (palette.danger, palette.backdrop)] {
                    assert!(button.ink.contrast(button.fill) >= READABLE, "text on {}", button.fill);
                    assert!(button.edge.contrast(ground) >= DISTINCT, "{} on {ground}", button.edge);
                }
            }
        }
    }

    #[test]
    fn a_button_has_the_colour_that_was_chosen() {
        let yellow = Button::on(Colour(0xff, 0xd4, 0x00), Colour::WHITE);
        assert_eq!((yellow.fill, yellow.ink), (Colour(0xff, 0xd4, 0x00), Colour::BLACK));
        assert_ne!(yellow.edge, yellow.fill, "yellow on white needs an edge");
        let blue = Button::on(Colour::ACCENT, Colour::WHITE);
        assert_eq!((blue.edge, blue.ink), (blue.fill, Colour::WHITE));
    }
}
