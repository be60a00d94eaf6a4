//! Forms with their outcome.
