//! A device with one passkey, as small as WebAuthn allows: ES256, no attestation. It answers what it is asked, and wrongly
//! where a test says so.

use data_encoding::BASE64URL_NOPAD;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const WITH_CREDENTIAL: u8 = 0x40;
const WITH_EXTENSIONS: u8 = 0x80;

/// The device; its public fields are what it claims.
#[derive(Debug, Clone)]
pub struct Authenticator {
    pub origin: String,
    pub site: String,
    /// Knows its owner by finger, face or PIN.
    pub verifies: bool,
    /// Goes up by one with each use.
    pub counter: u32,
    /// By which it knows the account; empty until it has a passkey.
    pub handle: String,
    pub number: u8,
    /// Makes secrets for the site (`hmac-secret`) and tells of them, though nobody asked.
    pub talkative: bool,
}

fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

fn read(options: &str) -> Value {
    serde_json::from_str(options).expect("a question is JSON")
}

impl Authenticator {
    /// Devices with different numbers have different passkeys.
    pub fn new(number: u8) -> Self {
        let origin = "https://photos.example".to_owned();
        Self {
            origin,
            site: "photos.example".into(),
            verifies: true,
            counter: 1,
            handle: String::new(),
            number,
            talkative: false,
        }
    }

    fn key(&self) -> SigningKey {
        SigningKey::from_slice(&[self.number.max(1); 32]).expect("a key")
    }

    fn id(&self) -> [u8; 32] {
        Sha256::digest([self.number]).into()
    }

    fn client_data(&self, kind: &str, question: &Value) -> String {
        let challenge = &question["challenge"];
        json!({ "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false }).to_string()
    }

    fn data(&mut self, flags: u8) -> Vec<u8> {
        let verified = if self.verifies { VERIFIED } else { 0 };
        let mut data = Sha256::digest(&self.site).to_vec();
        let more = if self.talkative { WITH_EXTENSIONS } else { 0 };
        data.push(PRESENT | verified | more | flags);
        data.extend(self.counter.to_be_bytes());
        self.counter += 1;
        data
    }

    /// Makes the passkey: what the browser hands back to `create`.
    pub fn create(&mut self, options: &str) -> String {
        let question = read(options);
        self.handle = question["user"]["id"].as_str().expect("a handle").to_owned();
        let client = self.client_data("webauthn.create", &question);
        let mut data = self.data(WITH_CREDENTIAL);
        data.extend([0; 16]);
        data.extend([0, 32]);
        data.extend(self.id());
        let point = self.key().verifying_key().to_sec1_point(false);
        let (x, y) = point.as_bytes()[1..].split_at(32);
        // COSE: {1: EC2, 3: ES256, -1: P-256, -2: x, -3: y}
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(x);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(y);
        if self.talkative {
            // CBOR: {"hmac-secret": true}
            data.extend(b"\xa1\x6bhmac-secret\xf5");
        }
        // CBOR: {"fmt": "none", "attStmt": {}, "authData": data}
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        object.push(u8::try_from(data.len()).expect("short"));
        object.extend(data);
        let id = encode(&self.id());
        let unasked = if self.talkative { json!({ "prf": { "enabled": true } }) } else { json!({}) };
        json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": unasked,
            "response": {
                "clientDataJSON": encode(client.as_bytes()),
                "attestationObject": encode(&object),
                "transports": ["internal"],
            },
        })
        .to_string()
    }

    /// Uses the passkey: what the browser hands back to `get`.
    pub fn get(&mut self, options: &str) -> String {
        let client = self.client_data("webauthn.get", &read(options));
        let mut data = self.data(0);
        if self.talkative {
            // CBOR: {"hmac-secret": 48 bytes}
            data.extend(b"\xa1\x6bhmac-secret\x58\x30");
            data.extend([7; 48]);
        }
        let mut signed = data.clone();
        signed.extend(Sha256::digest(&client));
        let signature: Signature = self.key().sign(&signed);
        let id = encode(&self.id());
        json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": encode(client.as_bytes()),
                "authenticatorData": encode(&data),
                "signature": encode(signature.to_der().as_bytes()),
                "userHandle": self.handle,
            },
        })
        .to_string()
    }
}
