//! What power cuts and failing calls leave behind, shown by thousands of them.
//!
//! [`machine::Machine`] is what an installation runs on here: the files of both SQLite databases (by a shim under SQLite,
//! [`vfs`]), the objects ([`objects`]), the root keys ([`roots`]) and the small files of ledger and roots. Its power can be
//! cut at any call: what was not synced is then kept, dropped or torn by choice. Or one call of a kind fails and the rest
//! go on. [`crashes`] cuts the power, [`calls`] lets calls fail, [`prove`] says what must hold afterwards.

mod choice;
mod disk;
mod machine;
mod objects;
mod prove;
mod relay;
mod roots;
mod stage;
mod story;
mod vfs;

mod calls;
mod crashes;
