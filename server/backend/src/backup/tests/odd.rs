//! A target's store that hangs, forgets to answer or refuses, as tests want it.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tokio::sync::watch;

type Hook = Box<dyn FnMut(&str) + Send>;

/// What is odd about it.
pub(super) struct OddStore {
    hook: Mutex<Option<Hook>>,
    hangs: watch::Sender<bool>,
    hanging: AtomicU32,
    unanswered: AtomicU32,
    refused: Mutex<Option<String>>,
    keeps: AtomicBool,
}

impl OddStore {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            hook: Mutex::default(),
            hangs: watch::Sender::new(false),
            hanging: AtomicU32::new(0),
            unanswered: AtomicU32::new(0),
            refused: Mutex::default(),
            keeps: AtomicBool::new(false),
        })
    }

    pub(super) fn around(self: &Arc<Self>, inner: Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> {
        Arc::new(Around { inner, odd: Arc::clone(self) })
    }

    /// Does something at each call.
    pub(super) fn at_each_call(&self, hook: Option<Hook>) {
        *self.hook.lock().expect("is whole") = hook;
    }

    /// Answers nothing until it is told to go on.
    pub(super) fn hang(&self, hangs: bool) {
        self.hangs.send_replace(hangs);
    }

    /// Calls that wait for an answer.
    pub(super) fn hanging(&self) -> u32 {
        self.hanging.load(Ordering::SeqCst)
    }

    /// Stores the next so many objects, and says that it could not.
    pub(super) fn leave_unanswered(&self, puts: u32) {
        self.unanswered.store(puts, Ordering::SeqCst);
    }

    /// Refuses everything about objects with these words in their names.
    pub(super) fn refuse(&self, part: Option<&str>) {
        *self.refused.lock().expect("is whole") = part.map(str::to_owned);
    }

    /// Deletes nothing.
    pub(super) fn keep_all(&self, keeps: bool) {
        self.keeps.store(keeps, Ordering::SeqCst);
    }

    async fn pass(&self, name: &Path) -> Result<()> {
        if let Some(hook) = &mut *self.hook.lock().expect("is whole") {
            hook(name.as_ref());
        }
        let mut hangs = self.hangs.subscribe();
        self.hanging.fetch_add(1, Ordering::SeqCst);
        hangs.wait_for(|hangs| !hangs).await.expect("the store lives");
        self.hanging.fetch_sub(1, Ordering::SeqCst);
        let refused = self.refused.lock().expect("is whole").clone();
        match refused.filter(|part| name.as_ref().contains(part)) {
            Some(_) => Err(Error::Generic { store: "odd", source: "it is refused".into() }),
            None => Ok(()),
        }
    }
}

struct Around {
    inner: Arc<dyn ObjectStore>,
    odd: Arc<OddStore>,
}

impl fmt::Debug for Around {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Around")
    }
}

impl fmt::Display for Around {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an odd store")
    }
}

#[async_trait]
impl ObjectStore for Around {
    async fn put_opts(&self, name: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.odd.pass(name).await?;
        let put = self.inner.put_opts(name, payload, options).await?;
        let unanswered = self.odd.unanswered.load(Ordering::SeqCst);
        if unanswered > 0 {
            self.odd.unanswered.store(unanswered - 1, Ordering::SeqCst);
            return Err(Error::Generic { store: "odd", source: "the connection was lost".into() });
        }
        Ok(put)
    }

    async fn put_multipart_opts(&self, name: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.odd.pass(name).await?;
        self.inner.put_multipart_opts(name, options).await
    }

    async fn get_opts(&self, name: &Path, options: GetOptions) -> Result<GetResult> {
        self.odd.pass(name).await?;
        self.inner.get_opts(name, options).await
    }

    fn delete_stream(&self, names: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let (inner, odd) = (Arc::clone(&self.inner), Arc::clone(&self.odd));
        names
            .and_then(move |name| {
                let (inner, odd) = (Arc::clone(&inner), Arc::clone(&odd));
                async move {
                    odd.pass(&name).await?;
                    if odd.keeps.load(Ordering::SeqCst) {
                        return Err(Error::Generic { store: "odd", source: "it stays".into() });
                    }
                    inner.delete(&name).await?;
                    Ok(name)
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (odd, listed) = (Arc::clone(&self.odd), self.inner.list(prefix));
        let prefix = prefix.cloned().unwrap_or_default();
        stream::once(async move { odd.pass(&prefix).await.map(|()| listed) }).try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.odd.pass(&prefix.cloned().unwrap_or_default()).await?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
