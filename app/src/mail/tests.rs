//! Mails as approved by eye, and what must hold whatever stands in them.

use shutterpost_model::access::Role;
use shutterpost_model::captures::CaptureKind;
use shutterpost_model::connections::Notice;
use shutterpost_model::events::{BrandTexts, Branding};
use shutterpost_model::identity::security::Activity;
use shutterpost_model::language::Language;
use shutterpost_model::messages::{Mail, MailWriter, RenderedMail};
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::support::{SupportAccess, SupportMoment};
use shutterpost_model::time::{Date, Millis};

use super::Writer;
use crate::share::tests::{HOSTILE, branding, keys, skeleton};

const ORIGIN: &str = "https://photos.example";

fn secret(path: &str) -> Secret {
    Secret::new(format!("{ORIGIN}{path}"))
}

fn capture(text: Option<&str>) -> Mail {
    let texts = |text: &str| BrandTexts {
        headline: text.to_owned(),
        message: text.to_owned(),
        legal: text.to_owned(),
        mail_subject: text.to_owned(),
        mail_message: text.to_owned(),
    };
    let branding = match text {
        Some(text) => Branding { english: texts(text), german: texts(text), ..branding() },
        None => branding(),
    };
    Mail::Capture {
        kind: CaptureKind::Still,
        event_name: text.unwrap_or("Summer Night & Friends").to_owned(),
        organisation: text.unwrap_or("Nordlicht AG").to_owned(),
        branding: Box::new(branding),
        guest_name: Some(Pii::new(text.unwrap_or("Anna").to_owned())),
        link: secret("/s/owner-token"),
        picture: (secret("/m/media-token/web-3.jpg"), 960, 640),
        logo: Some((secret("/m/media-token/logo"), 640, 160)),
        kept_until: Date::new(2027, 5, 3).expect("valid"),
    }
}

fn invitation(text: Option<&str>) -> Mail {
    Mail::Invitation {
        organisation: text.unwrap_or("Nordlicht AG").to_owned(),
        inviter: Pii::new(text.unwrap_or("Jonas Brandt").to_owned()),
        role: Role::Editor,
        link: secret("/cms/invitation/token"),
        expires_on: Date::new(2026, 5, 10).expect("valid"),
    }
}

fn changed(support: Option<&str>) -> Mail {
    Mail::PasswordChanged { at: Millis(1_772_560_245_999), support: support.map(str::to_owned) }
}

fn activity(what: Activity, device: &str) -> Mail {
    Mail::Activity {
        what,
        at: Millis(1_772_560_245_999),
        device: Pii::new(device.to_owned()),
        event: None,
        organisation: None,
        link: secret("/cms/account/security"),
    }
}

fn gone(what: Activity, event: Option<&str>, organisation: &str) -> Mail {
    Mail::Activity {
        what,
        at: Millis(1_772_560_245_999),
        device: Pii::new(String::new()),
        event: event.map(str::to_owned),
        organisation: Some(organisation.to_owned()),
        link: secret("/cms/account/security"),
    }
}

/// What somebody typed into each text of a mail about a deletion.
fn deleted(text: Option<&str>) -> Mail {
    gone(Activity::EventDeleted, Some(text.unwrap_or("Summer Night & Friends")), text.unwrap_or("Nordlicht AG"))
}

fn support(moment: SupportMoment) -> impl Fn(Option<&str>) -> Mail {
    move |text| Mail::Support {
        moment,
        organisation: text.unwrap_or("Nordlicht GmbH").to_owned(),
        name: Pii::new(text.unwrap_or("Sam Support").to_owned()),
        reason: Pii::new(text.unwrap_or("The gallery of yesterday is empty").to_owned()),
        access: SupportAccess::Read,
        minutes: 30,
        at: Millis(1_772_560_245_999),
        link: secret("/cms/support-access"),
    }
}

/// What somebody typed into each text of a mail about support.
fn asked(text: Option<&str>) -> Mail {
    support(SupportMoment::Asked)(text)
}

fn notice(what: Notice) -> Mail {
    let organisation = "Nordlicht AG".to_owned();
    Mail::Notice { what, at: Millis(1_772_560_245_999), organisation, link: secret("/cms/sign-in-settings") }
}

fn every_mail() -> [(&'static str, Mail); 29] {
    let mut bare = capture(None);
    if let Mail::Capture { branding, guest_name, logo, .. } = &mut bare {
        (**branding, *guest_name, *logo) = (Branding::default(), None, None);
    }
    let moving = |moving: CaptureKind| {
        let mut mail = capture(None);
        if let Mail::Capture { kind, branding, .. } = &mut mail {
            (*kind, **branding) = (moving, Branding::default());
        }
        mail
    };
    [
        ("capture", capture(None)),
        ("capture_bare", bare),
        ("capture_video", moving(CaptureKind::Film)),
        ("capture_animation", moving(CaptureKind::Animation)),
        ("invitation", invitation(None)),
        ("reset", Mail::Reset { link: secret("/cms/reset/token"), minutes: 60 }),
        ("password_changed", changed(Some("support@nordlicht.example"))),
        ("password_changed_bare", changed(None)),
        ("new_device", activity(Activity::NewDevice, "Firefox · Windows")),
        ("factor_added", activity(Activity::FactorAdded, "")),
        ("factor_removed", activity(Activity::FactorRemoved, "")),
        ("recovery_used", activity(Activity::RecoveryUsed, "")),
        ("recovery_renewed", activity(Activity::RecoveryRenewed, "")),
        ("codes_guessed", activity(Activity::CodesGuessed, "")),
        ("support_asked", support(SupportMoment::Asked)(None)),
        ("support_granted", support(SupportMoment::Granted)(None)),
        ("support_begun", support(SupportMoment::Begun)(None)),
        ("support_ended", support(SupportMoment::Ended)(None)),
        ("passkey_added", activity(Activity::PasskeyAdded, "")),
        ("passkey_removed", activity(Activity::PasskeyRemoved, "")),
        ("passkey_copied", activity(Activity::PasskeyCopied, "")),
        ("exported", activity(Activity::Exported, "")),
        ("people_exported", activity(Activity::PeopleExported, "")),
        ("event_deleted", deleted(None)),
        ("event_erased", gone(Activity::EventErased, Some("Summer Night & Friends"), "Nordlicht AG")),
        ("organisation_erased", gone(Activity::OrganisationErased, None, "Nordlicht AG")),
        ("connection_off", notice(Notice::SwitchedOff)),
        ("certificate_week", notice(Notice::CertificateWeek)),
        ("emergency_used", notice(Notice::EmergencyUsed)),
    ]
}

#[test]
fn mails_are_as_approved() {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        for language in Language::ALL {
            for (name, mail) in every_mail() {
                let RenderedMail { subject, text, html } = Writer.write(&mail, language);
                let readable = format!("{}\n\n{}\n{}", subject.expose(), text.expose(), html.expose());
                insta::assert_snapshot!(format!("{name}.{}", language.tag()), readable);
            }
        }
    });
}

#[test]
fn what_people_type_stays_text() {
    for language in Language::ALL {
        for text in HOSTILE {
            for make in [capture, invitation, changed, asked, deleted] {
                let wild = Writer.write(&make(Some(text)), language);
                let tame = Writer.write(&make(Some("tame")), language);
                assert_eq!(skeleton(&folded(&wild)), skeleton(&folded(&tame)), "{text}");
                for part in [wild.subject.expose(), wild.text.expose(), wild.html.expose()] {
                    assert!(!part.contains(['\u{202e}', '\u{2066}', '\u{0}', '\r']), "{text}");
                }
                assert!(!wild.subject.expose().contains('\n'), "{text}");
            }
        }
    }
}

/// The HTML without line breaks: paragraphs may have them.
fn folded(mail: &RenderedMail) -> String {
    mail.html.expose().replace("<br>", " ")
}

#[test]
fn a_subject_is_one_short_line() {
    let long = "Jahresabschlussveranstaltung\r\nBcc: all@example.com ".repeat(30);
    let mail = Writer.write(&capture(Some(&long)), Language::German);
    assert!(mail.subject.expose().chars().count() <= 150);
    assert!(!mail.subject.expose().contains(['\r', '\n']));
}

#[test]
fn mails_load_nothing_but_the_photo_and_the_logo() {
    for language in Language::ALL {
        for (name, mail) in every_mail() {
            let html = Writer.write(&mail, language).html.into_inner();
            let sources: Vec<&str> = html.split("src=\"").skip(1).collect();
            assert!(sources.iter().all(|source| source.starts_with(ORIGIN)), "{name}");
            assert!(sources.len() <= 2, "{name}");
            assert_eq!(sources.len(), html.matches(" alt=\"").count(), "{name}");
            assert!(!html.contains("url(") && !html.contains("@import") && !html.contains("<script"), "{name}");
            assert!(html.len() < 40_000, "{name}: {} bytes", html.len());
        }
    }
}

#[test]
fn both_forms_carry_the_link() {
    for (name, mail) in every_mail() {
        let link = match &mail {
            Mail::Capture { link, .. }
            | Mail::Invitation { link, .. }
            | Mail::Reset { link, .. }
            | Mail::Activity { link, .. }
            | Mail::Support { link, .. }
            | Mail::Notice { link, .. } => link.expose().to_owned(),
            Mail::PasswordChanged { .. } => continue,
        };
        let written = Writer.write(&mail, Language::English);
        assert!(written.text.expose().contains(&format!("\n{link}\n")), "{name}");
        assert!(written.html.expose().contains(&format!("href=\"{link}\"")), "{name}");
    }
}

#[test]
fn every_text_exists_in_both_languages() {
    let english = keys(include_str!("../../locales/en/mail.json"));
    let german = keys(include_str!("../../locales/de/mail.json"));
    assert_eq!(english, german);
}
