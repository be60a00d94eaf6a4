//! The short confirmations after a form.
