//! The browser's entry. The server's loader calls [`hydrate`] after the module has been initialised; there is nothing
//! else here, so that everything people see can be tested without a browser.

use wasm_bindgen::prelude::wasm_bindgen;

/// Brings the CMS page that the server has rendered to life.
#[wasm_bindgen]
pub fn hydrate() {
    shutterpost_app::cms::hydrate();
}
