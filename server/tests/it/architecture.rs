//! Rules between the rooms that cargo cannot hold, read off the source.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// Rust files below a folder, with their text.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("UTF-8");
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    assert!(!found.is_empty(), "{folder} has sources");
    found
}

/// No line of the folder holds the text, but for the files named.
fn absent(folder: &str, text: &str, except: &[&str]) {
    for (path, source) in sources(folder) {
        let excepted = except.iter().any(|name| path.ends_with(name));
        let found = source.lines().position(|line| !line.trim_start().starts_with("//") && line.contains(text));
        if let (false, Some(line)) = (excepted, found) {
            panic!("{}:{} holds {text:?}", path.display(), line + 1);
        }
    }
}

#[test]
fn guests_pages_and_the_cms_never_import_each_other() {
    absent("app/src/share", "crate::cms", &[]);
    absent("app/src/cms", "crate::share", &[]);
    absent("app/src/mail", "crate::cms", &[]);
    for feature in ["identity", "events", "captures", "guests", "messages", "audit", "overview"] {
        absent("app/src/ui", &format!("cms::{feature}"), &[]);
    }
}

#[test]
fn the_database_stays_in_the_backend() {
    for folder in ["server/src", "app/src", "app/model/src", "server/media/src", "server/sso/src", "server/vault/src"] {
        absent(folder, "diesel", &[]);
    }
    absent("app/src", "leptos_axum", &["cms/respond.rs", "cms/tests.rs"]);
}

#[test]
fn only_configuration_reads_the_environment_and_only_adapters_the_clock() {
    for folder in ["server/src", "server/backend/src", "server/sso/src", "server/vault/src", "app/src", "app/model/src"]
    {
        // For tests, the last: a PKCS#11 module is told by the environment where its tokens are.
        absent(folder, "env::var", &["config.rs", "testing.rs", "softhsm.rs"]);
        absent(folder, "SystemTime::now", &["adapters.rs"]);
    }
}

#[test]
fn an_actor_is_proved_in_two_places() {
    for folder in ["server/src", "server/backend/src", "app/src"] {
        for (path, source) in sources(folder) {
            // Below the workspace: the folder it lies in may have any name.
            let path = path.strip_prefix(root()).expect("of the workspace");
            let within = |name: &str| path.components().any(|part| part.as_os_str() == name);
            let test = within("tests") || path.ends_with("tests.rs");
            let user = source.replace("StaffActor::proven(", "").contains("Actor::proven(");
            assert!(within("identity") || within("support") || test || !user, "{}", path.display());
            assert!(within("support") || test || !source.contains("StaffActor::proven("), "{}", path.display());
        }
    }
}

#[test]
fn lower_features_never_import_higher_ones() {
    const ORDER: [&str; 14] = [
        "identity",
        "connections",
        "sso",
        "support",
        "events",
        "captures",
        "designs",
        "exports",
        "guests",
        "share",
        "messages",
        "ingest",
        "uploads",
        "privacy",
    ];
    for (index, feature) in ORDER.iter().enumerate() {
        for (path, source) in sources("server/backend/src") {
            let below = path.strip_prefix(root()).expect("of the workspace");
            let mut parts = below.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
            let own = parts.any(|part| part == *feature || part == format!("{feature}.rs"));
            let test = below.to_string_lossy().contains("tests") || below.to_string_lossy().contains("fixture");
            if !own || test {
                continue;
            }
            for higher in &ORDER[index + 1..] {
                let found = source
                    .lines()
                    .find(|line| line.trim_start().starts_with("use ") && line.contains(&format!("crate::{higher}")));
                assert!(found.is_none(), "{}: {}", path.display(), found.unwrap_or_default());
            }
        }
    }
}

#[test]
fn the_program_cannot_store_a_file_unsealed() {
    let manifest = std::fs::read_to_string(root().join("server/Cargo.toml")).expect("the manifest");
    assert!(!manifest.contains("measuring"), "the feature is for an example that compares");
}

#[test]
fn text_areas_are_made_by_the_one_component_that_escapes() {
    absent("app/src", "<textarea", &["ui/text_area.rs", "ui/tests.rs"]);
}

#[test]
fn the_map_names_what_is_there() {
    let map = std::fs::read_to_string(root().join("docs/ARCHITECTURE.md")).expect("the map");
    let mut named = 0;
    for path in map.split('`').skip(1).step_by(2) {
        let looks_like_a_path = path.contains('/')
            && !path.starts_with('/')
            && path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_.-".contains(&b));
        if looks_like_a_path {
            named += 1;
            assert!(root().join(path).exists(), "docs/ARCHITECTURE.md names {path}");
        }
    }
    assert!(named > 20, "{named} paths");
}
