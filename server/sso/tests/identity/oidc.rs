//! OpenID Connect. `conformance` follows the list of the OpenID Foundation for relying parties name by name; `adversary`
//! is what else somebody might try.

mod adversary;
mod backchannel;
mod conformance;
mod fetching;
mod keys;
mod people;
mod presets;
mod provider;
mod reports;
