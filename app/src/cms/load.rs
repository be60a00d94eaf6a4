//! How a page waits for its data.

use std::sync::Arc;

use leptos::prelude::*;

use shutterpost_model::identity::Me;

use super::context::Answer;
use super::error_page::ErrorPage;
use super::frame::MeResource;

/// Shows the page once its data and the signed-in person are there: complete in the server's HTML; on a change of page
/// in the browser the skeleton stands in its place, and on a change of the data the old content stays until the new is
/// there. A failure shows the error page.
pub fn load<T>(
    data: Resource<Answer<T>>,
    skeleton: fn() -> AnyView,
    page: impl Fn(Me, T) -> AnyView + Send + Sync + 'static,
) -> impl IntoView
where
    T: Clone + Send + Sync + 'static,
{
    let page: Arc<dyn Fn(Me, T) -> AnyView + Send + Sync> = Arc::new(page);
    let me = use_context::<MeResource>();
    view! {
        <Transition fallback=skeleton>
            {move || {
                let page = Arc::clone(&page);
                Suspend::new(async move {
                    let data = data.await;
                    let me = match me {
                        Some(me) => me.await,
                        None => return ().into_any(),
                    };
                    match (me, data) {
                        (Ok(me), Ok(data)) => page(me, data),
                        (_, Err(error)) | (Err(error), _) => view! { <ErrorPage error/> }.into_any(),
                    }
                })
            }}
        </Transition>
    }
}
