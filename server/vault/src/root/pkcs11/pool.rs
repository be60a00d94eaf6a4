//! Sessions with the token. One serves a single thread at a time, so there are a few; one that was lost is opened again.

use std::mem;
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::MechanismType;
use cryptoki::session::SessionState::RwUser;
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;

use super::Location;
use crate::root::{RootError, passphrase};

/// Sessions at once. Devices have few, and a session is busy for milliseconds.
const SESSIONS: usize = 4;
/// How often a module is started before a token counts as absent.
const STARTS: usize = 4;
/// Before each of them.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a call waits for a session. A device that hangs holds all of them.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a call on a session ended.
#[derive(Debug)]
pub(super) enum Stop {
    /// The module said no.
    Module(Error),
    /// We did.
    Root(RootError),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Module(error)
    }
}

impl From<RootError> for Stop {
    fn from(error: RootError) -> Stop {
        Stop::Root(error)
    }
}

pub(super) struct Pool {
    module: Pkcs11,
    location: Location,
    pin: AuthPin,
    sessions: Mutex<Sessions>,
    returned: Condvar,
    sign_in: Mutex<SignIn>,
}

struct Sessions {
    idle: Vec<Session>,
    /// Idle and in use.
    open: usize,
}

/// Whether the PIN is worth trying.
#[derive(Clone, Copy)]
enum SignIn {
    Untried,
    Refused,
}

/// The right to use a session. The session goes back if it is put here; otherwise another may be opened.
struct Lease<'a> {
    pool: &'a Pool,
    back: Option<Session>,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut sessions = self.pool.lock();
        match self.back.take() {
            Some(session) => sessions.idle.push(session),
            None => sessions.open -= 1,
        }
        drop(sessions);
        self.pool.returned.notify_one();
    }
}

impl Pool {
    pub(super) fn open(location: &Location) -> Result<Pool, RootError> {
        let pin = passphrase::read_file(&location.pin)?;
        if pin.is_empty() {
            return Err(unusable(format!("the PIN file {} is empty", location.pin.display())));
        }
        // The loader opens whatever the system's search path has for a bare name; a path says which one it is.
        let module = &location.module;
        if !module.is_absolute() || !module.is_file() {
            return Err(unusable(format!(
                "there is no module {}; module-path must be the path of the vendor's library",
                module.display()
            )));
        }
        let module = Pkcs11::new(module)
            .map_err(|error| unusable(format!("{} is not a PKCS#11 module: {error}", module.display())))?;
        let pool = Pool {
            module,
            location: location.clone(),
            pin: AuthPin::from(pin.as_str()),
            sessions: Mutex::new(Sessions { idle: Vec::new(), open: 0 }),
            returned: Condvar::new(),
            sign_in: Mutex::new(SignIn::Untried),
        };
        pool.initialise()?;
        pool.check_mechanisms()?;
        Ok(pool)
    }

    /// Makes a call on a session; once more on a new one if that one turns out to be lost.
    pub(super) fn with<T>(&self, mut call: impl FnMut(&Session) -> Result<T, Stop>) -> Result<T, RootError> {
        let mut first = true;
        loop {
            let (mut lease, session) = self.lease()?;
            let error = match call(&session) {
                Err(Stop::Module(error)) => error,
                done => {
                    lease.back = Some(session);
                    return done.map_err(ended);
                }
            };
            discard(session, &error);
            drop(lease);
            // Lost with this one, most often.
            self.discard_idle(&error);
            if !mem::take(&mut first) || !is_lost(&error) {
                return Err(root_error(&error));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lease(&self) -> Result<(Lease<'_>, Session), RootError> {
        let busy = |sessions: &mut Sessions| sessions.idle.is_empty() && sessions.open >= SESSIONS;
        let waited = self.returned.wait_timeout_while(self.lock(), PATIENCE, busy);
        let (mut sessions, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let idle = sessions.idle.pop();
        if idle.is_none() && sessions.open >= SESSIONS {
            let reason = format!("every session with the token is busy for {} s", PATIENCE.as_secs());
            return Err(RootError::Unavailable { reason });
        }
        sessions.open += usize::from(idle.is_none());
        drop(sessions);
        // Counted from here on, also if opening fails.
        let lease = Lease { pool: self, back: None };
        let session = match idle {
            // Signed out by somebody, it would not see the keys and say that there are none.
            Some(session) if session.get_session_info().is_ok_and(|info| info.session_state() != RwUser) => {
                drop(session);
                self.open_session()?
            }
            Some(session) => session,
            None => self.open_session()?,
        };
        Ok((lease, session))
    }

    fn discard_idle(&self, error: &Error) {
        if !is_lost(error) {
            return;
        }
        let mut sessions = self.lock();
        let idle = mem::take(&mut sessions.idle);
        sessions.open -= idle.len();
        drop(sessions);
        idle.into_iter().for_each(|session| discard(session, error));
        self.returned.notify_all();
    }

    /// Once a process; another user of the same module, or an earlier one of ours, may have been first.
    fn initialise(&self) -> Result<(), RootError> {
        match self.module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(()),
            other => other.map_err(|error| root_error(&error)),
        }
    }

    /// Opens a session, with some patience: SoftHSM2 fails in many ways while another process signs in.
    fn open_session(&self) -> Result<Session, RootError> {
        for _ in 1..STARTS {
            match self.try_session() {
                Err(Stop::Module(error)) if is_lost(&error) => self.pause(),
                other => return other.map_err(ended),
            }
        }
        self.try_session().map_err(ended)
    }

    fn try_session(&self) -> Result<Session, Stop> {
        let slot = self.find_slot()?;
        let session = self.module.open_rw_session(slot)?;
        self.sign_in(slot, &session)?;
        Ok(session)
    }

    fn pause(&self) {
        drop(self.returned.wait_timeout(self.lock(), PAUSE));
    }

    /// The token's slot, after starting the module anew if it is not there. Many modules look for tokens at their start and
    /// only then, and SoftHSM2 passes over one that another process signs in to at this moment.
    fn find_slot(&self) -> Result<Slot, RootError> {
        for _ in 1..STARTS {
            match self.slot() {
                Err(Stop::Module(Error::Pkcs11(RvError::CryptokiNotInitialized, _))) => self.initialise()?,
                Err(Stop::Root(RootError::Unavailable { .. })) if self.restart()? => {}
                Err(Stop::Module(error)) if is_lost(&error) => self.pause(),
                other => return other.map_err(ended),
            }
        }
        self.slot().map_err(ended)
    }

    /// Not while another thread uses the module, which would be undefined.
    fn restart(&self) -> Result<bool, RootError> {
        let mut sessions = self.lock();
        let idle = mem::take(&mut sessions.idle);
        sessions.open -= idle.len();
        // They end with the module.
        idle.into_iter().for_each(mem::forget);
        // Whoever asks holds one, unless nothing is open yet.
        if sessions.open > 1 {
            return Ok(false);
        }
        let waited = self.returned.wait_timeout(sessions, PAUSE);
        let (sessions, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if sessions.open > 1 {
            return Ok(false);
        }
        match self.module.clone().finalize() {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiNotInitialized, _)) => {}
            Err(error) => return Err(root_error(&error)),
        }
        self.initialise().map(|()| true)
    }

    /// Looked up each time: numbers change when tokens come and go.
    fn slot(&self) -> Result<Slot, Stop> {
        let mut labels = Vec::new();
        let mut found = Vec::new();
        for slot in self.module.get_slots_with_token()? {
            let info = self.module.get_token_info(slot)?;
            if info.label().trim_end() == self.location.token {
                found.push(slot);
            }
            labels.push(format!("{:?}", info.label().trim_end()));
        }
        let token = &self.location.token;
        match found.as_slice() {
            [slot] => Ok(*slot),
            [] => {
                let reason = format!(
                    "{} has no token {token:?}; it has: {}",
                    self.location.module.display(),
                    if labels.is_empty() { "none".to_owned() } else { labels.join(", ") }
                );
                Err(RootError::Unavailable { reason }.into())
            }
            _ => Err(unusable(format!("there are several tokens {token:?}; give them labels of their own")).into()),
        }
    }

    /// Signing in counts for every session of this process; it ends with the last of them.
    fn sign_in(&self, slot: Slot, session: &Session) -> Result<(), Stop> {
        let mut state = self.sign_in.lock().unwrap_or_else(PoisonError::into_inner);
        let wrong = |file: &Path| {
            unusable(format!(
                "the token refuses the PIN in {}. Put the right one there and start again; it is not tried again before, \
                 because tokens lock after a few wrong ones",
                file.display()
            ))
        };
        if matches!(*state, SignIn::Refused) {
            return Err(wrong(&self.location.pin).into());
        }
        let info = self.module.get_token_info(slot)?;
        if info.user_pin_locked() || info.user_pin_final_try() {
            let reason = "the token's PIN is locked or has one try left. Sign in with the vendor's tool to clear that";
            return Err(unusable(reason.to_owned()).into());
        }
        match session.login(UserType::User, Some(&self.pin)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
            Err(Error::Pkcs11(RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange, _)) => {
                *state = SignIn::Refused;
                Err(wrong(&self.location.pin).into())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn check_mechanisms(&self) -> Result<(), RootError> {
        let slot = self.find_slot()?;
        let module = self.location.module.display();
        let gcm = self.module.get_mechanism_info(slot, MechanismType::AES_GCM);
        if !gcm.is_ok_and(|info| info.encrypt() && info.decrypt()) {
            return Err(unusable(format!("{module} has no AES-GCM (CKM_AES_GCM) for encrypting and decrypting")));
        }
        let generation = self.module.get_mechanism_info(slot, MechanismType::AES_KEY_GEN);
        if !generation.is_ok_and(|info| info.generate()) {
            return Err(unusable(format!("{module} cannot make AES keys (CKM_AES_KEY_GEN)")));
        }
        Ok(())
    }

    /// The module itself, to do to it what devices do by themselves.
    #[cfg(test)]
    pub(super) fn module(&self) -> &Pkcs11 {
        &self.module
    }
}

/// Closes a session that is of no use any more, unless the module knows it no longer: a new session may have got its
/// number, and that one would be closed.
fn discard(session: Session, error: &Error) {
    use RvError::{CryptokiNotInitialized, DeviceRemoved, SessionClosed, SessionHandleInvalid, TokenNotPresent};
    if matches!(
        error,
        Error::Pkcs11(
            SessionHandleInvalid | SessionClosed | CryptokiNotInitialized | TokenNotPresent | DeviceRemoved,
            _
        )
    ) {
        mem::forget(session);
    }
}

/// Whether another session may fare better.
fn is_lost(error: &Error) -> bool {
    use RvError::{
        CryptokiNotInitialized, DeviceError, DeviceRemoved, FunctionFailed, GeneralError, OperationActive,
        SessionClosed, SessionHandleInvalid, TokenNotPresent, TokenNotRecognized, UserNotLoggedIn,
    };
    matches!(
        error,
        Error::Pkcs11(
            CryptokiNotInitialized
                | DeviceError
                | DeviceRemoved
                | FunctionFailed
                | GeneralError
                | OperationActive
                | SessionClosed
                | SessionHandleInvalid
                | TokenNotPresent
                | TokenNotRecognized
                | UserNotLoggedIn,
            _
        )
    )
}

fn root_error(error: &Error) -> RootError {
    use RvError::{
        ActionProhibited, AttributeTypeInvalid, AttributeValueInvalid, FunctionNotSupported, KeyFunctionNotPermitted,
        MechanismInvalid, MechanismParamInvalid, PinExpired, PinLocked, TemplateInconsistent, TokenWriteProtected,
        UserPinNotInitialized,
    };
    match error {
        Error::Pkcs11(
            ActionProhibited
            | AttributeTypeInvalid
            | AttributeValueInvalid
            | FunctionNotSupported
            | KeyFunctionNotPermitted
            | MechanismInvalid
            | MechanismParamInvalid
            | PinExpired
            | PinLocked
            | TemplateInconsistent
            | TokenWriteProtected
            | UserPinNotInitialized,
            _,
        ) => unusable(error.to_string()),
        _ => RootError::Unavailable { reason: error.to_string() },
    }
}

fn ended(stop: Stop) -> RootError {
    match stop {
        Stop::Module(error) => root_error(&error),
        Stop::Root(error) => error,
    }
}

fn unusable(reason: String) -> RootError {
    RootError::Unusable { reason }
}
