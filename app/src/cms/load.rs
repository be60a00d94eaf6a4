//! How a page gets its data: from the ports, before the first byte of it is sent.

use leptos::prelude::*;

use shutterpost_model::access::Actor;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::identity::Me;
use shutterpost_model::services::Services;
use shutterpost_model::support::StaffActor;

use super::context::{CmsError, request_context};
use super::error_page::ErrorPage;

/// The page with what `fetch` brings, for the signed-in person; the error page if it fails.
pub fn load<T, F>(
    fetch: impl FnOnce(Services, Actor) -> F + Send + 'static,
    page: impl FnOnce(Me, T) -> AnyView + Send + 'static,
) -> AnyView
where
    F: Future<Output = Result<T, AppError>> + Send + 'static,
    T: Send + 'static,
{
    Suspend::new(async move {
        let loaded = async {
            let context = request_context()?;
            let (Some(actor), Some(me)) = (context.actor, context.me) else {
                return Err(AppError::new(Code::SignInNeeded));
            };
            Ok((me, fetch(context.services, actor).await?))
        };
        match loaded.await {
            Ok((me, data)) => page(me, data),
            Err(error) => view! { <ErrorPage error=CmsError::from(error)/> }.into_any(),
        }
    })
    .into_any()
}

/// The page with what `fetch` brings, for our own staff; the error page if it fails.
pub fn load_for_staff<T, F>(
    fetch: impl FnOnce(Services, StaffActor) -> F + Send + 'static,
    page: impl FnOnce(T) -> AnyView + Send + 'static,
) -> AnyView
where
    F: Future<Output = Result<T, AppError>> + Send + 'static,
    T: Send + 'static,
{
    Suspend::new(async move {
        let loaded = async {
            let context = request_context()?;
            let staff = context.staff.ok_or_else(|| AppError::new(Code::SignInNeeded))?;
            fetch(context.services, staff).await
        };
        match loaded.await {
            Ok(data) => page(data),
            Err(error) => view! { <ErrorPage error=CmsError::from(error)/> }.into_any(),
        }
    })
    .into_any()
}

/// The page of whoever holds the token in its address.
pub fn load_by_token<T, F>(
    fetch: impl FnOnce(Services, String) -> F + Send + 'static,
    page: impl FnOnce(Result<T, CmsError>) -> AnyView + Send + 'static,
) -> AnyView
where
    F: Future<Output = Result<T, AppError>> + Send + 'static,
    T: Send + 'static,
{
    let params = leptos_router::hooks::use_params_map();
    let token = params.with_untracked(|params| params.get_str("token").unwrap_or_default().to_owned());
    Suspend::new(async move {
        let loaded = async { fetch(request_context()?.services, token).await };
        page(loaded.await.map_err(CmsError::from))
    })
    .into_any()
}
