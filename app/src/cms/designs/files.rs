//! The files that were uploaded for an event's design.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::designs::{DesignFile, FileKind};

use crate::texts::{language_of, use_locale};
use crate::ui::{Art, Badge, Column, EmptyState, IconName, Meaning, Submit, Table, Tone};
use crate::words::bytes;

/// All files; those that no design needs can be removed.
#[component]
pub(super) fn Files(files: Vec<DesignFile>) -> impl IntoView {
    let locale = use_locale();
    let columns = vec![
        Column::text(td_string!(locale, designs.file_name)),
        Column::text(td_string!(locale, designs.file_kind)),
        Column::number(td_string!(locale, designs.file_size)),
        Column::actions(td_string!(locale, designs.file_action)),
    ];
    let list = if files.is_empty() {
        view! {
            <EmptyState
                art=Art::Pictures
                title=td_string!(locale, designs.files_empty_title)
                text=td_string!(locale, designs.files_empty_text)
            />
        }
        .into_any()
    } else {
        let rows = files.into_iter().map(|file| view! { <Row file/> });
        let rows = rows.collect_view();
        view! {
            <p class="muted">{td_string!(locale, designs.files_hint)}</p>
            <Table label=td_string!(locale, designs.files) columns>
                {rows}
            </Table>
        }
        .into_any()
    };
    view! {
        // Without a name: the table has it.
        <section class="section">
            <h2 class="section-title">{td_string!(locale, designs.files)}</h2>
            {list}
        </section>
    }
}

#[component]
fn Row(file: DesignFile) -> impl IntoView {
    let locale = use_locale();
    let DesignFile { id, kind, name, media_type: _, size, used } = file;
    let purpose = match kind {
        FileKind::Overlay => td_string!(locale, designs.overlay),
        FileKind::Frame => td_string!(locale, designs.frame),
        FileKind::Logo => td_string!(locale, designs.logo),
    };
    let label = td_string!(locale, designs.file_remove, name = name.clone());
    let action = if used {
        view! { <Badge meaning=Meaning::Info>{td_string!(locale, designs.file_used)}</Badge> }.into_any()
    } else {
        view! {
            <form method="post" enctype="multipart/form-data">
                <input r#type="hidden" name="file" value=id.to_string()/>
                <Submit intent="remove_file" tone=Tone::Quiet icon=IconName::Trash label/>
            </form>
        }
        .into_any()
    };
    view! {
        <tr>
            <td>{name}</td>
            <td>{purpose}</td>
            <td class="number">{bytes(language_of(locale), size)}</td>
            <td class="actions">{action}</td>
        </tr>
    }
}
