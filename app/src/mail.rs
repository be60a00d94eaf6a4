//! Mails: what each one says, once; `mail/html` and `mail/text` write it down in two ways.
//!
//! No pixels that count, nothing from anybody else: a mail loads at most the photo and the client's logo, from us.

use leptos_i18n::td_string;

use shutterpost_model::access::Role;
use shutterpost_model::captures::CaptureKind;
use shutterpost_model::connections::Notice;
use shutterpost_model::events::Branding;
use shutterpost_model::events::colour::Colour;
use shutterpost_model::identity::security::Activity;
use shutterpost_model::language::Language;
use shutterpost_model::messages::{Mail, MailWriter, RenderedMail};
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::support::{SupportAccess, SupportMoment};
use shutterpost_model::time::{Date, Millis};

use crate::i18n::Locale;
use crate::share::palette::Palette;
use crate::share::words;
use crate::texts::locale_of;

mod html;
mod text;
#[cfg(test)]
mod tests;

/// Longest subject, in characters; more is cut by every mail program.
const SUBJECT: usize = 150;

/// Writes all mails of the product.
#[derive(Debug, Clone, Copy, Default)]
pub struct Writer;

impl MailWriter for Writer {
    fn write(&self, mail: &Mail, language: Language) -> RenderedMail {
        let letter = Letter::new(mail, language);
        RenderedMail {
            // One line without control characters, so that no text can add a header.
            subject: Pii::new(words::short(&letter.subject, SUBJECT)),
            text: Pii::new(text::write(&letter)),
            html: Pii::new(html::write(&letter)),
        }
    }
}

/// A mail as content. All texts are in the clear: whoever writes it down escapes them.
struct Letter {
    language: Language,
    subject: String,
    /// What lists of mails show after the subject.
    preheader: String,
    /// Client or product, and how they look.
    sender: String,
    logo: Option<Image>,
    palette: Palette,
    /// The client's colour as chosen; buttons are fitted to the ground they stand on.
    accent: Colour,
    blocks: Vec<Block>,
    /// Small print: paragraphs, then links.
    foot: Vec<String>,
    links: Vec<(&'static str, String)>,
}

enum Block {
    /// A picture over the whole width that opens a page.
    Picture(Image, String),
    Heading(String),
    Text(String),
    /// What to do, and where; with a sentence for those whose button does not work.
    Button {
        label: &'static str,
        url: String,
        otherwise: &'static str,
    },
    /// A text of less weight.
    Note(String),
}

struct Image {
    url: String,
    /// Pixels of the file.
    width: i32,
    height: i32,
    alt: String,
}

/// The parts of [`Mail::Capture`].
struct Capture<'a> {
    kind: CaptureKind,
    event_name: &'a str,
    organisation: &'a str,
    branding: &'a Branding,
    guest_name: Option<&'a str>,
    link: &'a Secret,
    picture: &'a (Secret, i32, i32),
    logo: Option<&'a (Secret, i32, i32)>,
    kept_until: Date,
}

/// The parts of [`Mail::Support`].
struct Support<'a> {
    moment: SupportMoment,
    organisation: &'a str,
    name: &'a str,
    reason: &'a str,
    at: Millis,
    link: &'a Secret,
}

impl Letter {
    fn new(mail: &Mail, language: Language) -> Self {
        match mail {
            Mail::Capture { kind, event_name, organisation, branding, guest_name, link, picture, logo, kept_until } => {
                let capture = Capture {
                    kind: *kind,
                    event_name,
                    organisation,
                    branding,
                    guest_name: guest_name.as_ref().map(|name| name.expose().as_str()),
                    link,
                    picture,
                    logo: logo.as_ref(),
                    kept_until: *kept_until,
                };
                Self::capture(&capture, language)
            }
            Mail::Invitation { organisation, inviter, role, link, expires_on } => {
                Self::invitation(organisation, inviter.expose(), *role, link, *expires_on, language)
            }
            Mail::Reset { link, minutes } => Self::reset(link, *minutes, language),
            Mail::PasswordChanged { at, support } => Self::password_changed(*at, support.as_deref(), language),
            Mail::Notice { what, at, organisation, link } => Self::notice(*what, *at, organisation, link, language),
            Mail::Activity { what, at, device, event, organisation, link } => {
                let about = (event.as_deref(), organisation.as_deref());
                Self::activity(*what, *at, device.expose(), about, link, language)
            }
            Mail::Support { moment, organisation, name, reason, access, minutes, at, link } => {
                let support = Support {
                    moment: *moment,
                    organisation,
                    name: name.expose(),
                    reason: reason.expose(),
                    at: *at,
                    link,
                };
                Self::support(&support, (*access, *minutes), language)
            }
        }
    }

    fn capture(capture: &Capture<'_>, language: Language) -> Self {
        let Capture { kind, event_name, organisation, branding, guest_name, link, picture, logo, kept_until } =
            *capture;
        let locale = locale_of(language);
        let texts = branding.texts(language);
        let (event, sender) = (words::line(event_name), words::line(organisation));
        /// The text for a still, for a film and for an animation.
        macro_rules! by_kind {
            ($still:ident, $film:ident, $animation:ident $(, $name:ident = $value:expr)?) => {
                match kind {
                    CaptureKind::Still => td_string!(locale, mail.$still $(, $name = $value)?),
                    CaptureKind::Film => td_string!(locale, mail.$film $(, $name = $value)?),
                    CaptureKind::Animation => td_string!(locale, mail.$animation $(, $name = $value)?),
                }
            };
        }
        let ours = by_kind!(capture_subject, video_subject, animation_subject, event = event.as_str());
        let subject = or_else(words::line(&texts.mail_subject), || ours.clone());
        let heading = or_else(words::line(&texts.headline), || ours.clone());
        let message = or_else(words::plain(&texts.mail_message), || {
            by_kind!(capture_text, video_text, animation_text, event = event.as_str())
        });
        let hello = match guest_name.map(words::line).filter(|name| !name.is_empty()) {
            Some(name) => td_string!(locale, mail.capture_hello, name = name.as_str()),
            None => td_string!(locale, mail.capture_hello_nobody).to_owned(),
        };
        let kept = kept_until.readable(language);
        let why = by_kind!(capture_why, video_why, animation_why, event = event.as_str());
        let sent = td_string!(locale, mail.sent_by, organisation = sender.as_str());
        let legal = words::plain(&texts.legal);
        let links = [
            (td_string!(locale, mail.privacy), &branding.privacy_url),
            (td_string!(locale, mail.imprint), &branding.imprint_url),
        ];
        Self {
            language,
            subject,
            preheader: td_string!(locale, mail.capture_preheader).to_owned(),
            logo: logo.map(|logo| Image::new(logo, sender.clone())),
            sender,
            palette: Palette::of(branding),
            accent: branding.accent,
            blocks: vec![
                Block::Picture(Image::new(picture, ours), link.expose().to_owned()),
                Block::Heading(heading),
                Block::Text(hello),
                Block::Text(message),
                button(locale, by_kind!(capture_open, video_open, animation_open), link),
                Block::Note(by_kind!(capture_private, video_private, animation_private).to_owned()),
                Block::Note(by_kind!(capture_kept, video_kept, animation_kept, date = kept.as_str())),
            ],
            foot: [legal, why, sent].into_iter().filter(|text| !text.is_empty()).collect(),
            links: links.into_iter().filter_map(|(name, url)| Some((name, words::https(url)?))).collect(),
        }
    }

    fn invitation(
        organisation: &str,
        inviter: &str,
        role: Role,
        link: &Secret,
        expires_on: Date,
        language: Language,
    ) -> Self {
        let locale = locale_of(language);
        let (organisation, inviter) = (words::line(organisation), words::line(inviter));
        let (organisation, inviter) = (organisation.as_str(), inviter.as_str());
        let date = expires_on.readable(language);
        Self::ours(
            language,
            td_string!(locale, mail.invitation_subject, organisation = organisation),
            td_string!(locale, mail.invitation_preheader, organisation = organisation),
            vec![
                Block::Heading(td_string!(locale, mail.invitation_title, organisation = organisation)),
                Block::Text(td_string!(locale, mail.invitation_text, inviter = inviter, organisation = organisation)),
                Block::Text(td_string!(locale, mail.invitation_role, role = role_name(locale, role))),
                button(locale, td_string!(locale, mail.invitation_open), link),
                Block::Note(td_string!(locale, mail.invitation_expires, date = date.as_str())),
            ],
        )
    }

    fn reset(link: &Secret, minutes: i64, language: Language) -> Self {
        let locale = locale_of(language);
        let subject = td_string!(locale, mail.reset_subject);
        Self::ours(
            language,
            subject.to_owned(),
            td_string!(locale, mail.reset_preheader, minutes = minutes),
            vec![
                Block::Heading(subject.to_owned()),
                Block::Text(td_string!(locale, mail.reset_text).to_owned()),
                button(locale, td_string!(locale, mail.reset_open), link),
                Block::Note(td_string!(locale, mail.reset_expires, minutes = minutes)),
            ],
        )
    }

    fn password_changed(at: Millis, support: Option<&str>, language: Language) -> Self {
        let locale = locale_of(language);
        let subject = td_string!(locale, mail.changed_subject);
        let time = at.readable(language, 0);
        let help = match support.map(words::line).filter(|support| !support.is_empty()) {
            Some(support) => td_string!(locale, mail.changed_help, support = support.as_str()),
            None => td_string!(locale, mail.changed_help_nobody).to_owned(),
        };
        Self::ours(
            language,
            subject.to_owned(),
            td_string!(locale, mail.changed_preheader).to_owned(),
            vec![
                Block::Heading(subject.to_owned()),
                Block::Text(td_string!(locale, mail.changed_text, time = time.as_str())),
                Block::Text(help),
            ],
        )
    }

    fn activity(
        what: Activity,
        at: Millis,
        device: &str,
        (event, organisation): (Option<&str>, Option<&str>),
        link: &Secret,
        language: Language,
    ) -> Self {
        let locale = locale_of(language);
        let (subject, text) = match what {
            Activity::NewDevice => {
                (td_string!(locale, mail.activity_new_device), td_string!(locale, mail.activity_new_device_text))
            }
            Activity::FactorAdded => {
                (td_string!(locale, mail.activity_factor_added), td_string!(locale, mail.activity_factor_added_text))
            }
            Activity::FactorRemoved => (
                td_string!(locale, mail.activity_factor_removed),
                td_string!(locale, mail.activity_factor_removed_text),
            ),
            Activity::RecoveryUsed => {
                (td_string!(locale, mail.activity_recovery_used), td_string!(locale, mail.activity_recovery_used_text))
            }
            Activity::RecoveryRenewed => (
                td_string!(locale, mail.activity_recovery_renewed),
                td_string!(locale, mail.activity_recovery_renewed_text),
            ),
            Activity::CodesGuessed => {
                (td_string!(locale, mail.activity_codes_guessed), td_string!(locale, mail.activity_codes_guessed_text))
            }
            Activity::PasskeyAdded => {
                (td_string!(locale, passkeys.mail_added), td_string!(locale, passkeys.mail_added_text))
            }
            Activity::PasskeyRemoved => {
                (td_string!(locale, passkeys.mail_removed), td_string!(locale, passkeys.mail_removed_text))
            }
            Activity::PasskeyCopied => {
                (td_string!(locale, passkeys.mail_copied), td_string!(locale, passkeys.mail_copied_text))
            }
            Activity::Exported => (td_string!(locale, exports.mail), td_string!(locale, exports.mail_text)),
            Activity::PeopleExported => {
                (td_string!(locale, exports.mail_people), td_string!(locale, exports.mail_people_text))
            }
            Activity::EventDeleted => {
                (td_string!(locale, mail.deleted_event), td_string!(locale, mail.deleted_event_text))
            }
            Activity::EventErased => {
                (td_string!(locale, mail.erased_event), td_string!(locale, mail.erased_event_text))
            }
            Activity::OrganisationErased => {
                (td_string!(locale, mail.erased_organisation), td_string!(locale, mail.erased_organisation_text))
            }
        };
        // Told to others than whoever did it, too.
        let (preheader, help) = match what {
            Activity::EventDeleted | Activity::EventErased | Activity::OrganisationErased => {
                (td_string!(locale, mail.deleted_preheader), td_string!(locale, mail.deleted_help))
            }
            _ => (td_string!(locale, mail.activity_preheader), td_string!(locale, mail.activity_help)),
        };
        let time = at.readable(language, 0);
        let device = or_else(words::line(device), || td_string!(locale, mail.activity_device_unknown).to_owned());
        let device = (what == Activity::NewDevice)
            .then(|| Block::Text(td_string!(locale, mail.activity_device, device = device.as_str())));
        let mut blocks = vec![Block::Heading(subject.to_owned()), Block::Text(text.to_owned())];
        blocks.extend(device);
        blocks.extend(
            event
                .map(words::line)
                .map(|event| Block::Text(td_string!(locale, mail.deleted_in_event, event = event.as_str()))),
        );
        blocks.extend(organisation.map(words::line).map(|organisation| {
            Block::Text(td_string!(locale, mail.deleted_in_organisation, organisation = organisation.as_str()))
        }));
        blocks.extend([
            Block::Note(td_string!(locale, mail.activity_at, time = time.as_str())),
            Block::Text(help.to_owned()),
            button(locale, td_string!(locale, mail.activity_open), link),
        ]);
        Self::ours(language, subject.to_owned(), preheader.to_owned(), blocks)
    }

    fn support(support: &Support<'_>, (access, minutes): (SupportAccess, i64), language: Language) -> Self {
        let locale = locale_of(language);
        let organisation = words::line(support.organisation);
        let (organisation, name) = (organisation.as_str(), words::line(support.name));
        let (name, reason) = (name.as_str(), words::line(support.reason));
        let access = match access {
            SupportAccess::Read => td_string!(locale, support.access_read),
            SupportAccess::Write => td_string!(locale, support.access_write),
        };
        let (subject, text) = match support.moment {
            SupportMoment::Asked => (
                td_string!(locale, support.mail_asked, organisation = organisation),
                td_string!(
                    locale,
                    support.mail_asked_text,
                    name = name,
                    organisation = organisation,
                    minutes = minutes,
                    access = access
                ),
            ),
            SupportMoment::Granted => (
                td_string!(locale, support.mail_granted, organisation = organisation),
                td_string!(
                    locale,
                    support.mail_granted_text,
                    name = name,
                    organisation = organisation,
                    minutes = minutes,
                    access = access
                ),
            ),
            SupportMoment::Begun => (
                td_string!(locale, support.mail_begun, organisation = organisation),
                td_string!(locale, support.mail_begun_text, name = name, organisation = organisation, access = access),
            ),
            SupportMoment::Ended => (
                td_string!(locale, support.mail_ended, organisation = organisation),
                td_string!(locale, support.mail_ended_text, name = name, organisation = organisation),
            ),
        };
        let time = support.at.readable(language, 0);
        Self::ours(
            language,
            subject.clone(),
            td_string!(locale, support.mail_preheader).to_owned(),
            vec![
                Block::Heading(subject),
                Block::Text(text),
                Block::Text(td_string!(locale, support.mail_reason, reason = reason.as_str())),
                Block::Note(td_string!(locale, support.mail_at, time = time.as_str())),
                button(locale, td_string!(locale, support.mail_open), support.link),
            ],
        )
    }

    fn notice(what: Notice, at: Millis, organisation: &str, link: &Secret, language: Language) -> Self {
        let locale = locale_of(language);
        let (subject, text) = match what {
            Notice::Changed => {
                (td_string!(locale, connections.notice_changed), td_string!(locale, connections.notice_changed_text))
            }
            Notice::SwitchedOn => (
                td_string!(locale, connections.notice_switched_on),
                td_string!(locale, connections.notice_switched_on_text),
            ),
            Notice::SwitchedOff => (
                td_string!(locale, connections.notice_switched_off),
                td_string!(locale, connections.notice_switched_off_text),
            ),
            Notice::Deleted => {
                (td_string!(locale, connections.notice_deleted), td_string!(locale, connections.notice_deleted_text))
            }
            Notice::CertificateMonth => (
                td_string!(locale, connections.notice_certificate_month),
                td_string!(locale, connections.notice_certificate_month_text),
            ),
            Notice::CertificateWeek => (
                td_string!(locale, connections.notice_certificate_week),
                td_string!(locale, connections.notice_certificate_week_text),
            ),
            Notice::DomainFailing => (
                td_string!(locale, connections.notice_domain_failing),
                td_string!(locale, connections.notice_domain_failing_text),
            ),
            Notice::DomainLost => (
                td_string!(locale, connections.notice_domain_lost),
                td_string!(locale, connections.notice_domain_lost_text),
            ),
            Notice::OwnSignInRequired => (
                td_string!(locale, enforce.notice_own_sign_in_required),
                td_string!(locale, enforce.notice_own_sign_in_required_text),
            ),
            Notice::OwnSignInFree => (
                td_string!(locale, enforce.notice_own_sign_in_free),
                td_string!(locale, enforce.notice_own_sign_in_free_text),
            ),
            Notice::OwnerArmed => {
                (td_string!(locale, enforce.notice_owner_armed), td_string!(locale, enforce.notice_owner_armed_text))
            }
            Notice::OwnerDisarmed => (
                td_string!(locale, enforce.notice_owner_disarmed),
                td_string!(locale, enforce.notice_owner_disarmed_text),
            ),
            Notice::EmergencyUsed => (
                td_string!(locale, enforce.notice_emergency_used),
                td_string!(locale, enforce.notice_emergency_used_text),
            ),
            Notice::CertificateDay => (
                td_string!(locale, connections.notice_certificate_day),
                td_string!(locale, connections.notice_certificate_day_text),
            ),
        };
        let (time, organisation) = (at.readable(language, 0), words::line(organisation));
        let about = td_string!(locale, connections.notice_about, organisation = organisation.as_str());
        let blocks = vec![
            Block::Heading(subject.to_owned()),
            Block::Text(text.to_owned()),
            Block::Note(about.clone()),
            Block::Note(td_string!(locale, mail.activity_at, time = time.as_str())),
            Block::Text(td_string!(locale, connections.notice_help).to_owned()),
            button(locale, td_string!(locale, connections.notice_open), link),
        ];
        Self::ours(language, subject.to_owned(), about, blocks)
    }

    /// A mail in the product's own name.
    fn ours(language: Language, subject: String, preheader: String, blocks: Vec<Block>) -> Self {
        Self {
            language,
            subject,
            preheader,
            sender: "Shutterpost".to_owned(),
            logo: None,
            palette: Palette::of(&Branding::default()),
            accent: Colour::ACCENT,
            blocks,
            foot: vec![td_string!(locale_of(language), mail.sent).to_owned()],
            links: Vec::new(),
        }
    }
}

impl Image {
    fn new((url, width, height): &(Secret, i32, i32), alt: String) -> Self {
        Self { url: url.expose().to_owned(), width: (*width).max(1), height: (*height).max(1), alt }
    }
}

fn button(locale: Locale, label: &'static str, link: &Secret) -> Block {
    Block::Button { label, url: link.expose().to_owned(), otherwise: td_string!(locale, mail.plain_link) }
}

fn or_else(text: String, other: impl FnOnce() -> String) -> String {
    if text.is_empty() { other() } else { text }
}

fn role_name(locale: Locale, role: Role) -> &'static str {
    match role {
        Role::Owner => td_string!(locale, mail.role_owner),
        Role::Admin => td_string!(locale, mail.role_admin),
        Role::Editor => td_string!(locale, mail.role_editor),
        Role::Viewer => td_string!(locale, mail.role_viewer),
        Role::Reporter => td_string!(locale, mail.role_reporter),
    }
}
