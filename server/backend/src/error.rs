//! Failures inside the backend and their one conversion into what a client may see.

use std::fmt;

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::pooled_connection::deadpool::PoolError;
use shutterpost_model::error::{AppError, Code};

/// What went wrong, for code inside `backend`.
#[derive(Debug)]
pub enum Failure {
    /// Something a client may be told.
    Told(AppError),
    /// A row that should be there is not; becomes 404.
    NotFound,
    /// A unique constraint refused the row; callers give it a meaning, else it is internal.
    Duplicate(String),
    /// The database or the pool is too busy for now.
    Busy(String),
    /// Disk or database full.
    Full(String),
    /// Everything else: logged, never shown.
    Internal(String),
}

impl Failure {
    /// An internal failure: a constant text that can be searched for, and its cause.
    pub fn internal(context: &'static str, cause: impl fmt::Display) -> Self {
        Self::Internal(format!("{context}: {cause}"))
    }
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        Self::Told(error)
    }
}

impl From<Code> for Failure {
    fn from(code: Code) -> Self {
        Self::Told(AppError::new(code))
    }
}

impl From<DieselError> for Failure {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::NotFound => Self::NotFound,
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => {
                Self::Duplicate(info.message().to_owned())
            }
            // Somebody else was faster; trying again may help.
            DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, info) => {
                Self::Busy(info.message().to_owned())
            }
            DieselError::DatabaseError(_, info) if says(info.message(), BUSY) => Self::Busy(info.message().to_owned()),
            DieselError::DatabaseError(_, info) if says(info.message(), FULL) => Self::Full(info.message().to_owned()),
            // Debug of a query error can hold bound values, so only its text is kept.
            other => Self::Internal(format!("database: {other}")),
        }
    }
}

/// diesel keeps the codes of these to itself: SQLite's BUSY and LOCKED; PostgreSQL's 40P01, 55P03 (waited and `NOWAIT`)
/// and 57014.
const BUSY: &[&str] = &[
    "database is locked",
    "database table is locked",
    "deadlock detected",
    "due to lock timeout",
    "could not obtain lock on",
    "due to statement timeout",
];

/// SQLite's FULL and PostgreSQL's 53100.
const FULL: &[&str] = &["disk is full", "No space left"];

fn says(message: &str, any_of: &[&str]) -> bool {
    any_of.iter().any(|part| message.contains(part))
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Timeout(_) => Self::Busy("no database connection in time".into()),
            other => Self::Internal(format!("database pool: {other}")),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::StorageFull {
            Self::Full(error.to_string())
        } else {
            Self::Internal(format!("input or output: {error}"))
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        // serde_json's text can quote the input; only the place is kept.
        Self::Internal(format!("stored JSON does not read at line {} column {}", error.line(), error.column()))
    }
}

impl From<Failure> for AppError {
    /// The boundary: causes are logged here, once, inside the request's span, which carries the request id.
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Told(error) => error,
            Failure::NotFound => Self::new(Code::NotFound),
            Failure::Busy(cause) => {
                tracing::warn!(error.cause = cause, "busy");
                Self::new(Code::Busy)
            }
            Failure::Full(cause) => {
                tracing::error!(error.cause = cause, "storage full");
                Self::new(Code::StorageFull)
            }
            Failure::Duplicate(cause) | Failure::Internal(cause) => {
                tracing::error!(error.cause = cause, "internal failure");
                Self::new(Code::Internal)
            }
        }
    }
}
