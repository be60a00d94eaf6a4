//! OpenID Connect. `conformance` follows the list of the OpenID Foundation for relying parties name by name; `adversary`
//! is what else somebody might try; `real` is a provider that others have written.

mod adversary;
mod backchannel;
mod browser;
mod conformance;
mod edges;
mod fetching;
mod keys;
mod people;
mod presets;
mod provider;
mod real;
mod reports;
