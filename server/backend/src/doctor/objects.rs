//! The store of objects, and what the objects in it are like.

use shutterpost_model::time::{DAY, Millis};

use super::finding::{Finding, OBJECTS_FLAWED, OBJECTS_SEEN, count, seconds};
use super::told;
use crate::db::{DatabaseUrl, Db};
use crate::error::Failure;
use crate::privacy::scrub::{self, Known};
use crate::storage::{Storage, Versions};

/// How old the last look at every object may be. A pass of a hundred thousand captures takes a few days.
const MOST_UNSEEN: i64 = 30 * DAY;
/// Objects that are named.
const NAMED: i64 = 3;

/// Whether the store takes and gives up objects.
pub(super) async fn storage(url: &str) -> Finding {
    const CHECK: &str = "storage";
    let store = match Storage::parse(url) {
        Ok(store) => store,
        Err(error) => return Finding::failure(CHECK, error.to_string(), "look at storage"),
    };
    let bucket = url.starts_with("s3:");
    if let Err(failure) = store.check().await {
        let remedy = if bucket {
            "look whether bucket, region and endpoint of storage are right, whether credentials are found (variables AWS_…, \
             a profile, the machine's role), and whether they allow s3:GetObject, s3:PutObject, s3:DeleteObject, \
             s3:DeleteObjectVersion and s3:ListBucket"
        } else {
            "look at its disk and its permissions"
        };
        return Finding::failure(CHECK, told(&failure), remedy);
    }
    match store.versions().await {
        Ok(Versions::None) if bucket => Finding::good(CHECK, "takes and deletes an object, and keeps no versions"),
        Ok(Versions::None) => Finding::good(CHECK, "takes and deletes an object; a folder keeps no versions"),
        Ok(Versions::Deleted) => {
            Finding::good(CHECK, "takes and deletes an object, with every version that the bucket keeps")
        }
        Ok(Versions::Unknown(reason)) => Finding::failure(
            CHECK,
            format!("the bucket does not say whether it keeps versions of what is deleted ({reason})"),
            "allow s3:GetBucketVersioning, s3:ListBucketVersions and s3:DeleteObjectVersion",
        ),
        Err(failure) => Finding::failure(CHECK, told(&failure), "look at what the service says"),
    }
}

/// Whether the objects that rows name are there and whole, as the last looks found.
pub(super) async fn stored(database: &DatabaseUrl, now: Millis) -> Option<Finding> {
    let known = async {
        let db = Db::attach(database).map_err(|failure| Failure::internal("the database", failure))?;
        scrub::known(&mut db.read().await?, NAMED).await
    };
    // A database that does not answer is another check's.
    Some(judge(&known.await.ok()?, now))
}

fn judge(known: &Known, now: Millis) -> Finding {
    const CHECK: &str = "stored objects";
    let Known { begun_at, finished, flaws, examples } = known;
    let finding = if *flaws > 0 {
        let named: Vec<String> = examples.iter().map(|one| format!("{} ({})", one.object, one.flaw)).collect();
        Finding::failure(
            CHECK,
            format!("{flaws} are missing or damaged, among them {}", named.join(", ")),
            "look at the disk or bucket; copy them back from media/ of a backup under their names, then run `shutterpost doctor --scrub`",
        )
    } else {
        match (finished, begun_at) {
            (Some((at, objects)), _) if now.0 - at.0 <= MOST_UNSEEN => {
                let days = (now.0 - at.0).max(0) / DAY;
                Finding::good(CHECK, format!("{objects} were whole when they were last looked at, {days} days ago"))
            }
            (None, Some(at)) if now.0 - at.0 <= MOST_UNSEEN => {
                Finding::good(CHECK, "a first look at each is under way")
            }
            (None, None) => Finding::good(CHECK, "the worker has not begun to look at each"),
            _ => Finding::warning(
                CHECK,
                format!("not all were looked at within {} days", MOST_UNSEEN / DAY),
                "look in the log of serve or worker for scrub, or run `shutterpost doctor --scrub`",
            ),
        }
    };
    finding
        .figure(OBJECTS_FLAWED, count(u64::try_from(*flaws).unwrap_or(0)))
        .figure(OBJECTS_SEEN, finished.map_or(0.0, |(at, _)| seconds(at)))
}
