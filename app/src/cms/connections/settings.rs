//! The provider's side, as it is entered and kept.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::connections::{
    CertificateView, CertificateWarning, ConnectionView, Kind, OidcView, Provider, SamlShape, SamlView, SettingsView,
    Signed,
};

use crate::cms::forms::{OutcomeBanner, use_form};
use crate::i18n::Locale;
use crate::texts::{language_of, use_locale};
use crate::ui::{Badge, Checkbox, Choice, Field, Meaning, Select, Submit, TextArea, Tone};

#[component]
pub fn SettingsCard(connection: ConnectionView) -> impl IntoView {
    let locale = use_locale();
    let (kind, provider) = (connection.summary.kind, connection.summary.provider);
    let body = match (kind, connection.settings) {
        (Kind::Oidc, Some(SettingsView::Oidc(oidc))) => view! { <Oidc provider oidc kept=true/> }.into_any(),
        (Kind::Oidc, _) => view! { <Oidc provider oidc=OidcView::default() kept=false/> }.into_any(),
        (Kind::Saml, Some(SettingsView::Saml(saml))) => view! { <Saml saml/> }.into_any(),
        (Kind::Saml, _) => view! { <Metadata/> }.into_any(),
    };
    view! {
        <section class="card" aria-labelledby="theirs-title">
            <h2 class="section-title" id="theirs-title">{td_string!(locale, connections.step_theirs)}</h2>
            {body}
        </section>
    }
}

#[component]
fn Oidc(provider: Provider, oidc: OidcView, kept: bool) -> impl IntoView {
    let locale = use_locale();
    let form = use_form("oidc");
    let realm = match provider {
        Provider::Entra => Some(td_string!(locale, connections.tenant)),
        Provider::Google => Some(td_string!(locale, connections.domain_google)),
        _ => None,
    };
    let apple = provider == Provider::Apple;
    let asks_issuer = realm.is_none() && !apple;
    let client_id =
        if apple { td_string!(locale, connections.services_id) } else { td_string!(locale, connections.client_id) };
    let hint = if kept { td_string!(locale, connections.secret_kept) } else { "" };
    let line = |name: &'static str, label: &'static str, hint: &'static str, stored: String| {
        let (value, error) = (form.value(name, stored), form.error(name));
        view! { <Field name label hint value error autocomplete="off"/> }
    };
    let issuer = asks_issuer.then(|| {
        let hint = td_string!(locale, connections.issuer_hint);
        line("issuer", td_string!(locale, connections.issuer), hint, oidc.issuer.clone())
    });
    let realm = realm.map(|label| line("realm", label, "", oidc.realm.clone()));
    let of_apple = apple.then(|| {
        view! {
            {line("team_id", td_string!(locale, connections.team_id), "", oidc.team_id.clone())}
            {line("key_id", td_string!(locale, connections.key_id), "", oidc.key_id.clone())}
        }
    });
    let secret = if apple {
        view! {
            <TextArea
                name="secret"
                label=td_string!(locale, connections.private_key)
                hint
                error=form.error("secret")
                code=true
            />
        }
        .into_any()
    } else {
        view! {
            <Field
                name="secret"
                kind="password"
                label=td_string!(locale, connections.client_secret)
                hint
                error=form.error("secret")
                autocomplete="off"
            />
        }
        .into_any()
    };
    let claims = (!apple && provider != Provider::Google).then(|| {
        let hint = td_string!(locale, connections.group_claims_hint);
        line("group_claims", td_string!(locale, connections.group_claims), hint, oidc.group_claims.join(", "))
    });
    view! {
        <form class="stack" method="post">
            <OutcomeBanner intent="oidc"/>
            {issuer}
            {realm}
            {line("client_id", client_id, "", oidc.client_id.clone())}
            {of_apple}
            {secret}
            {claims}
            <div class="form-actions">
                <Submit intent="oidc" tone=Tone::Primary>{td_string!(locale, connections.save)}</Submit>
            </div>
        </form>
    }
}

/// Where metadata comes from: a file, or an address.
#[component]
fn Metadata() -> impl IntoView {
    let locale = use_locale();
    let (file, address) = (use_form("metadata"), use_form("metadata_url"));
    view! {
        <form class="stack" method="post" enctype="multipart/form-data">
            <OutcomeBanner intent="metadata"/>
            <Field
                name="metadata"
                kind="file"
                label=td_string!(locale, connections.metadata_file)
                accept=".xml,application/xml,text/xml,application/samlmetadata+xml"
                error=file.error("metadata")
                required=true
            />
            <div class="form-actions">
                <Submit intent="metadata" tone=Tone::Primary>{td_string!(locale, connections.metadata_upload)}</Submit>
            </div>
        </form>
        <form class="stack" method="post">
            <OutcomeBanner intent="metadata_url"/>
            <Field
                name="metadata_url"
                kind="url"
                label=td_string!(locale, connections.metadata_url)
                hint=td_string!(locale, connections.metadata_url_hint)
                value=address.value("metadata_url", "")
                error=address.error("metadata_url").or_else(|| address.error("metadata"))
                required=true
            />
            <div class="form-actions">
                <Submit intent="metadata_url">{td_string!(locale, connections.metadata_fetch)}</Submit>
            </div>
        </form>
    }
}

#[component]
fn Saml(saml: SamlView) -> impl IntoView {
    let locale = use_locale();
    let SamlView { provider, sign_in, sign_out: _, certificates, shape } = saml;
    let add = use_form("add_certificate");
    let rows = certificates.into_iter().map(|certificate| view! { <Certificate certificate/> }).collect_view();
    view! {
        <div class="list-row">
            <span class="field-label">{td_string!(locale, connections.saml_provider)}</span>
            <code class="own-value">{provider}</code>
        </div>
        <div class="list-row">
            <span class="field-label">{td_string!(locale, connections.saml_sign_in)}</span>
            <code class="own-value">{sign_in}</code>
        </div>
        <Metadata/>
        <h3 class="field-label">{td_string!(locale, connections.certificates)}</h3>
        <p class="muted">{td_string!(locale, connections.certificates_text)}</p>
        <OutcomeBanner intent="remove_certificate"/>
        {rows}
        <form class="stack" method="post">
            <OutcomeBanner intent="add_certificate"/>
            <TextArea
                name="certificate"
                label=td_string!(locale, connections.certificate_text)
                value=add.value("certificate", "")
                error=add.error("certificate")
                required=true
                code=true
            />
            <div class="form-actions">
                <Submit intent="add_certificate">{td_string!(locale, connections.certificate_add)}</Submit>
            </div>
        </form>
        <Shape shape/>
    }
}

fn warning(locale: Locale, warning: CertificateWarning) -> (Meaning, &'static str) {
    match warning {
        CertificateWarning::NotYetValid => (Meaning::Info, td_string!(locale, connections.warn_not_yet)),
        CertificateWarning::Within30Days => (Meaning::Warn, td_string!(locale, connections.warn_month)),
        CertificateWarning::Within7Days => (Meaning::Warn, td_string!(locale, connections.warn_week)),
        CertificateWarning::WithinADay => (Meaning::Bad, td_string!(locale, connections.warn_day)),
        CertificateWarning::Ended => (Meaning::Bad, td_string!(locale, connections.warn_ended)),
    }
}

#[component]
fn Certificate(certificate: CertificateView) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let CertificateView { fingerprint, subject, not_before, not_after, warning: about } = certificate;
    let (from, until) = (not_before.date().readable(language), not_after.date().readable(language));
    let badge = about.map(|about| {
        let (meaning, text) = warning(locale, about);
        view! { <Badge meaning>{text}</Badge> }
    });
    // Pairs of digits are easier to compare.
    let pairs: Vec<String> =
        fingerprint.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).to_uppercase()).collect();
    let short: String = fingerprint.chars().take(8).collect();
    view! {
        <div class="list-row">
            <div>
                <span>{subject} " " {badge}</span>
                <span class="cell-sub">{td_string!(locale, connections.valid, from = from, until = until)}</span>
                <span class="cell-sub">
                    {td_string!(locale, connections.fingerprint)} ": " <code class="own-value">{pairs.join(":")}</code>
                </span>
            </div>
            <form method="post">
                <input r#type="hidden" name="intent" value="remove_certificate"/>
                <input r#type="hidden" name="fingerprint" value=fingerprint/>
                <button
                    class="button button-quiet"
                    aria-label=td_string!(locale, connections.certificate_remove_label, fingerprint = short)
                >
                    {td_string!(locale, connections.certificate_remove)}
                </button>
            </form>
        </div>
    }
}

#[component]
fn Shape(shape: SamlShape) -> impl IntoView {
    let locale = use_locale();
    let form = use_form("shape");
    let SamlShape { signed, subject, email, name, groups, trust_email } = shape;
    let signs = [
        (Signed::Either, td_string!(locale, connections.signed_either)),
        (Signed::Assertion, td_string!(locale, connections.signed_assertion)),
        (Signed::Response, td_string!(locale, connections.signed_response)),
        (Signed::Both, td_string!(locale, connections.signed_both)),
    ];
    let signs = signs.map(|(value, label)| Choice::new(value.as_str(), label)).to_vec();
    let line = |field: &'static str, label: &'static str, hint: &'static str, stored: String| {
        // What the rules call the field and what the page calls it differ: `name` is the connection's own.
        let rule = field.strip_prefix("attribute_").unwrap_or(field);
        let (value, error) = (form.value(field, stored), form.error(rule));
        view! { <Field name=field label hint value error autocomplete="off"/> }
    };
    let hint = td_string!(locale, connections.attribute_subject_hint);
    view! {
        <form class="stack" method="post">
            <h3 class="field-label">{td_string!(locale, connections.shape)}</h3>
            <OutcomeBanner intent="shape"/>
            <Select
                name="signed"
                label=td_string!(locale, connections.signed)
                options=signs
                value=form.value("signed", signed.as_str())
                error=form.error("signed")
            />
            {line("attribute_subject", td_string!(locale, connections.attribute_subject), hint, subject)}
            {line("attribute_email", td_string!(locale, connections.attribute_email), "", email)}
            {line("attribute_name", td_string!(locale, connections.attribute_name), "", name)}
            {line("attribute_groups", td_string!(locale, connections.attribute_groups), "", groups)}
            <Checkbox
                name="trust_email"
                label=td_string!(locale, connections.trust_email)
                checked=form.checked("trust_email", trust_email)
            />
            <div class="form-actions">
                <Submit intent="shape">{td_string!(locale, connections.save)}</Submit>
            </div>
        </form>
    }
}
