//! OpenID Connect, as relying party: code flow with PKCE, nothing else.
//!
//! A sign-in is two requests of the browser. [`RelyingParty::start`] gives the address to send it to and an
//! [`attempt::Attempt`] to be stored; [`RelyingParty::finish`] takes both and what the provider answered, and says who it
//! is or which check failed. Whoever calls sees to it that an attempt is taken out of its table in the transaction that
//! uses it: that alone makes it work once.
//!
//! `openidconnect` speaks the protocol. What it leaves open or leaves to its caller is closed here, most of it in `token` and
//! `keys`.

pub mod attempt;
pub mod connection;
pub mod logout;
pub mod reject;
pub mod report;
pub mod signed_in;
pub mod start;

mod apple;
mod finish;
mod keys;
mod provider;
mod token;
mod user_info;

use std::sync::Arc;

use shutterpost_model::time::Millis;

use crate::fetch::Fetch;
use connection::Connection;
use provider::Providers;
use reject::Reject;
use report::{Check, Report};

/// Signs people in by providers. One for the whole process: it remembers what providers publish.
#[derive(Debug)]
pub struct RelyingParty {
    fetch: Arc<dyn Fetch>,
    providers: Providers,
}

impl RelyingParty {
    pub fn new(fetch: Arc<dyn Fetch>) -> Self {
        Self { providers: Providers::new(Arc::clone(&fetch)), fetch }
    }

    /// Looks whether a connection can work, as far as that shows without a person who signs in; asks the provider anew.
    pub async fn probe(&self, connection: &Connection, now: Millis, report: &mut Report) -> Result<(), Reject> {
        self.probed(connection, now, report).await.inspect_err(|reject| report.fail(reject))
    }

    async fn probed(&self, connection: &Connection, now: Millis, report: &mut Report) -> Result<(), Reject> {
        connection.check(&*self.fetch)?;
        report.pass(Check::Settings);
        self.providers.forget(&connection.issuer);
        let provider = self.providers.get(&connection.issuer, now).await?;
        provider.client_authentication(connection)?;
        report.pass_all(&Check::DISCOVERY);
        Ok(())
    }
}
