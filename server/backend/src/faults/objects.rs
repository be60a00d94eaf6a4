//! The store of objects on a [`Machine`]. A put syncs the file and then its folder; a delete syncs nothing.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use super::machine::{Call, Machine, OBJECTS, Object, Refused};

#[derive(Debug)]
pub(super) struct Objects {
    machine: Machine,
    /// In the machine's folder, or elsewhere where there are no power cuts.
    store: Arc<dyn ObjectStore>,
}

impl Objects {
    pub(super) fn new(machine: Machine, store: Arc<dyn ObjectStore>) -> Self {
        Self { machine, store }
    }
}

impl fmt::Display for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Objects")
    }
}

impl From<Refused> for object_store::Error {
    fn from(refused: Refused) -> Self {
        Self::Generic { store: "Objects", source: Box::new(std::io::Error::from(refused)) }
    }
}

#[async_trait]
impl ObjectStore for Objects {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let (machine, name) = (&self.machine, location.as_ref());
        machine.change(Call::Objects)?;
        machine.note(name, Some(Object::Staged));
        let result = self.store.put_opts(location, payload, options).await?;
        if machine.lies(Call::Objects) {
            machine.note(name, Some(Object::Unsynced));
            return Ok(result);
        }
        // Written, and not synced.
        machine.change(Call::Objects)?;
        machine.note(name, Some(Object::Renamed));
        // Renamed, and the folder not synced.
        machine.change(Call::Objects)?;
        machine.note(name, None);
        Ok(result)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.machine.change(Call::Objects)?;
        self.store.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.machine.look(Call::Objects)?;
        self.store.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let (machine, store) = (self.machine.clone(), Arc::clone(&self.store));
        locations
            .then(move |location| {
                let (machine, store) = (machine.clone(), Arc::clone(&store));
                async move {
                    let location = location?;
                    machine.change(Call::Objects)?;
                    let bytes = std::fs::read(machine.path(OBJECTS).join(location.as_ref()));
                    store.delete(&location).await?;
                    if let Ok(bytes) = bytes {
                        machine.note(location.as_ref(), Some(Object::Deleted(bytes)));
                    }
                    Ok(location)
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.store.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.machine.look(Call::Objects)?;
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.machine.change(Call::Objects)?;
        self.store.copy_opts(from, to, options).await
    }
}
