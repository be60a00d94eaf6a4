//! Bringing photos in by hand: a file picker, a drop anywhere on the page, a pasted picture. Without script it is a
//! form with a file field.

use leptos::prelude::*;
use leptos_i18n::td_string;
use wasm_bindgen::JsCast;

use shutterpost_model::id::EventId;

use super::queue::{ACCEPTED, Entry, Failure, LISTED, Pause, Progress, Queue};
use super::send;
use crate::texts::{self, Locale, language_of, use_locale};
use crate::ui::{Button, Icon, IconName, Spinner, Tone};
use crate::words::{bytes, is_one, number, percent};

/// The picker, the drop zone and the list of uploads. `arrived` is called after each capture that came in.
#[component]
pub fn Uploads(event: EventId, event_name: String, arrived: Callback<()>) -> impl IntoView {
    let locale = use_locale();
    let lasting = ArcRwSignal::new(Queue::default());
    let queue = RwSignal::from(lasting.clone());
    let alive = RwSignal::new(false);
    Effect::new(move || alive.set(true));
    warn_before_leaving(queue);
    let take = {
        let (lasting, event) = (lasting.clone(), event.clone());
        Callback::new(move |files: FilesHandle| {
            send::add(&lasting, &files.0);
            send::start(&lasting, &event, arrived);
        })
    };
    let again = {
        let (lasting, event) = (lasting.clone(), event.clone());
        Callback::new(move |key: u32| {
            lasting.update(|queue| queue.set(key, Progress::Queued));
            send::start(&lasting, &event, arrived);
        })
    };
    let lasting = {
        let event = event.clone();
        move || (lasting.clone(), event.clone())
    };
    let steer = Callback::new(move |steer: Steer| {
        let (lasting, event) = lasting();
        match steer {
            Steer::Hold => lasting.update(Queue::hold),
            Steer::GoOn => lasting.update(Queue::go_on),
            Steer::Connected => return send::connected(&lasting, &event, arrived),
        }
        send::start(&lasting, &event, arrived);
    });
    Effect::new(move || {
        let online = window_event_listener(leptos::ev::online, move |_| steer.run(Steer::Connected));
        on_cleanup(move || online.remove());
    });
    let dragging = drop_zone(take);
    let picked = move |change: leptos::ev::Event| {
        let Some(input) = change.target().and_then(|target| target.dyn_into::<web_sys::HtmlInputElement>().ok()) else {
            return;
        };
        if let Some(files) = input.files() {
            take.run(FilesHandle(files));
        }
        // So that the same file can be chosen again after a failure.
        input.set_value("");
    };
    view! {
        <section class="captures-upload" aria-label=td_string!(locale, captures.upload)>
            <form
                method="post"
                action=format!("/cms/events/{event}/captures")
                enctype="multipart/form-data"
                class="captures-upload-form"
            >
                <label class="captures-upload-pick">
                    <Icon name=IconName::Upload/>
                    <span class="captures-upload-text">
                        <span class="captures-upload-title">{td_string!(locale, captures.upload_choose)}</span>
                        <span class="captures-upload-hint">
                            {move || {
                                if alive.get() {
                                    td_string!(locale, captures.upload_hint)
                                } else {
                                    td_string!(locale, captures.upload_waiting)
                                }
                            }}
                        </span>
                    </span>
                    <input
                        class="captures-upload-input"
                        r#type="file"
                        name="file"
                        multiple=true
                        required=true
                        accept=ACCEPTED.join(",")
                        on:change=picked
                    />
                </label>
                <button r#type="submit" class="button" hidden=move || alive.get()>
                    {td_string!(locale, captures.upload_send)}
                </button>
            </form>
            {move || {
                dragging
                    .get()
                    .then(|| {
                        view! {
                            <div class="captures-drop">
                                <Icon name=IconName::Upload/>
                                <p>{td_string!(locale, captures.upload_drop, event = event_name.clone())}</p>
                            </div>
                        }
                    })
            }}
            <UploadList queue again steer/>
        </section>
    }
}

/// What becomes of all uploads.
#[derive(Clone, Copy)]
enum Steer {
    Hold,
    GoOn,
    Connected,
}

/// The browser asks before it throws away uploads that are under way.
fn warn_before_leaving(queue: RwSignal<Queue>) {
    Effect::new(move || {
        let leave = window_event_listener(leptos::ev::beforeunload, move |event| {
            if !queue.with_untracked(Queue::is_idle) {
                event.prevent_default();
            }
        });
        on_cleanup(move || leave.remove());
    });
}

/// Files as a callback can carry them: they never leave the browser's one thread.
struct FilesHandle(web_sys::FileList);

/// Files dropped anywhere, and pictures pasted, go to `take`. Tells whether files are being dragged over the page.
fn drop_zone(take: Callback<FilesHandle>) -> RwSignal<bool> {
    let dragging = RwSignal::new(false);
    Effect::new(move || {
        let holds_files = |event: &leptos::ev::DragEvent| {
            event.data_transfer().is_some_and(|data| data.types().iter().any(|kind| kind == "Files"))
        };
        let over = window_event_listener(leptos::ev::dragover, move |event| {
            if holds_files(&event) {
                event.prevent_default();
                if !dragging.get_untracked() {
                    dragging.set(true);
                }
            }
        });
        // Left for another element of the page, there is a related target; left for the desktop, there is none.
        let leave = window_event_listener(leptos::ev::dragleave, move |event| {
            if event.related_target().is_none() {
                dragging.set(false);
            }
        });
        let dropped = window_event_listener(leptos::ev::drop, move |event| {
            if holds_files(&event) {
                event.prevent_default();
                dragging.set(false);
                if let Some(files) = event.data_transfer().and_then(|data| data.files()) {
                    take.run(FilesHandle(files));
                }
            }
        });
        let pasted = window_event_listener(leptos::ev::paste, move |event| {
            if let Some(files) = event.clipboard_data().and_then(|data| data.files())
                && files.length() > 0
            {
                event.prevent_default();
                take.run(FilesHandle(files));
            }
        });
        on_cleanup(move || {
            over.remove();
            leave.remove();
            dropped.remove();
            pasted.remove();
        });
    });
    dragging
}

/// All files of this visit with how far they came.
#[component]
fn UploadList(queue: RwSignal<Queue>, again: Callback<u32>, steer: Callback<Steer>) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let some = Memo::new(move |_| queue.with(|queue| !queue.is_empty()));
    let listed = Memo::new(move |_| queue.with(Queue::listed));
    let counts = Memo::new(move |_| queue.with(|queue| (queue.done(), queue.all())));
    let state = Memo::new(move |_| queue.with(|queue| (queue.is_idle(), queue.pause(), queue.can_retry())));
    // Of a few files their own lines say enough.
    let many = Memo::new(move |_| counts.with(|(_, all)| usize::try_from(*all).is_ok_and(|all| all > LISTED)));
    let entry = move |key: u32| queue.with(|queue| queue.entries().iter().find(|entry| entry.key == key).cloned());
    let summary = move || {
        let (done, (idle, pause, _)) = (counts.get().0, state.get());
        match done {
            _ if !idle => pause.map(|pause| match pause {
                Pause::Asked => td_string!(locale, captures.upload_paused).to_owned(),
                Pause::Offline => td_string!(locale, captures.upload_offline).to_owned(),
            }),
            0 => None,
            done if is_one(done) => Some(td_string!(locale, captures.upload_all_one).to_owned()),
            done => Some(td_string!(locale, captures.upload_all_many, n = number(language, done))),
        }
    };
    let overall = move || {
        let (done, all) = counts.get();
        let (done, all) = (number(language, done), number(language, all));
        many.get().then(|| td_string!(locale, captures.upload_overall, done = done, all = all))
    };
    // One button for all of it: what it does next is what it says.
    let next = move || match state.get() {
        (true, _, true) => Some((Steer::GoOn, td_string!(locale, captures.upload_again_all))),
        (true, _, false) => None,
        (false, None, _) => Some((Steer::Hold, td_string!(locale, captures.upload_pause))),
        (false, Some(_), _) => Some((Steer::GoOn, td_string!(locale, captures.upload_go_on))),
    };
    let press = Callback::new(move |()| {
        if let Some((steered, _)) = next() {
            steer.run(steered);
        }
    });
    let clear = Callback::new(move |()| {
        let keys = queue.try_update(Queue::clear_finished).unwrap_or_default();
        send::forget(&keys);
    });
    view! {
        {move || {
            some.get()
                .then(|| {
                    view! {
                        <div class="captures-uploads" role="region" aria-label=td_string!(locale, captures.upload_list)>
                            <div class="captures-uploads-head">
                                <span class="captures-uploads-state" role="status">{summary}</span>
                                <span class="captures-uploads-overall">{overall}</span>
                                <span hidden=move || next().is_none()>
                                    <Button tone=Tone::Quiet on_press=press>{move || next().map(|(_, text)| text)}</Button>
                                </span>
                                <Button tone=Tone::Quiet on_press=clear>
                                    {td_string!(locale, captures.upload_clear)}
                                </Button>
                            </div>
                            <ul class="captures-uploads-list">
                                <For each=move || listed.get() key=|key| *key let:key>
                                    {move || entry(key).map(|entry| view! { <UploadLine entry again/> })}
                                </For>
                            </ul>
                        </div>
                    }
                })
        }}
    }
}

/// Why a file did not arrive, in words.
fn reason(locale: Locale, failure: &Failure) -> String {
    match failure {
        Failure::Offline => td_string!(locale, captures.upload_offline).to_owned(),
        // In the reader's language: the server knows more reasons than the bundle.
        Failure::Refused { words: Some(words), .. } => words.clone(),
        Failure::Refused { code, .. } => texts::error(*code, language_of(locale)).to_owned(),
    }
}

/// One file.
#[component]
fn UploadLine(entry: Entry, again: Callback<u32>) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let Entry { key, name, size, progress } = entry;
    let label = td_string!(locale, captures.upload_of, name = name.clone());
    let (state, bar, class) = match &progress {
        Progress::Queued => (td_string!(locale, captures.upload_queued).to_owned(), Some(0), ""),
        Progress::Sending(done) => {
            let percent = percent(language, i64::from(*done), 100).unwrap_or_default();
            (td_string!(locale, captures.upload_sending, percent = percent), Some(*done), "")
        }
        Progress::Working => (td_string!(locale, captures.upload_working).to_owned(), Some(100), ""),
        Progress::Done => (td_string!(locale, captures.upload_done).to_owned(), None, "captures-upload-done"),
        Progress::Failed(failure) => (reason(locale, failure), None, "captures-upload-failed"),
    };
    let request_id = match &progress {
        Progress::Failed(Failure::Refused { request_id, .. }) => request_id.clone(),
        _ => None,
    };
    let passing = matches!(&progress, Progress::Failed(failure) if failure.is_passing());
    let icon = match &progress {
        Progress::Done => Some(IconName::Check),
        Progress::Failed(_) => Some(IconName::Warning),
        _ => None,
    };
    view! {
        <li class=format!("captures-upload-line {class}")>
            <span class="captures-upload-name">{name}</span>
            <span class="captures-upload-size">{bytes(language, size)}</span>
            {match icon {
                Some(name) => view! { <Icon name/> }.into_any(),
                None if progress == Progress::Working => view! { <Spinner/> }.into_any(),
                None => ().into_any(),
            }}
            <span class="captures-upload-state">{state}</span>
            {request_id.map(|id| view! { <code class="captures-upload-id">{id}</code> })}
            {bar
                .map(|done| {
                    view! {
                        <progress class="captures-upload-bar" max="100" value=done.to_string() aria-label=label></progress>
                    }
                })}
            {passing
                .then(|| {
                    view! {
                        <Button tone=Tone::Quiet icon=IconName::Restore on_press=Callback::new(move |()| again.run(key))>
                            {td_string!(locale, captures.upload_again)}
                        </Button>
                    }
                })}
        </li>
    }
}
