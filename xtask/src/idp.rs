//! Identity providers that others have written, on loopback: sign-in is tested against them, by the tests of `sso` and in
//! the browser. Keys are made at each start; a file tells the tests where everything is.

mod keys;
mod oidc;
mod pysaml2;
mod samlp;
mod simplesamlphp;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::{Map, Value, json};

use crate::{
    checkout::Checkout,
    debian,
    failure::{Failure, While as _},
    progress,
    running::Running,
    scratch::Scratch,
};

/// The variable with the path of the file that describes them.
pub const VARIABLE: &str = "SHUTTERPOST_TEST_IDPS";

/// All of them; they end with this value.
#[derive(Debug)]
pub struct Providers {
    // Fields are dropped in this order: the servers must be gone before their folder.
    all: Vec<Provider>,
    folder: Scratch,
    file: PathBuf,
}

impl Providers {
    /// Installs what is missing, and starts them.
    pub fn start(checkout: &Checkout) -> Result<Self, Failure> {
        let xmlsec1 = debian::program("xmlsec1", &["xmlsec1"], "the tests of SAML")?;
        let simplesamlphp = simplesamlphp::install(checkout)?;
        let pysaml2 = pysaml2::install(checkout)?;
        install_packages(checkout)?;

        let step = progress::step("identity providers for the tests", "about 5 s");
        let folder = Scratch::new("idp")?;
        let place = Place { scripts: checkout.root.join("end2end/providers"), folder: folder.path() };
        // Whoever wants to be known to a provider of SAML puts a file here, which all of them read at each request.
        let known = place.folder.join("service-providers");
        fs::create_dir_all(&known).or_fail("making the folder of service providers")?;
        let stranger = keys::make(place.folder, "stranger")?;
        let all = vec![
            twice(|| simplesamlphp::start(&place, &simplesamlphp))?,
            twice(|| pysaml2::start(&place, &pysaml2, &xmlsec1))?,
            twice(|| samlp::start(&place))?,
            twice(|| oidc::start(&place))?,
        ];
        let file = place.folder.join("providers.json");
        let mut described = Map::new();
        for provider in &all {
            described.insert(provider.name.to_owned(), provider.description.clone());
        }
        described.insert("service_providers".to_owned(), json!(known));
        // A key that nobody trusts, and the tool by which a changed document is signed once more.
        described.insert("stranger".to_owned(), json!({ "key": stranger.key, "certificate": stranger.certificate }));
        described.insert("xmlsec1".to_owned(), json!(xmlsec1));
        fs::write(&file, Value::Object(described).to_string()).or_fail("describing the identity providers")?;
        step.done();
        Ok(Self { all, folder, file })
    }

    /// What [`VARIABLE`] is set to.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Where they run, for a person who looks.
    pub fn describe(&self) -> String {
        let each = self.all.iter().map(|provider| format!("{} {}", provider.name, provider.server.pid()));
        format!("identity providers: {}, {}", each.collect::<Vec<_>>().join(", "), self.folder.path().display())
    }
}

/// One provider; it ends with this value.
#[derive(Debug)]
struct Provider {
    name: &'static str,
    server: Running,
    /// What the tests need to know, as they read it.
    description: Value,
}

/// Where a provider finds its script, and where it may write.
#[derive(Debug)]
struct Place<'a> {
    scripts: PathBuf,
    folder: &'a Path,
}

impl Place<'_> {
    /// A folder of the provider's own.
    fn own(&self, name: &str) -> Result<PathBuf, Failure> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder).or_fail(format_args!("making {}", folder.display()))?;
        Ok(folder)
    }
}

/// Once more, on another port, for one that does not come up: oidc-provider was seen to take connections and never answer.
fn twice(start: impl Fn() -> Result<Provider, Failure>) -> Result<Provider, Failure> {
    start().or_else(|failure| {
        progress::note(&format!("{failure}; once more"));
        start()
    })
}

/// Starts the server with its output in a file of its folder, and waits until the path answers.
fn serve(server: &mut Command, folder: &Path, port: u16, path: &str) -> Result<Running, Failure> {
    let file = folder.join("log");
    let log = fs::File::create(&file).or_fail("making the server's log")?;
    let errors = log.try_clone().or_fail("making the server's log")?;
    server.current_dir(folder).stdout(Stdio::from(log)).stderr(Stdio::from(errors));
    let mut running = Running::start(server)?;
    running.wait_for(port, path, Duration::from_secs(40)).map_err(|failure| {
        let log = fs::read_to_string(&file).unwrap_or_default();
        Failure::new(format!("{failure}\n{log}"))
    })?;
    Ok(running)
}

/// `npm ci` for the providers of node and the client of resumable uploads, unless the lock is the one that was installed last.
pub fn install_packages(checkout: &Checkout) -> Result<(), Failure> {
    crate::node::install_locked(&checkout.root.join("end2end/providers"))
}
