//! Accounts, from the machine itself.

use std::io::{IsTerminal, Read, Write};

use clap::Subcommand;
use shutterpost_backend::identity::{PasswordPolicy, admin};
use shutterpost_backend::privacy;
use shutterpost_backend::support::admin as support;
use shutterpost_model::error::Code;
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Pii, Secret};

use super::CommandError;
use crate::config::Config;
use crate::wiring;

#[derive(Debug, Subcommand)]
pub(super) enum AdminCommand {
    /// Create an organisation and its owner. The password is read from standard input, so that it stands in no
    /// process list and no shell history.
    CreateOwner {
        /// Name of the organisation.
        #[arg(long)]
        organisation: String,
        /// Name of the owner.
        #[arg(long)]
        name: String,
        /// E-mail address to sign in with.
        #[arg(long)]
        email: String,
    },
    /// Take the second factor of an account away, for somebody who lost both phone and recovery codes. Make sure by other
    /// means that it is them: from then on the password is enough. All their sessions end, and a mail tells them.
    RemoveFactor {
        /// E-mail address of the account.
        #[arg(long)]
        email: String,
    },
    /// Let an owner in for a day by their own second factor, where the organisation asks everybody to sign in by its own
    /// provider and that is down. The last resort, when no owner has been armed under "Sign-in". All owners are told by mail.
    ArmOwner {
        /// Id of the organisation.
        #[arg(long)]
        organisation: String,
        /// E-mail address of the owner.
        #[arg(long)]
        email: String,
    },
    /// Make somebody a member of the support staff, or give who has not joined yet a new link. Prints a link that works
    /// once and for 48 hours, by which they choose a password and set up an authenticator app. Hand it to them yourself.
    InviteStaff {
        /// Their name, as customers see it.
        #[arg(long)]
        name: String,
        /// E-mail address to sign in with.
        #[arg(long)]
        email: String,
    },
    /// List the support staff.
    ListStaff,
    /// Shut a member of the support staff out, at once and with everything that customers allowed them.
    DisableStaff {
        /// E-mail address of the account.
        #[arg(long)]
        email: String,
    },
    /// Take password and second factor of a member of the support staff away, who lost both phone and recovery codes, and
    /// print a link to set up both anew. Make sure by other means that it is them.
    RemoveStaffFactor {
        /// E-mail address of the account.
        #[arg(long)]
        email: String,
    },
    /// Print the receipt of an erasure, for whoever asked for it: of an organisation nobody can sign in any more.
    Receipt {
        /// Id of the erasure, or of what was erased.
        id: String,
    },
}

pub(super) async fn run(config: Config, command: AdminCommand) -> Result<(), CommandError> {
    let (organisation, name, email) = match command {
        AdminCommand::CreateOwner { organisation, name, email } => (organisation, name, email),
        AdminCommand::Receipt { id } => return receipt(&config, &id).await,
        AdminCommand::RemoveFactor { email } => return remove_factor(&config, email).await,
        AdminCommand::ArmOwner { organisation, email } => return arm_owner(&config, &organisation, email).await,
        AdminCommand::InviteStaff { name, email } => return invite_staff(&config, name, email).await,
        AdminCommand::ListStaff => return list_staff(&config).await,
        AdminCommand::DisableStaff { email } => return disable_staff(&config, email).await,
        AdminCommand::RemoveStaffFactor { email } => return remove_staff_factor(&config, email).await,
    };
    let password = read_password()?;
    let deps = wiring::deps(&config).await?;
    let created =
        admin::create_owner(&deps, PasswordPolicy::default(), &organisation, Pii::new(name), Pii::new(email), password)
            .await;
    let (organisation, user) = created.map_err(|error| told(&error))?;
    eprintln!("Created {organisation} with its owner {user}. Sign in at {}/cms/sign-in", config.http.origin);
    Ok(())
}

async fn remove_factor(config: &Config, email: String) -> Result<(), CommandError> {
    let deps = wiring::deps(config).await?;
    if !admin::remove_factor(&deps, &Pii::new(email)).await.map_err(|error| told(&error))? {
        return Err("there is no account of that address, or it has no second factor".into());
    }
    eprintln!("The second factor is gone; the password alone signs in. Ask them to set up a new one at once.");
    Ok(())
}

async fn arm_owner(config: &Config, organisation: &str, email: String) -> Result<(), CommandError> {
    let organisation = organisation.parse().map_err(|_| "that is not the id of an organisation (org_…)")?;
    let deps = wiring::deps(config).await?;
    admin::arm_owner(&deps, &organisation, &Pii::new(email)).await.map_err(|error| match error.code {
        Code::NotFound => "nobody of that address is a member of the organisation".into(),
        Code::FactorFirst => "the owner has no second factor, and so cannot be armed".into(),
        _ if error.of("user").is_some() => "that member is no owner, and only owners can be armed".into(),
        _ => told(&error),
    })?;
    eprintln!("Armed for 24 hours: they get in by password and second factor, or by passkey. All owners are told.");
    Ok(())
}

async fn invite_staff(config: &Config, name: String, email: String) -> Result<(), CommandError> {
    let deps = wiring::deps(config).await?;
    let invited = support::invite(&deps, Pii::new(name), Pii::new(email), Language::English).await;
    let link = invited.map_err(|error| match error.code {
        Code::Conflict => "somebody of that address has joined the staff already, or was shut out".into(),
        _ => told(&error),
    })?;
    print_link(config, &link)
}

/// On standard output and nowhere else: whoever has it becomes staff.
fn print_link(config: &Config, link: &Secret) -> Result<(), CommandError> {
    eprintln!("The link works once and for 48 hours:");
    writeln!(std::io::stdout(), "{}{}", config.http.origin, link.expose()).map_err(Into::into)
}

async fn list_staff(config: &Config) -> Result<(), CommandError> {
    let deps = wiring::deps(config).await?;
    for one in support::list(&deps).await.map_err(|error| told(&error))? {
        let state = match (one.disabled, one.joined) {
            (true, _) => "shut out",
            (false, true) => "joined",
            (false, false) => "invited",
        };
        writeln!(std::io::stdout(), "{}\t{}\t{}\t{state}", one.id, one.email.expose(), one.name.expose())?;
    }
    Ok(())
}

async fn disable_staff(config: &Config, email: String) -> Result<(), CommandError> {
    let deps = wiring::deps(config).await?;
    if !support::disable(&deps, &Pii::new(email)).await.map_err(|error| told(&error))? {
        return Err("there is nobody of that address among the staff, or they were shut out before".into());
    }
    eprintln!("They are out: every session, and everything that customers allowed them, has ended.");
    Ok(())
}

async fn remove_staff_factor(config: &Config, email: String) -> Result<(), CommandError> {
    let deps = wiring::deps(config).await?;
    match support::remove_factor(&deps, &Pii::new(email)).await.map_err(|error| told(&error))? {
        Some(link) => print_link(config, &link),
        None => Err("there is nobody of that address who has joined the staff".into()),
    }
}

async fn receipt(config: &Config, id: &str) -> Result<(), CommandError> {
    let deps = wiring::deps(config).await?;
    match privacy::receipt_of(&deps, id).await {
        Ok(Some(receipt)) => writeln!(std::io::stdout(), "{receipt}").map_err(Into::into),
        Ok(None) => Err("there is no erasure of that id, or its keys are still being destroyed".into()),
        Err(failure) => Err(format!("{failure:?}").into()),
    }
}

/// An error of the services in words for the operator.
pub(super) fn told(error: &shutterpost_model::error::AppError) -> CommandError {
    let language = Language::English;
    let mut text = shutterpost_app::texts::error(error.code, language).to_string();
    for field in &error.fields {
        text.push_str(&format!("\n  {}: {}", field.field, shutterpost_app::texts::error(field.code, language)));
    }
    text.into()
}

fn read_password() -> Result<Secret, CommandError> {
    if std::io::stdin().is_terminal() {
        eprintln!("Password, at least 15 characters (it is shown while you type; end with Enter and Ctrl-D):");
    }
    let mut text = String::new();
    std::io::stdin().take(4096).read_to_string(&mut text)?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}
