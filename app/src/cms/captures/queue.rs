//! The list of files being uploaded: what state each is in, which may start next, what the server's answer means.
//! Plain rules without a browser.

use serde::Deserialize;
use shutterpost_model::error::Code;

/// Uploads at one time: enough to hide latency, few enough that the first picture is soon there.
pub const PARALLEL: usize = 3;
/// Most files that are listed one by one; of more, those that are done are only counted.
pub const LISTED: usize = 60;

/// How far a file came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    Queued,
    /// Percent of the bytes that left.
    Sending(u8),
    /// All bytes left; the server makes the renditions.
    Working,
    Done,
    Failed(Failure),
}

/// Why a file did not arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The connection broke, or there was none.
    Offline,
    /// The server refused: why, the request's id if it says one, and its words for it.
    Refused { code: Code, request_id: Option<String>, words: Option<String> },
}

impl Failure {
    /// Whether the same file may arrive at another attempt.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Offline => true,
            Self::Refused { code, .. } => matches!(
                code,
                Code::Internal | Code::Busy | Code::StorageFull | Code::TooMany | Code::KeyBusy | Code::SignInNeeded
            ),
        }
    }
}

/// A file in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Given by whoever keeps the files; never used twice.
    pub key: u32,
    pub name: String,
    /// Bytes.
    pub size: i64,
    pub progress: Progress,
}

/// Why nothing more is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// Somebody asked for it.
    Asked,
    /// The connection broke: goes on by itself.
    Offline,
}

/// All files of this visit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Queue {
    entries: Vec<Entry>,
    pause: Option<Pause>,
}

impl Queue {
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds a file. A type that the browser knows and the server refuses is refused here, before megabytes travel; an
    /// empty type means that the browser does not know.
    pub fn add(&mut self, key: u32, name: String, size: i64, media_type: &str) {
        let progress = if media_type.is_empty() || ACCEPTED.contains(&media_type) {
            Progress::Queued
        } else {
            refused(Code::FileKind)
        };
        self.entries.push(Entry { key, name, size, progress });
    }

    pub fn set(&mut self, key: u32, progress: Progress) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.key == key) {
            entry.progress = progress;
        }
    }

    pub const fn pause(&self) -> Option<Pause> {
        self.pause
    }

    /// Begins nothing more; what is under way is brought to its end.
    pub const fn hold(&mut self) {
        self.pause = Some(Pause::Asked);
    }

    /// Goes on, also with what failed and may arrive at another attempt.
    pub fn go_on(&mut self) {
        self.pause = None;
        let failed = self.entries.iter_mut().filter(|entry| entry.may_arrive());
        failed.for_each(|entry| entry.progress = Progress::Queued);
    }

    /// Puts a file back whose connection broke, and waits for the next one: the other files would break off as well.
    pub fn lost(&mut self, key: u32) {
        self.set(key, Progress::Queued);
        self.pause = self.pause.or(Some(Pause::Offline));
    }

    /// Whether something failed that may arrive at another attempt.
    pub fn can_retry(&self) -> bool {
        self.entries.iter().any(Entry::may_arrive)
    }

    /// The next file to send, marked as begun; `None` while enough are on their way.
    pub fn start_next(&mut self) -> Option<u32> {
        if self.pause.is_some() {
            return None;
        }
        let running = self
            .entries
            .iter()
            .filter(|entry| matches!(entry.progress, Progress::Sending(_) | Progress::Working))
            .count();
        if running >= PARALLEL {
            return None;
        }
        let next = self.entries.iter_mut().find(|entry| entry.progress == Progress::Queued)?;
        next.progress = Progress::Sending(0);
        Some(next.key)
    }

    /// Forgets what is finished, well or badly; gives the keys forgotten.
    pub fn clear_finished(&mut self) -> Vec<u32> {
        let finished = |entry: &Entry| matches!(entry.progress, Progress::Done | Progress::Failed(_));
        let keys = self.entries.iter().filter(|entry| finished(entry)).map(|entry| entry.key).collect();
        self.entries.retain(|entry| !finished(entry));
        keys
    }

    /// Whether nothing is under way any more.
    pub fn is_idle(&self) -> bool {
        self.entries.iter().all(|entry| matches!(entry.progress, Progress::Done | Progress::Failed(_)))
    }

    pub fn done(&self) -> i64 {
        count(self.entries.iter().filter(|entry| entry.progress == Progress::Done).count())
    }

    pub fn all(&self) -> i64 {
        count(self.entries.len())
    }

    /// The files to list: all of a few, of many the first that are not done.
    pub fn listed(&self) -> Vec<u32> {
        let few = self.entries.len() <= LISTED;
        let open = self.entries.iter().filter(|entry| few || entry.progress != Progress::Done);
        open.take(LISTED).map(|entry| entry.key).collect()
    }
}

impl Entry {
    fn may_arrive(&self) -> bool {
        matches!(&self.progress, Progress::Failed(failure) if failure.is_passing())
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Media types that the server takes; also the `accept` of the file picker.
pub const ACCEPTED: [&str; 10] = [
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/heic",
    "image/heif",
    "image/gif",
    "video/mp4",
    "video/quicktime",
    "video/webm",
    "video/x-matroska",
];

/// Progress after `loaded` of `total` bytes.
pub fn sending(loaded: f64, total: f64) -> Progress {
    if total <= 0.0 {
        return Progress::Sending(0);
    }
    if loaded >= total {
        return Progress::Working;
    }
    // Between 0 and 99, so the cast neither wraps nor loses anything.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=99 before")]
    let percent = (loaded / total * 100.0).clamp(0.0, 99.0) as u8;
    Progress::Sending(percent)
}

/// The part of a problem response (RFC 9457) that says what is wrong.
#[derive(Deserialize)]
struct Problem {
    code: Code,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    request_id: Option<String>,
}

fn refused(code: Code) -> Progress {
    Progress::Failed(Failure::Refused { code, request_id: None, words: None })
}

/// What the server's answer means for the file. Status 0 is no answer at all.
pub fn answer(status: u16, body: &str) -> Progress {
    match status {
        0 => Progress::Failed(Failure::Offline),
        200..=299 => Progress::Done,
        _ => match serde_json::from_slice::<Problem>(body.as_bytes()) {
            Ok(Problem { code, title, request_id }) => {
                Progress::Failed(Failure::Refused { code, request_id, words: title })
            }
            // A proxy in front of us answers in its own words.
            Err(_) => refused(match status {
                413 => Code::TooLarge,
                429 => Code::TooMany,
                401 => Code::SignInNeeded,
                403 => Code::Forbidden,
                502..=504 => Code::Busy,
                _ => Code::Internal,
            }),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(count: u32) -> Queue {
        let mut queue = Queue::default();
        for key in 1..=count {
            queue.add(key, format!("{key}.jpg"), 1000, "image/jpeg");
        }
        queue
    }

    #[test]
    fn three_files_travel_at_a_time() {
        let mut queue = queue(5);
        assert_eq!([queue.start_next(), queue.start_next(), queue.start_next()], [Some(1), Some(2), Some(3)]);
        assert_eq!(queue.start_next(), None);
        queue.set(2, Progress::Working);
        assert_eq!(queue.start_next(), None);
        queue.set(2, Progress::Done);
        assert_eq!(queue.start_next(), Some(4));
        assert!(!queue.is_idle());
    }

    #[test]
    fn what_is_no_capture_is_refused_before_it_travels() {
        let mut queue = Queue::default();
        queue.add(1, "film.avi".into(), 9_000_000_000, "video/x-msvideo");
        queue.add(2, "unknown".into(), 5, "");
        queue.add(3, "film.mov".into(), 5_000_000, "video/quicktime");
        queue.add(4, "film.webm".into(), 5_000_000, "video/webm");
        assert_eq!([queue.start_next(), queue.start_next(), queue.start_next()], [Some(2), Some(3), Some(4)]);
        let Progress::Failed(failure) = &queue.entries()[0].progress else { panic!("refused") };
        assert!(!failure.is_passing());
    }

    #[test]
    fn what_is_paused_begins_nothing_and_a_lost_connection_loses_no_file() {
        let mut queue = queue(4);
        assert_eq!(queue.start_next(), Some(1));
        queue.hold();
        assert_eq!((queue.start_next(), queue.pause()), (None, Some(Pause::Asked)));
        queue.set(1, Progress::Done);
        assert!(!queue.is_idle());
        queue.go_on();
        assert_eq!([queue.start_next(), queue.start_next()], [Some(2), Some(3)]);
        queue.lost(2);
        queue.lost(3);
        assert_eq!((queue.start_next(), queue.pause()), (None, Some(Pause::Offline)));
        queue.go_on();
        assert_eq!(queue.start_next(), Some(2), "in its old place");
        // Whoever asked for a pause has it, whatever the connection does.
        queue.hold();
        queue.lost(2);
        assert_eq!(queue.pause(), Some(Pause::Asked));
    }

    #[test]
    fn what_may_arrive_is_tried_again_and_nothing_else() {
        let mut queue = queue(3);
        queue.set(1, answer(503, ""));
        queue.set(2, answer(413, ""));
        assert!(queue.can_retry());
        queue.go_on();
        assert!(!queue.can_retry());
        assert_eq!([queue.start_next(), queue.start_next(), queue.start_next()], [Some(1), Some(3), None]);
    }

    #[test]
    fn of_thousands_only_some_are_listed() {
        let few = queue(LISTED as u32);
        let mut queue = queue(2000);
        for key in 1..=1500 {
            queue.set(key, if key == 7 { answer(413, "") } else { Progress::Done });
        }
        let listed = queue.listed();
        assert_eq!((listed.len(), listed.first(), listed.get(1)), (LISTED, Some(&7), Some(&1501)));
        assert_eq!((queue.done(), queue.all()), (1499, 2000));
        assert_eq!(few.listed().len(), LISTED);
    }

    #[test]
    fn what_is_finished_can_be_cleared() {
        let mut queue = queue(2);
        queue.start_next();
        queue.set(1, Progress::Done);
        assert_eq!(queue.done(), 1);
        assert_eq!(queue.clear_finished(), [1]);
        assert_eq!(queue.entries().len(), 1);
    }

    #[test]
    fn progress_ends_with_work_on_the_server() {
        assert_eq!(sending(0.0, 0.0), Progress::Sending(0));
        assert_eq!(sending(999.0, 1000.0), Progress::Sending(99));
        assert_eq!(sending(1000.0, 1000.0), Progress::Working);
    }

    #[test]
    fn every_answer_has_a_meaning() {
        assert_eq!(answer(201, "{}"), Progress::Done);
        assert_eq!(answer(0, ""), Progress::Failed(Failure::Offline));
        let told = answer(422, r#"{"code":"file_truncated","title":"x","request_id":"req_1","fields":[]}"#);
        let Progress::Failed(Failure::Refused { code, request_id, words }) = told else { panic!("refused") };
        assert_eq!(code, Code::FileTruncated);
        assert_eq!((request_id.as_deref(), words.as_deref()), (Some("req_1"), Some("x")));
        let Progress::Failed(failure) = answer(502, "<html>Bad gateway") else { panic!("refused") };
        assert!(failure.is_passing());
    }
}
