//! Sending files from the browser, each with its own progress. `fetch` cannot tell how much of a body has left, so this
//! is an `XMLHttpRequest`.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{File, FileList, FormData, ProgressEvent, XmlHttpRequest};

use shutterpost_model::id::EventId;

use super::queue::{Failure, Pause, Progress, Queue, answer, sending};

/// How long a lost connection is left alone before the next attempt.
const AGAIN: Duration = Duration::from_secs(10);

thread_local! {
    /// The files behind the keys of the queue, each with what the server knows its upload by; a file cannot live in a
    /// signal, because signals may change threads on the server.
    static FILES: RefCell<HashMap<u32, (File, String)>> = RefCell::new(HashMap::new());
    static LAST_KEY: Cell<u32> = const { Cell::new(0) };
}

/// Adds the files to the queue.
pub fn add(queue: &ArcRwSignal<Queue>, files: &FileList) {
    for file in (0..files.length()).filter_map(|index| files.get(index)) {
        let key = LAST_KEY.with(|last| {
            last.set(last.get().wrapping_add(1));
            last.get()
        });
        #[expect(clippy::cast_possible_truncation, reason = "sizes of files are whole and far below 2^53")]
        let size = file.size() as i64;
        queue.update(|queue| queue.add(key, file.name(), size, &file.type_()));
        // Nobody has to guess it: it only tells an upload that is repeated from another one.
        let upload = [(); 2].map(|()| js_sys::Math::random().to_bits().to_string()).concat();
        FILES.with_borrow_mut(|files| files.insert(key, (file, upload)));
    }
}

/// Starts as many uploads as may run. `arrived` is called after each capture that came in, as long as somebody listens.
pub fn start(queue: &ArcRwSignal<Queue>, event: &EventId, arrived: Callback<()>) {
    loop {
        let next = queue.try_update(Queue::start_next).flatten();
        let Some(key) = next else { return };
        let Some((file, upload)) = FILES.with_borrow(|files| files.get(&key).cloned()) else { return };
        let progress = {
            let (queue, event) = (queue.clone(), event.clone());
            move |progress: Progress| {
                let finished = matches!(progress, Progress::Done | Progress::Failed(_));
                if progress == Progress::Done {
                    forget(&[key]);
                    // Gone with its page if the reader is elsewhere.
                    arrived.try_run(());
                }
                if progress == Progress::Failed(Failure::Offline) {
                    queue.update(|queue| queue.lost(key));
                    let (queue, event) = (queue.clone(), event.clone());
                    set_timeout(move || connected(&queue, &event, arrived), AGAIN);
                    return;
                }
                queue.update(|queue| queue.set(key, progress));
                if finished {
                    start(&queue, &event, arrived);
                }
            }
        };
        if send(event, &file, &upload, progress.clone()).is_err() {
            progress(answer(0, ""));
        }
    }
}

/// Goes on if only a lost connection was waited for.
pub fn connected(queue: &ArcRwSignal<Queue>, event: &EventId, arrived: Callback<()>) {
    if queue.with_untracked(Queue::pause) == Some(Pause::Offline) {
        queue.update(Queue::go_on);
        start(queue, event, arrived);
    }
}

/// Lets go of files that are not needed any more.
pub fn forget(keys: &[u32]) {
    FILES.with_borrow_mut(|files| files.retain(|key, _| !keys.contains(key)));
}

fn send(
    event: &EventId,
    file: &File,
    upload: &str,
    progress: impl Fn(Progress) + Clone + 'static,
) -> Result<(), JsValue> {
    let request = XmlHttpRequest::new()?;
    request.open("POST", &format!("/cms/events/{event}/captures"))?;
    request.set_request_header("Accept", "application/json")?;
    // What arrived although its answer was lost is not there twice.
    request.set_request_header("Idempotency-Key", upload)?;
    let form = FormData::new()?;
    form.append_with_blob_and_filename("file", file, &file.name())?;

    let on_progress = {
        let progress = progress.clone();
        Closure::<dyn Fn(ProgressEvent)>::new(move |event: ProgressEvent| {
            progress(sending(event.loaded(), event.total()))
        })
    };
    request.upload()?.set_onprogress(Some(on_progress.as_ref().unchecked_ref()));
    let finished = request.clone();
    // Fired once, whether it went well, failed, or the connection broke (status 0).
    let on_end = Closure::once_into_js(move || {
        let body = finished.response_text().ok().flatten().unwrap_or_default();
        progress(answer(finished.status().unwrap_or(0), &body));
        drop(on_progress);
    });
    request.set_onloadend(Some(on_end.unchecked_ref()));
    request.send_with_opt_form_data(Some(&form))
}
