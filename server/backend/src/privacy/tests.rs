//! Retention, trash and orphans; erasures on request. On both databases.

mod erasure;
mod scrub;
mod sweep;
mod trash;
