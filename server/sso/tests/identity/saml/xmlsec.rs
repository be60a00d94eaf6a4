//! Signs a changed document once more, by the program xmlsec1: what a provider would say that says something else.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::providers::{Idps, Key, idps};
use super::tree::Element;

/// Signs the elements of these local names again, each by its own signature, inner ones first.
pub fn sign(document: &Element, key: &Key, signed: &[&str]) -> String {
    run(document, &["--privkey-pem", &key.key], signed)
}

/// The same with a shared secret.
pub fn sign_with_secret(document: &Element, secret: &str, signed: &[&str]) -> String {
    run(document, &["--hmackey", secret], signed)
}

fn run(document: &Element, key: &[&str], signed: &[&str]) -> String {
    let Idps { xmlsec1, folder, .. } = idps();
    let mut document = document.clone();
    document.walk_mut(&mut |element| {
        if matches!(element.local(), "DigestValue" | "SignatureValue") {
            element.children.clear();
        }
    });
    let mut xml = document.write();
    for local in signed {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let file = folder.join(format!("to-sign-{}-{number}.xml", std::process::id()));
        std::fs::write(&file, &xml).expect("a file for xmlsec1");
        let parsed = Element::parse(&xml);
        let holder = if parsed.local() == *local { &parsed } else { parsed.at(local) };
        let id = holder.get("ID").expect("an ID");
        let output = Command::new(xmlsec1)
            .args(["--sign", "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion"])
            .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:Response"])
            .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:LogoutRequest"])
            .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:LogoutResponse"])
            .args(["--node-id", id])
            .args(key)
            .arg(&file)
            .output()
            .expect("xmlsec1 runs");
        std::fs::remove_file(&file).expect("the file is ours");
        assert!(output.status.success(), "xmlsec1: {}\n{xml}", String::from_utf8_lossy(&output.stderr));
        xml = String::from_utf8(output.stdout).expect("UTF-8");
    }
    xml
}
