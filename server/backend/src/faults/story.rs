//! What was asked of an installation, and what it said yes to.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use shutterpost_model::captures::Captures;
use shutterpost_model::id::GuestId;
use shutterpost_model::ingest::{Accepted, Ingest, Upload};
use shutterpost_model::privacy::{ErasureTarget, Privacy};

use super::choice::Choice;
use super::machine::{DATA, KEYS, Machine};
use super::stage::Installation;
use crate::ingest::fixture::{Stand, upload, upload_of};
use crate::jobs::Permit;
use crate::privacy::sweep;

/// Whether something was done to a photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Done {
    No,
    /// It was asked for, and there was no answer.
    Perhaps,
    Surely,
}

/// One photo, by the idempotency key of its upload.
#[derive(Debug, Clone)]
pub(super) struct Photo {
    guest: Option<usize>,
    /// Whom a caller knows who looked before.
    met: Arc<OnceLock<GuestId>>,
    /// Of the event that may be erased.
    other: bool,
    pub(super) answer: Option<Accepted>,
    pub(super) trashed: Done,
    pub(super) erased: Done,
}

#[derive(Debug, Default)]
pub(super) struct Story {
    pub(super) photos: BTreeMap<String, Photo>,
    /// What was asked for and how it ended, for whoever reads why a seed failed.
    pub(super) log: Vec<String>,
    other_erased: bool,
}

/// Something that people or the clock ask for.
#[derive(Debug, Clone)]
pub(super) enum Wish {
    Upload { key: String },
    Trash { key: String },
    EraseCapture { key: String },
    EraseGuest { key: String },
    EraseOther,
    Rotate,
    Checkpoint(&'static str),
    Sweep,
}

impl Story {
    /// Something that makes sense now. Two lanes have different guests and photos, so that both may go on at once.
    pub(super) fn wish(&mut self, choice: &mut Choice, lane: usize) -> Wish {
        let known: Vec<String> = self
            .photos
            .iter()
            .filter(|(key, photo)| key.starts_with(&format!("{lane}-")) && photo.answer.is_some())
            .map(|(key, _)| key.clone())
            .collect();
        let asked: Vec<String> =
            self.photos.keys().filter(|key| key.starts_with(&format!("{lane}-"))).cloned().collect();
        let one = |of: &[String], choice: &mut Choice| of.get(choice.below(of.len())).cloned();
        let again = |key| Wish::Upload { key };
        let wish = match choice.below(20) {
            0 | 1 => one(&asked, choice).filter(|key| self.may_upload(key)).map(again),
            2 => one(&known, choice).map(|key| Wish::Trash { key }),
            3 | 4 => one(&known, choice).map(|key| Wish::EraseCapture { key }),
            5 | 6 => {
                // Whoever is known from a photo that was erased may be somebody new by now.
                let stays = |key: &String| self.photos[key].guest.is_some() && self.photos[key].erased == Done::No;
                let key = one(&known, choice).filter(stays);
                key.map(|key| Wish::EraseGuest { key })
            }
            7 if lane == 0 && choice.one_in(3) => Some(Wish::EraseOther),
            8 if lane == 0 => Some(Wish::Rotate),
            9 => Some(Wish::Checkpoint(["PASSIVE", "FULL", "RESTART", "TRUNCATE"][choice.below(4)])),
            10 if lane == 0 => Some(Wish::Sweep),
            _ => None,
        };
        wish.unwrap_or_else(|| {
            let key = format!("{lane}-{}", self.photos.len());
            let guest = (!choice.one_in(4)).then(|| choice.below(3) + 3 * lane);
            let other = !self.other_erased && lane == 0 && choice.one_in(5);
            self.photos.insert(key.clone(), Photo::new(guest, other));
            Wish::Upload { key }
        })
    }

    /// A photo of a guest of this number, if any, to be uploaded under the key.
    pub(super) fn photo(&mut self, key: &str, guest: Option<usize>) -> Wish {
        self.photos.insert(key.to_owned(), Photo::new(guest, false));
        Wish::Upload { key: key.to_owned() }
    }

    /// Looks at an accepted photo, so that its guest is known from then on.
    ///
    /// # Errors
    /// Why nobody was found.
    pub(super) async fn look(&self, key: &str, stand: &Stand) -> Result<(), String> {
        let photo = &self.photos[key];
        meet(stand, photo.answer.as_ref().ok_or("was not accepted")?, &photo.met).await.map(|_| ())
    }

    /// Whether an upload may be repeated: nothing is uploaded into an event that is erased.
    pub(super) fn may_upload(&self, key: &str) -> bool {
        !(self.photos[key].other && self.other_erased)
    }

    /// Notes what is asked for; gives the photos that it concerns.
    fn asked(&mut self, wish: &Wish) -> Vec<String> {
        let mut concerned = Vec::new();
        match wish {
            Wish::Trash { key } => {
                let photo = self.photos.get_mut(key).expect("is known");
                photo.trashed = photo.trashed.max(Done::Perhaps);
                concerned.push(key.clone());
            }
            Wish::EraseCapture { key } => concerned.push(key.clone()),
            Wish::EraseGuest { key } => {
                let Photo { guest, other, .. } = self.photos[key].clone();
                let theirs = self.photos.iter().filter(|(_, photo)| (photo.guest, photo.other) == (guest, other));
                concerned.extend(theirs.map(|(key, _)| key.clone()));
            }
            Wish::EraseOther => {
                self.other_erased = true;
                let theirs = self.photos.iter().filter(|(_, photo)| photo.other);
                concerned.extend(theirs.map(|(key, _)| key.clone()));
            }
            Wish::Upload { .. } | Wish::Rotate | Wish::Checkpoint(_) | Wish::Sweep => {}
        }
        if !matches!(wish, Wish::Trash { .. }) {
            for key in &concerned {
                let photo = self.photos.get_mut(key).expect("is known");
                photo.erased = photo.erased.max(Done::Perhaps);
            }
        }
        concerned
    }

    /// Notes that the answer was yes.
    fn granted(&mut self, wish: &Wish, concerned: &[String], accepted: Option<Accepted>) -> Result<(), String> {
        if let (Wish::Upload { key }, Some(accepted)) = (wish, accepted) {
            let photo = self.photos.get_mut(key).expect("is known");
            if let Some(known) = photo.answer.replace(accepted.clone())
                && known != accepted
            {
                return Err(format!("{key} was {} and is {} now", known.id, accepted.id));
            }
        }
        for photo in concerned {
            let photo = self.photos.get_mut(photo).expect("is known");
            match wish {
                Wish::Trash { .. } => photo.trashed = Done::Surely,
                // What had no answer may never have been there, and may still come.
                _ if photo.answer.is_some() => photo.erased = Done::Surely,
                _ => {}
            }
        }
        Ok(())
    }

    /// Asks for it, and remembers what the answer was. Gives whether it was yes.
    ///
    /// # Errors
    /// An answer that contradicts an earlier one.
    pub(super) async fn ask(
        &mut self,
        wish: &Wish,
        installation: &Installation,
        stand: &Stand,
        machine: &Machine,
    ) -> Result<bool, String> {
        let concerned = self.asked(wish);
        let request = self.request(wish, &installation.other);
        let answer = grant(request, installation, stand, machine).await;
        self.answered(wish, &concerned, answer)
    }

    /// The same for two at once.
    pub(super) async fn ask_both(
        &mut self,
        wishes: [&Wish; 2],
        installation: &Installation,
        stand: &Stand,
        machine: &Machine,
    ) -> Result<(), String> {
        let concerned = wishes.map(|wish| self.asked(wish));
        let [one, two] =
            wishes.map(|wish| grant(self.request(wish, &installation.other), installation, stand, machine));
        let (one, two) = tokio::join!(one, two);
        for ((wish, concerned), answer) in wishes.into_iter().zip(&concerned).zip([one, two]) {
            self.answered(wish, concerned, answer)?;
        }
        Ok(())
    }

    fn answered(
        &mut self,
        wish: &Wish,
        concerned: &[String],
        answer: Result<Option<Accepted>, String>,
    ) -> Result<bool, String> {
        self.log.push(format!("{wish:?}: {}", answer.as_ref().err().map_or("yes", String::as_str)));
        match answer {
            Ok(accepted) => self.granted(wish, concerned, accepted).map(|()| true),
            Err(_) => Ok(false),
        }
    }

    fn request(&self, wish: &Wish, other: &shutterpost_model::id::EventId) -> Request {
        let answer = |key: &String| self.photos[key].answer.clone().expect("is known");
        match wish {
            Wish::Upload { key } => {
                let Photo { guest, other, .. } = &self.photos[key];
                let consents = r#"[{"purpose":"delivery","granted":true}]"#;
                let guest =
                    guest.map(|guest| format!(r#"{{"email":"guest{guest}@canary.example","consents":{consents}}}"#));
                let upload = guest.map_or_else(upload, |guest| upload_of(&guest));
                Request::Upload(Box::new(Upload { key: Some(key.clone()), ..upload }), *other)
            }
            Wish::Trash { key } => Request::Trash(answer(key), self.photos[key].other),
            Wish::EraseCapture { key } => Request::Erase(ErasureTarget::Capture(answer(key).id)),
            Wish::EraseGuest { key } => Request::EraseGuest(answer(key), Arc::clone(&self.photos[key].met)),
            Wish::EraseOther => Request::Erase(ErasureTarget::Event(other.clone())),
            Wish::Rotate => Request::Rotate,
            Wish::Checkpoint(mode) => Request::Checkpoint(mode),
            Wish::Sweep => Request::Sweep,
        }
    }
}

impl Photo {
    fn new(guest: Option<usize>, other: bool) -> Self {
        Self { guest, met: Arc::default(), other, answer: None, trashed: Done::No, erased: Done::No }
    }
}

/// The guest of a photo, as somebody knows them who looked at it once.
async fn meet(stand: &Stand, accepted: &Accepted, met: &OnceLock<GuestId>) -> Result<GuestId, String> {
    if let Some(guest) = met.get() {
        return Ok(guest.clone());
    }
    let capture = stand.captures.find(&stand.owner, &accepted.id).await.map_err(|error| format!("{error:?}"))?;
    let guest = capture.guests.into_iter().next().ok_or("shows nobody")?.id;
    Ok(met.get_or_init(|| guest).clone())
}

/// A wish with what it takes.
enum Request {
    Upload(Box<Upload>, bool),
    Trash(Accepted, bool),
    Erase(ErasureTarget),
    EraseGuest(Accepted, Arc<OnceLock<GuestId>>),
    Rotate,
    Checkpoint(&'static str),
    Sweep,
}

/// Makes the call. An error is an answer too.
async fn grant(
    request: Request,
    installation: &Installation,
    stand: &Stand,
    machine: &Machine,
) -> Result<Option<Accepted>, String> {
    let event = |other: bool| if other { &installation.other } else { &stand.event };
    let text = |error: shutterpost_model::error::AppError| error.code.as_str().to_owned();
    match request {
        Request::Upload(upload, other) => {
            // A device may upload to its own event alone.
            let actor = if other { &stand.owner } else { &stand.device };
            stand.ingest.accept(actor, event(other), *upload).await.map(Some).map_err(text)
        }
        Request::Trash(accepted, other) => {
            let deleted = stand.captures.delete(&stand.owner, event(other), &[accepted.id]).await.map_err(text)?;
            if deleted == 1 { Ok(None) } else { Err("was not there".into()) }
        }
        Request::Erase(target) => stand.privacy.erase(&stand.owner, &target).await.map(|_| None).map_err(text),
        Request::EraseGuest(accepted, met) => {
            let guest = meet(stand, &accepted, &met).await?;
            stand.privacy.erase(&stand.owner, &ErasureTarget::Guest(guest)).await.map(|_| None).map_err(text)
        }
        Request::Rotate => stand.deps.keystore.rotate().await.map(|_| None).map_err(|failure| format!("{failure:?}")),
        Request::Checkpoint(mode) => {
            let paths = [DATA, KEYS].map(|name| machine.path(name));
            tokio::task::spawn_blocking(move || {
                for path in paths {
                    // What fails here fails in the next one too.
                    let conn = rusqlite::Connection::open(path).map_err(|error| error.to_string())?;
                    let done = conn.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()));
                    done.map_err(|error| error.to_string())?;
                }
                Ok(None)
            })
            .await
            .expect("no panic")
        }
        Request::Sweep => {
            sweep(&Permit::of_test(), &stand.deps).await.map(|_| None).map_err(|failure| format!("{failure:?}"))
        }
    }
}
