//! The rules of Microsoft, Google and Apple, as far as their papers tell: their servers are not asked.

use data_encoding::BASE64URL_NOPAD;
use openidconnect::JsonWebKey;
use openidconnect::core::{CoreJsonWebKey, CoreJwsSigningAlgorithm};
use p256::ecdsa::SigningKey;
use p256::pkcs8::DecodePrivateKey;
use serde_json::{Value, json};
use shutterpost_model::pii::Secret;
use shutterpost_sso::oidc::connection::{Authentication, Connection, Rules, Sent};
use shutterpost_sso::oidc::reject::Reject;
use shutterpost_sso::oidc::signed_in::{Notice, SignedIn};

use super::keys::APPLE;
use super::provider::*;

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const OTHER_TENANT: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
const PERSON: &str = "00000000-0000-0000-66f3-3332eca7ea81";

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn by_secret(text: &str) -> Authentication {
    Authentication::Secret { secret: secret(text), sent: Sent::AsPublished }
}

fn microsoft() -> Connection {
    Connection::microsoft(TENANT, CLIENT, secret(SECRET))
}

fn google() -> Connection {
    Connection::google("Example.com", CLIENT, secret(SECRET))
}

fn apple() -> Connection {
    Connection::apple("example.photos", "TEAM123456", "KEY1234567", secret(&APPLE))
}

async fn from(connection: Connection, change: impl FnOnce(&mut Value)) -> Result<SignedIn, Reject> {
    sign_in_by(&Op::of(&connection), &connection, |script| change(&mut script.claims)).await
}

#[tokio::test]
async fn microsoft_speaks_for_one_tenant() {
    let claims = |claims: &mut Value| {
        claims["tid"] = json!(TENANT);
        claims["oid"] = json!(PERSON);
        claims["roles"] = json!(["Photos.Editor"]);
        claims["email"] = json!("victim@example.com");
        claims["email_verified"] = json!(true);
    };
    let signed_in = from(microsoft(), claims).await.expect("is accepted");
    assert_eq!(signed_in.person.issuer, format!("https://login.microsoftonline.com/{TENANT}/v2.0"));
    assert_eq!((signed_in.person.subject.expose().as_str(), signed_in.sub.expose().as_str()), (PERSON, SUBJECT));
    assert_eq!(signed_in.person.groups, ["Photos.Editor"]);
    // nOAuth: whoever owns a tenant writes any address into it.
    assert!(!signed_in.person.email_verified);
    assert_eq!(signed_in.notices, []);

    for tid in [json!(OTHER_TENANT), json!(null), json!(""), json!([TENANT])] {
        let outcome = from(microsoft(), |all| {
            claims(all);
            all["tid"] = tid;
        });
        assert_eq!(code(outcome.await), "other_tenant");
    }
    let other = format!("https://login.microsoftonline.com/{OTHER_TENANT}/v2.0");
    let outcome = from(microsoft(), |all| {
        claims(all);
        all["iss"] = json!(other);
    });
    assert_eq!(code(outcome.await), "issuer");
    for oid in [json!(null), json!(""), json!("somebody")] {
        let outcome = from(microsoft(), |all| {
            claims(all);
            all["oid"] = oid;
        });
        assert_eq!(code(outcome.await), "no_object_id", "a person must not change names from one sign-in to the next");
    }
}

#[tokio::test]
async fn microsofts_groups_that_were_left_out_are_told() {
    for (name, value) in
        [("_claim_names", json!({ "groups": "src1" })), ("hasgroups", json!(true)), ("hasgroups", json!("true"))]
    {
        let signed_in = from(microsoft(), |claims| {
            claims["tid"] = json!(TENANT);
            claims["oid"] = json!(PERSON);
            claims[name] = value;
            claims["_claim_sources"] = json!({ "src1": { "endpoint": "https://graph.windows.net/x" } });
        });
        let signed_in = signed_in.await.expect("is accepted");
        assert_eq!((signed_in.notices.as_slice(), signed_in.person.groups.len()), (&[Notice::GroupsLeftOut][..], 0));
    }
}

#[tokio::test]
async fn google_speaks_for_one_domain() {
    let claims = |claims: &mut Value| {
        claims["hd"] = json!("example.com");
        claims["email"] = json!("anna@example.com");
        claims["email_verified"] = json!(true);
    };
    let op = Op::of(&google());
    let party = op.party();
    let mut begun = begin(&op, &party, &google()).await;
    assert_eq!(begun.parameter("hd").as_deref(), Some("example.com"));
    op.script(|script| claims(&mut script.claims));
    let person = begun.finish(&party, &google()).await.expect("is accepted").person;
    assert!(person.email_verified);
    assert_eq!(person.subject.expose(), SUBJECT);

    for hd in [json!(null), json!("example.com.attacker.example"), json!("sub.example.com"), json!(""), json!(true)] {
        let outcome = from(google(), |all| {
            claims(all);
            all["hd"] = hd;
        });
        assert_eq!(code(outcome.await), "other_domain");
    }
    // A private account with a company's address.
    let outcome = from(google(), |all| {
        claims(all);
        all.as_object_mut().expect("is an object").remove("hd");
    });
    assert_eq!(code(outcome.await), "other_domain");
    let outcome = from(google(), |all| {
        claims(all);
        all["email_verified"] = json!(false);
    });
    assert_eq!(code(outcome.await), "unverified");
    let outcome = from(google(), |all| {
        claims(all);
        all["iss"] = json!("accounts.google.com");
    });
    assert_eq!(code(outcome.await), "token", "the spelling without https:// of old tokens");
}

/// Apple's own check of what we sign, as its papers describe it.
fn read_client_secret(token: &str) -> Value {
    let [header, claims, signature]: [&str; 3] =
        token.split('.').collect::<Vec<_>>().try_into().expect("has three parts");
    let decode = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).expect("is base64url");
    let read: Value = serde_json::from_slice(&decode(header)).expect("is JSON");
    assert_eq!(read, json!({ "alg": "ES256", "kid": "KEY1234567" }));
    let key = SigningKey::from_pkcs8_pem(&APPLE).expect("is a key");
    let point = key.verifying_key().to_sec1_point(false);
    let number = |bytes: Option<&p256::FieldBytes>| BASE64URL_NOPAD.encode(bytes.expect("is a point"));
    let public = json!({ "kty": "EC", "crv": "P-256", "x": number(point.x()), "y": number(point.y()) });
    let public: CoreJsonWebKey = serde_json::from_value(public).expect("is a key");
    let signed = format!("{header}.{claims}");
    let verified =
        public.verify_signature(&CoreJwsSigningAlgorithm::EcdsaP256Sha256, signed.as_bytes(), &decode(signature));
    verified.expect("is signed by the key");
    serde_json::from_slice(&decode(claims)).expect("is JSON")
}

#[tokio::test]
async fn apple_answers_by_a_form_and_takes_a_signed_secret() {
    let op = Op::of(&apple());
    // It does not say so in its documents.
    op.script(|script| script.metadata["token_endpoint_auth_methods_supported"] = json!(["client_secret_basic"]));
    let party = op.party();
    let mut begun = begin(&op, &party, &apple()).await;
    assert_eq!(begun.parameter("response_mode").as_deref(), Some("form_post"));
    assert_eq!(begun.parameter("scope").as_deref(), Some("openid name email"));
    op.script(|script| {
        script.claims["email"] = json!("x7k2@privaterelay.appleid.com");
        script.claims["email_verified"] = json!("true");
    });
    // As a browser sends it, with an address that nobody has signed.
    let user = json!({ "name": { "firstName": "Anna", "lastName": "Blum" }, "email": "victim@example.com" });
    begun.callback.user = Some(secret(&user.to_string()));
    let person = begun.finish(&party, &apple()).await.expect("is accepted").person;
    assert_eq!(person.email.expect("has one").expose(), "x7k2@privaterelay.appleid.com");
    assert_eq!(person.name.expect("has one").expose(), "Anna Blum");
    assert!(person.email_verified);

    let (form, authorization) = op.last_form();
    assert_eq!((authorization, form["client_id"].as_str()), (None, "example.photos"));
    let expected = json!({ "iss": "TEAM123456", "sub": "example.photos", "aud": "https://appleid.apple.com",
        "iat": seconds(), "exp": seconds() + 300 });
    assert_eq!(read_client_secret(&form["client_secret"]), expected);
}

#[tokio::test]
async fn apples_user_field_is_never_believed() {
    for user in [None, Some("no JSON"), Some("{}"), Some(r#"{"email":"victim@example.com","sub":"x"}"#)] {
        let op = Op::of(&apple());
        let party = op.party();
        let mut begun = begin(&op, &party, &apple()).await;
        begun.callback.user = user.map(secret);
        let signed_in = begun.finish(&party, &apple()).await.expect("is accepted");
        // No name at the second sign-in: what is known stays.
        assert!(signed_in.person.name.is_none() && signed_in.person.email.is_none(), "{user:?}");
        assert_eq!(signed_in.person.subject.expose(), SUBJECT);
    }
    // Of others it is not read at all.
    let op = Op::new();
    let party = op.party();
    let mut begun = begin(&op, &party, &connection()).await;
    begun.callback.user = Some(secret(r#"{"name":{"firstName":"Anna"}}"#));
    assert!(begun.finish(&party, &connection()).await.expect("is accepted").person.name.is_none());
}

#[test]
fn settings_that_cannot_be_are_named() {
    let op = Op::new();
    for connection in [connection(), microsoft(), google(), apple()] {
        assert_eq!(connection.check(&op), Ok(()), "{connection:?}");
        let stored = serde_json::to_string(&connection).expect("is stored");
        let read: Connection = serde_json::from_str(&stored).expect("is read");
        assert_eq!(read.check(&op), Ok(()), "{stored}");
        assert_eq!(serde_json::to_string(&read).expect("is stored"), stored);
        assert!(!format!("{connection:?}").contains(SECRET) && !format!("{connection:?}").contains("PRIVATE KEY"));
    }
    let with = |change: fn(&mut Connection), mut connection: Connection| {
        change(&mut connection);
        connection
    };
    for (wrong, expected) in [
        (with(|c| c.issuer = "http://op.example".to_owned(), connection()), "setting_issuer"),
        (with(|c| c.issuer = "op.example".to_owned(), connection()), "setting_issuer"),
        (with(|c| c.issuer = "https://op.example/?a=b".to_owned(), connection()), "setting_issuer"),
        (with(|c| c.issuer = "https://op.example/#a".to_owned(), connection()), "setting_issuer"),
        (with(|c| c.client_id = String::new(), connection()), "setting_client_id"),
        (with(|c| c.client_id = "a b".to_owned(), connection()), "setting_client_id"),
        (with(|c| c.scopes = vec!["a b".to_owned()], connection()), "setting_scope"),
        (with(|c| c.authentication = by_secret(""), connection()), "setting_client_secret"),
        (Connection::microsoft("common", CLIENT, secret(SECRET)), "setting_tenant"),
        (Connection::microsoft("organizations", CLIENT, secret(SECRET)), "setting_tenant"),
        (Connection::microsoft("example.onmicrosoft.com", CLIENT, secret(SECRET)), "setting_tenant"),
        (
            with(|c| c.issuer = "https://login.microsoftonline.com/common/v2.0".to_owned(), microsoft()),
            "setting_tenant",
        ),
        (with(|c| c.rules = Rules::Microsoft { tenant: OTHER_TENANT.to_owned() }, microsoft()), "setting_tenant"),
        (Connection::google("com", CLIENT, secret(SECRET)), "setting_domain"),
        (Connection::google("", CLIENT, secret(SECRET)), "setting_domain"),
        (Connection::google("example..com", CLIENT, secret(SECRET)), "setting_domain"),
        (Connection::google("exa_mple.com", CLIENT, secret(SECRET)), "setting_domain"),
        (with(|c| c.rules = Rules::Google { domain: "Example.com".to_owned() }, google()), "setting_domain"),
        (with(|c| c.issuer = "https://accounts.google.com.example".to_owned(), google()), "setting_domain"),
        (Connection::apple("example.photos", "TEAM123456", "KEY1234567", secret("no key")), "setting_apple_key"),
        (Connection::apple("example.photos", "", "KEY1234567", secret(&APPLE)), "setting_apple_key"),
        (with(|c| c.rules = Rules::Apple, connection()), "setting_apple_key"),
        (with(|c| c.issuer = ISSUER.to_owned(), apple()), "setting_apple_key"),
        (with(|c| c.authentication = by_secret(SECRET), apple()), "setting_apple_key"),
    ] {
        assert_eq!(wrong.check(&op).map_err(|reject| reject.code()), Err(expected), "{wrong:?}");
    }
}
