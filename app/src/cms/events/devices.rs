//! The devices that upload into an event.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::events::{Device, Event};
use shutterpost_model::id::EventId;
use shutterpost_model::identity::Me;

use super::head::{EventHead, Part, days};
use super::settings::use_event;
use crate::cms::context::use_origin;
use crate::cms::forms::{OutcomeBanner, use_form};
use crate::cms::load::load;
use crate::texts::{language_of, use_locale};
use crate::ui::{
    Art, Column, CopyButton, Dialog, DialogActions, DialogButton, EmptyState, Field, IconName, PageTitle, Submit,
    Table, Time, Tone,
};
use crate::words::number;

/// The devices of an event.
#[component]
pub fn DevicesPage() -> impl IntoView {
    let event = use_event();
    load(
        |services, actor| async move {
            let event = services.events.find(&actor, &event?).await?;
            let devices = services.events.devices(&actor, &event.id).await?;
            Ok((event, devices))
        },
        |me, (event, devices)| view! { <Devices me event devices/> }.into_any(),
    )
}

#[component]
fn Devices(me: Me, event: Event, devices: Vec<Device>) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let title = format!("{} · {}", td_string!(locale, events.tab_devices), event.draft.name);
    let form = use_form("create");
    let issued = form.issued();
    let columns = vec![
        Column::text(td_string!(locale, events.device_column)),
        Column::text(td_string!(locale, events.device_secret)),
        Column::number(td_string!(locale, events.device_captures)),
        Column::text(td_string!(locale, events.device_seen)),
        Column::wide(td_string!(locale, events.device_created)),
        Column::actions(td_string!(locale, events.device_revoke)),
    ];
    // What was typed belongs to the device that now exists.
    let name = if issued.is_some() { "".into() } else { form.value("name", "") };
    view! {
        <PageTitle text=title/>
        <EventHead
            me
            event=event.id.clone()
            name=event.draft.name
            subtitle=days(language, event.draft.starts_on, event.draft.ends_on)
            current=Part::Devices
        />
        <OutcomeBanner intent="create"/>
        <OutcomeBanner intent="revoke"/>
        {issued.map(|secret| view! { <Issued secret event=event.id/> })}
        <form method="post" class="card events-device-form">
            <p class="muted">{td_string!(locale, events.devices_hint)}</p>
            <Field
                name="name"
                label=td_string!(locale, events.device_name)
                hint=td_string!(locale, events.device_name_hint)
                value=name
                error=form.error("name")
                required=true
                autocomplete="off"
            />
            <div class="form-actions">
                <Submit intent="create" tone=Tone::Primary icon=IconName::Plus>
                    {td_string!(locale, events.device_create)}
                </Submit>
            </div>
        </form>
        {if devices.is_empty() {
            view! {
                <EmptyState
                    art=Art::Unplugged
                    title=td_string!(locale, events.device_empty_title)
                    text=td_string!(locale, events.device_empty_text)
                />
            }
                .into_any()
        } else {
            view! {
                <Table label=td_string!(locale, events.tab_devices) columns>
                    {devices.into_iter().map(|device| view! { <Row device/> }).collect_view()}
                </Table>
            }
                .into_any()
        }}
    }
}

#[component]
fn Row(device: Device) -> impl IntoView {
    let locale = use_locale();
    let Device { id, name, hint, created_at, last_seen_at, captures } = device;
    let dialog = format!("revoke-{id}");
    view! {
        <tr>
            <td>{name.clone()}</td>
            <td>
                <code>{hint}</code>
            </td>
            <td class="number">{number(language_of(locale), captures)}</td>
            <td>
                {match last_seen_at {
                    Some(at) => view! { <Time at relative=true/> }.into_any(),
                    None => view! { <span class="muted">{td_string!(locale, events.device_never)}</span> }.into_any(),
                }}
            </td>
            <td class="wide">
                <Time at=created_at relative=true/>
            </td>
            <td class="actions">
                <DialogButton dialog=dialog.clone() tone=Tone::Quiet>
                    {td_string!(locale, events.device_revoke)}
                </DialogButton>
                <Dialog id=dialog title=td_string!(locale, events.device_revoke_ask, name = name)>
                    <form method="post">
                        <p>{td_string!(locale, events.device_revoke_text)}</p>
                        <input r#type="hidden" name="device" value=id.to_string()/>
                        <DialogActions>
                            <Submit intent="revoke" tone=Tone::Danger>
                                {td_string!(locale, events.device_revoke_confirm)}
                            </Submit>
                        </DialogActions>
                    </form>
                </Dialog>
            </td>
        </tr>
    }
}

/// A command that uploads a photo as the device.
fn example(origin: &str, event: &EventId, secret: &str) -> String {
    format!(
        "curl -X POST {origin}/api/v1/events/{event}/captures \\\n  -H \"Authorization: Bearer {secret}\" \\\n  -H \"Idempotency-Key: photo-1\" \\\n  -F file=@photo.jpg"
    )
}

/// The secret of a new device, shown this once, and how it is used.
#[component]
fn Issued(secret: String, event: EventId) -> impl IntoView {
    let locale = use_locale();
    let command = example(&use_origin(), &event, &secret);
    view! {
        <section class="issued" role="status">
            <h2 class="issued-title">{td_string!(locale, events.device_issued)}</h2>
            <p>{td_string!(locale, events.device_issued_hint)}</p>
            <div class="issued-row">
                <code class="issued-secret">{secret.clone()}</code>
                <CopyButton text=secret/>
            </div>
            <h3 class="events-example-title">{td_string!(locale, events.device_example)}</h3>
            <pre class="events-example" tabindex="0">
                <code>{command.clone()}</code>
            </pre>
            <CopyButton text=command tone=Tone::Quiet/>
            <p class="field-hint">{td_string!(locale, events.device_example_hint)}</p>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_a_whole_command() {
        let event = EventId::new(1, [1; 10]);
        let command = example("https://photos.example", &event, "spd_x");
        assert!(command.starts_with(&format!("curl -X POST https://photos.example/api/v1/events/{event}/captures")));
        assert!(command.contains("Authorization: Bearer spd_x"));
    }
}
