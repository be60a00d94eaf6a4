//! Guests as the CMS shows them.
