//! A mail as HTML that old programs understand too: tables for the layout, styles on the elements, and a small sheet
//! only for what may be missing (dark mode, phones). Outlook on Windows gets a table of fixed width around it.

use shutterpost_model::events::colour::Colour;

use super::{Block, Image, Letter};
use crate::share::palette::Button;
use crate::share::photo::logo_box;

/// Width of a mail, in CSS pixels.
const WIDTH: i32 = 600;
/// Highest picture, so that the button stands on the first screen of a desk.
const PICTURE_HEIGHT: i32 = 600;

const FONT: &str = "font-family:-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;";
const GROUND: Colour = Colour(0xf3, 0xf3, 0xf1);
const CARD: Colour = Colour::WHITE;
const INK: Colour = Colour(0x17, 0x18, 0x1c);
const SOFT: Colour = Colour(0x5b, 0x5f, 0x69);
const DARK_GROUND: Colour = Colour(0x12, 0x13, 0x17);
const DARK_CARD: Colour = Colour(0x1e, 0x20, 0x26);
const DARK_INK: Colour = Colour(0xee, 0xee, 0xf0);
const DARK_SOFT: Colour = Colour(0xa8, 0xac, 0xb6);

pub fn write(letter: &Letter) -> String {
    let mut html = String::with_capacity(12_000);
    head(&mut html, letter);
    html.push_str(&format!(
        "<body class=\"ground\" style=\"margin:0;padding:0;background:{GROUND};\">\n\
         <div style=\"display:none;max-height:0;overflow:hidden;mso-hide:all;\">{}{}</div>\n\
         <table role=\"presentation\" class=\"ground\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" \
         bgcolor=\"{GROUND}\" style=\"background:{GROUND};\"><tr><td align=\"center\" class=\"room\" style=\"padding:32px 16px;\">\n\
         <!--[if mso]><table role=\"presentation\" width=\"{WIDTH}\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\"><tr><td><![endif]-->\n\
         <table role=\"presentation\" class=\"card\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" \
         bgcolor=\"{CARD}\" style=\"table-layout:fixed;max-width:{WIDTH}px;background:{CARD};border-radius:12px;overflow:hidden;\">\n",
        escape(&letter.preheader),
        // Keeps the first words of the body out of the list's preview.
        "&#8199;&#847; ".repeat(40),
    ));
    band(&mut html, letter);
    for block in &letter.blocks {
        write_block(&mut html, letter, block);
    }
    html.push_str("<tr><td style=\"height:32px;line-height:32px;font-size:16px;\">&nbsp;</td></tr>\n</table>\n");
    foot(&mut html, letter);
    html.push_str("<!--[if mso]></td></tr></table><![endif]-->\n</td></tr></table>\n</body>\n</html>\n");
    html
}

fn head(html: &mut String, letter: &Letter) {
    let dark = Button::on(letter.accent, DARK_CARD);
    html.push_str(&format!(
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"supported-color-schemes\" content=\"light dark\">\n\
         <meta name=\"x-apple-disable-message-reformatting\">\n\
         <meta name=\"format-detection\" content=\"telephone=no,date=no,address=no,email=no,url=no\">\n\
         <title>{}</title>\n<style>\n\
         :root{{color-scheme:light dark;supported-color-schemes:light dark}}\n\
         @media (max-width:640px){{.room{{padding:0!important}}.card{{border-radius:0!important}}.side{{padding-left:20px!important;padding-right:20px!important}}}}\n\
         @media (prefers-color-scheme:dark){{.ground{{background:{DARK_GROUND}!important}}.card{{background:{DARK_CARD}!important}}\
         .ink{{color:{DARK_INK}!important}}.soft{{color:{DARK_SOFT}!important}}\
         .do{{border-color:{}!important}}}}\n\
         </style>\n</head>\n",
        letter.language.tag(),
        escape(&letter.subject),
        dark.edge,
    ));
}

/// The client's colour with logo or name in it: logos are made for that ground.
fn band(html: &mut String, letter: &Letter) {
    let palette = &letter.palette;
    let mark = match &letter.logo {
        Some(logo) => {
            let (width, height) = logo_box(logo.width, logo.height);
            image(logo, width, height, &format!("{FONT}font-size:18px;font-weight:600;color:{};", palette.ink))
        }
        None => format!(
            "<span dir=\"auto\" style=\"{FONT}font-size:18px;line-height:24px;font-weight:600;color:{};\">{}</span>",
            palette.ink,
            escape(&letter.sender),
        ),
    };
    html.push_str(&format!(
        "<tr><td align=\"center\" bgcolor=\"{0}\" style=\"padding:20px 24px;background:{0};\">{mark}</td></tr>\n",
        palette.backdrop,
    ));
}

fn write_block(html: &mut String, letter: &Letter, block: &Block) {
    match block {
        Block::Picture(picture, link) => {
            let (width, height) = fitted(picture.width, picture.height);
            let backdrop = letter.palette.backdrop;
            html.push_str(&format!(
                "<tr><td align=\"center\" bgcolor=\"{backdrop}\" style=\"background:{backdrop};font-size:0;line-height:0;\">\
                 <a href=\"{}\" style=\"text-decoration:none;\">{}</a></td></tr>\n",
                escape(link),
                image(picture, width, height, &format!("{FONT}font-size:16px;line-height:24px;color:{};", letter.palette.ink)),
            ));
        }
        Block::Heading(text) => row(html, 32, |html| {
            html.push_str(&format!(
                "<h1 dir=\"auto\" class=\"ink\" style=\"margin:0;{FONT}font-size:24px;line-height:30px;font-weight:700;\
                 letter-spacing:-0.2px;word-break:break-word;color:{INK};\">{}</h1>",
                escape(text),
            ));
        }),
        Block::Text(text) => row(html, 16, |html| paragraph(html, text, "ink", INK, 16, 25)),
        Block::Note(text) => row(html, 12, |html| paragraph(html, text, "soft", SOFT, 13, 20)),
        Block::Button { label, url, otherwise } => {
            let (Button { fill, edge, ink }, url) = (Button::on(letter.accent, CARD), escape(url));
            row(html, 28, |html| {
                html.push_str(&format!(
                    "<table role=\"presentation\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\"><tr>\
                     <td align=\"center\" class=\"do\" bgcolor=\"{fill}\" style=\"border:1px solid {edge};border-radius:26px;background:{fill};\">\
                     <a href=\"{url}\" style=\"display:inline-block;padding:13px 28px;{FONT}font-size:16px;line-height:24px;\
                     font-weight:600;color:{ink};text-decoration:none;border-radius:26px;\">{}</a></td></tr></table>",
                    escape(label),
                ));
            });
            row(html, 24, |html| {
                html.push_str(&format!(
                    "<p class=\"soft\" style=\"margin:0;{FONT}font-size:13px;line-height:20px;color:{SOFT};\">{}<br>\
                     <a href=\"{url}\" class=\"soft\" style=\"color:{SOFT};text-decoration:underline;word-break:break-all;\">{url}</a></p>",
                    escape(otherwise),
                ));
            });
        }
    }
}

/// The small print, below the card.
fn foot(html: &mut String, letter: &Letter) {
    html.push_str(&format!(
        "<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" style=\"max-width:{WIDTH}px;\">\n"
    ));
    for text in &letter.foot {
        row(html, 12, |html| paragraph(html, text, "soft", SOFT, 12, 18));
    }
    if !letter.links.is_empty() {
        row(html, 12, |html| {
            let links: Vec<String> = letter
                .links
                .iter()
                .map(|(name, url)| {
                    format!(
                        "<a href=\"{}\" class=\"soft\" style=\"color:{SOFT};text-decoration:underline;\">{}</a>",
                        escape(url),
                        escape(name),
                    )
                })
                .collect();
            html.push_str(&format!(
                "<p class=\"soft\" style=\"margin:0;{FONT}font-size:12px;line-height:18px;color:{SOFT};\">{}</p>",
                links.join(" &nbsp;·&nbsp; "),
            ));
        });
    }
    html.push_str("<tr><td style=\"height:32px;line-height:32px;font-size:16px;\">&nbsp;</td></tr>\n</table>\n");
}

/// A row of the card with the usual room at its sides and `above` pixels of air.
fn row(html: &mut String, above: u8, content: impl FnOnce(&mut String)) {
    html.push_str(&format!("<tr><td class=\"side\" style=\"padding:{above}px 40px 0;\">"));
    content(html);
    html.push_str("</td></tr>\n");
}

fn paragraph(html: &mut String, text: &str, class: &str, colour: Colour, size: u8, line: u8) {
    html.push_str(&format!(
        "<p dir=\"auto\" class=\"{class}\" style=\"margin:0;{FONT}font-size:{size}px;line-height:{line}px;word-break:break-word;color:{colour};\">{}</p>",
        escape(text).replace('\n', "<br>"),
    ));
}

fn image(image: &Image, width: i32, height: i32, words: &str) -> String {
    format!(
        "<img src=\"{}\" width=\"{width}\" height=\"{height}\" alt=\"{}\" border=\"0\" \
         style=\"display:block;width:{width}px;max-width:100%;height:auto;border:0;{words}\">",
        escape(&image.url),
        escape(&image.alt),
    )
}

/// The size at which a picture is shown: as wide as the mail, unless it would become too high.
fn fitted(width: i32, height: i32) -> (i32, i32) {
    let (width, height) = (i64::from(width), i64::from(height));
    let full = (i64::from(WIDTH), (height * i64::from(WIDTH) / width).max(1));
    let shown = if full.1 <= i64::from(PICTURE_HEIGHT) {
        full
    } else {
        ((width * i64::from(PICTURE_HEIGHT) / height).max(1), i64::from(PICTURE_HEIGHT))
    };
    (i32::try_from(shown.0).unwrap_or(WIDTH), i32::try_from(shown.1).unwrap_or(PICTURE_HEIGHT))
}

/// Makes a text safe inside an element and inside a quoted attribute.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_fit_the_mail() {
        assert_eq!(fitted(960, 640), (600, 400));
        assert_eq!(fitted(640, 960), (400, 600));
        assert_eq!(fitted(300, 200), (600, 400));
        assert_eq!(fitted(1, 100_000), (1, 600));
    }

    #[test]
    fn text_stays_text() {
        assert_eq!(escape("<a b=\"c\">'&"), "&lt;a b=&quot;c&quot;&gt;&#39;&amp;");
    }
}
