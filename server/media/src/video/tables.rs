//! Sample tables: which bytes belong to which moment. Read from `stbl` or put together from fragments; checked as a whole,
//! because everything behind this trusts them.

use crate::error::{FilmError, MediaError};
use crate::video::VideoLimits;
use crate::video::boxes::{Fields, full, needed, only};

const MISCOUNTED: MediaError = MediaError::Malformed("sample tables that contradict each other");

/// Bytes of the source that lie together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Extent {
    pub(super) offset: u64,
    pub(super) bytes: u64,
}

impl Extent {
    /// Where it ends; such an end exists, see [`Tables::chunk`].
    pub(super) fn end(self) -> u64 {
        self.offset.saturating_add(self.bytes)
    }
}

/// The tables of one track. The lists are those of the file format, entry by entry.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) samples: u64,
    /// Sum of all durations, in the track's time scale.
    pub(super) duration: u64,
    pub(super) chunks: Vec<Extent>,
    durations: Vec<u8>,
    /// With the version of the box, which decides about the sign.
    offsets: Option<(u8, Vec<u8>)>,
    /// Numbers of the samples one can begin with; `None` where that is all.
    sync: Option<Vec<u8>>,
    runs: Vec<u8>,
    /// Of all samples, if they are equal.
    constant_bytes: u32,
    sizes: Vec<u8>,
}

impl Tables {
    /// Reads an `stbl`. `frame_bytes` is what a sample of uncompressed sound takes where the tables say nothing.
    pub(super) fn read(
        stbl: &[u8],
        entries: u32,
        frame_bytes: u32,
        limits: &VideoLimits,
    ) -> Result<Tables, MediaError> {
        let mut tables = Tables::default();
        let mut sizes = Fields(needed(stbl, b"stsz")?);
        sizes.version_and_flags()?;
        tables.constant_bytes = sizes.u32()?;
        tables.samples = u64::from(sizes.u32()?);
        if tables.constant_bytes == 0 {
            tables.sizes = sizes.bytes(list_bytes(tables.samples, 4)?)?.to_vec();
        }
        tables.read_durations(stbl)?;
        tables.read_sync(stbl)?;
        tables.read_chunks(stbl, entries, frame_bytes, limits)?;
        Ok(tables)
    }

    fn read_durations(&mut self, stbl: &[u8]) -> Result<(), MediaError> {
        let (_, durations) = list(needed(stbl, b"stts")?, 8)?;
        let (mut samples, mut duration) = (0_u64, 0_u64);
        for pair in pairs(durations) {
            let [count, delta] = pair.map(u64::from);
            samples += count;
            duration = duration.checked_add(count * delta).ok_or(MISCOUNTED)?;
        }
        if samples != self.samples {
            return Err(MISCOUNTED);
        }
        self.duration = duration;
        self.durations = durations.to_vec();
        if let Some(ctts) = only(stbl, b"ctts")? {
            let (version, offsets) = list(ctts, 8)?;
            if version > 1 || pairs(offsets).map(|[count, _]| u64::from(count)).sum::<u64>() > self.samples {
                return Err(MISCOUNTED);
            }
            self.offsets = Some((version, offsets.to_vec()));
        }
        Ok(())
    }

    fn read_sync(&mut self, stbl: &[u8]) -> Result<(), MediaError> {
        if let Some(stss) = only(stbl, b"stss")? {
            let (_, sync) = list(stss, 4)?;
            let mut last = 0;
            for number in sync.as_chunks().0.iter().map(|bytes| u32::from_be_bytes(*bytes)) {
                if number <= last || u64::from(number) > self.samples {
                    return Err(MISCOUNTED);
                }
                last = number;
            }
            self.sync = Some(sync.to_vec());
        }
        Ok(())
    }

    fn read_chunks(
        &mut self,
        stbl: &[u8],
        entries: u32,
        frame_bytes: u32,
        limits: &VideoLimits,
    ) -> Result<(), MediaError> {
        let (offsets, wide) = match (only(stbl, b"stco")?, only(stbl, b"co64")?) {
            (Some(stco), None) => (list(stco, 4)?.1, 4),
            (None, Some(co64)) => (list(co64, 8)?.1, 8),
            _ => return Err(MISCOUNTED),
        };
        let chunks = (offsets.len() / wide) as u64;
        if chunks > limits.max_chunks {
            return Err(MediaError::Malformed("more pieces than any film has"));
        }
        let (_, runs) = list(needed(stbl, b"stsc")?, 12)?;
        self.runs = runs.to_vec();
        let mut runs = runs.as_chunks::<12>().0.iter().map(|run| {
            let mut fields = Fields(run);
            Ok::<_, MediaError>((fields.u32()?, fields.u32()?, fields.u32()?))
        });
        let mut sizes = self.sizes.as_chunks().0.iter().map(|bytes| u64::from(u32::from_be_bytes(*bytes)));
        // Uncompressed sound of QuickTime: "a sample" is one moment of all channels, whatever the table says.
        let constant = u64::from(if self.constant_bytes > 0 { self.constant_bytes.max(frame_bytes) } else { 0 });

        let mut extents = Vec::with_capacity(chunks as usize);
        let mut left = self.samples;
        let mut per_chunk = 0_u64;
        let mut next = runs.next().transpose()?;
        for chunk in 1..=chunks {
            if let Some((first, samples, entry)) = next
                && u64::from(first) == chunk
            {
                if samples == 0 || entry == 0 || entry > entries {
                    return Err(MISCOUNTED);
                }
                per_chunk = u64::from(samples);
                next = runs.next().transpose()?;
            }
            // A run that begins before the last one began is never met, and left over at the end.
            if per_chunk == 0 || per_chunk > left {
                return Err(MISCOUNTED);
            }
            left -= per_chunk;
            let bytes = match constant {
                0 => sizes.by_ref().take(per_chunk as usize).sum(),
                constant => constant * per_chunk,
            };
            let at = (chunk as usize - 1) * wide;
            let offset = offsets.get(at..at + wide).unwrap_or_default();
            let offset = offset.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
            extents.push(Extent { offset, bytes });
        }
        if left != 0 || next.is_some() {
            return Err(MISCOUNTED);
        }
        self.chunks = extents;
        Ok(())
    }

    /// Begins a chunk, for tables that are put together.
    pub(super) fn chunk(&mut self, offset: u64, samples: u32, limits: &VideoLimits) -> Result<(), MediaError> {
        if self.chunks.len() as u64 >= limits.max_chunks {
            return Err(MediaError::Malformed("more pieces than any film has"));
        }
        self.chunks.push(Extent { offset, bytes: 0 });
        let before = self.runs.last_chunk::<12>().and_then(|run| Fields(run.get(4..)?).u32().ok());
        if before != Some(samples) {
            for word in [self.chunks.len() as u32, samples, 1] {
                self.runs.extend_from_slice(&word.to_be_bytes());
            }
        }
        Ok(())
    }

    /// Adds a sample to the last chunk.
    pub(super) fn sample(&mut self, sample: Sample, limits: &VideoLimits) -> Result<(), MediaError> {
        let Sample { bytes, duration, offset, sync } = sample;
        if self.samples >= limits.max_samples {
            return Err(FilmError::TooLong { limit: limits.max_seconds }.into());
        }
        self.samples += 1;
        self.duration = self.duration.checked_add(u64::from(duration)).ok_or(MISCOUNTED)?;
        let chunk = self.chunks.last_mut().ok_or(MISCOUNTED)?;
        chunk.bytes += u64::from(bytes);
        self.sizes.extend_from_slice(&bytes.to_be_bytes());
        count_up(&mut self.durations, duration);
        count_up(&mut self.offsets.get_or_insert((1, Vec::new())).1, offset as u32);
        let list = self.sync.get_or_insert_default();
        if sync {
            list.extend_from_slice(&(self.samples as u32).to_be_bytes());
        }
        Ok(())
    }

    /// Lets the last sample last longer.
    pub(super) fn pause(&mut self, duration: u64) -> Result<(), MediaError> {
        let duration = u32::try_from(duration).map_err(|_| MISCOUNTED)?;
        let Some((rest, [count, delta])) =
            self.durations.split_last_chunk::<8>().map(|(rest, last)| (rest, words(last)))
        else {
            return Ok(());
        };
        let mut durations = rest.to_vec();
        if count > 1 {
            durations.extend_from_slice(&(count - 1).to_be_bytes());
            durations.extend_from_slice(&delta.to_be_bytes());
        }
        durations.extend_from_slice(&1_u32.to_be_bytes());
        durations.extend_from_slice(&delta.checked_add(duration).ok_or(MISCOUNTED)?.to_be_bytes());
        self.durations = durations;
        self.duration += u64::from(duration);
        Ok(())
    }

    /// Ends putting together: what says nothing is left out.
    pub(super) fn finish(&mut self) {
        self.offsets.take_if(|(_, list)| pairs(list).all(|[_, offset]| offset == 0));
        let samples = self.samples;
        self.sync.take_if(|list| list.len() as u64 / 4 == samples);
    }

    /// A picture of one sample, for a film of its own: the last one that needs no other and is shown before `time` (in
    /// the track's time scale), but not the first if there is another within it.
    pub(super) fn still(&self, time: u64) -> Option<Tables> {
        let number = match &self.sync {
            None => 1,
            Some(list) => {
                let numbers = list.as_chunks().0.iter().map(|bytes| u64::from(u32::from_be_bytes(*bytes)));
                numbers.take_while(|number| *number == 1 || self.begins(*number) <= time).last().unwrap_or(1)
            }
        };
        let (extent, entry) = self.extent_of(number)?;
        Some(Tables {
            samples: 1,
            duration: 1,
            chunks: vec![extent],
            durations: [1_u32.to_be_bytes(); 2].concat(),
            runs: [1, 1, entry].map(u32::to_be_bytes).concat(),
            sizes: u32::try_from(extent.bytes).ok()?.to_be_bytes().to_vec(),
            ..Tables::default()
        })
    }

    /// When a sample begins.
    fn begins(&self, number: u64) -> u64 {
        let (mut time, mut left) = (0, number.saturating_sub(1));
        for [count, delta] in pairs(&self.durations) {
            let count = u64::from(count).min(left);
            time += count * u64::from(delta);
            left -= count;
        }
        time
    }

    /// Where a sample lies, and its description.
    fn extent_of(&self, number: u64) -> Option<(Extent, u32)> {
        let size_of = |number: u64| match self.constant_bytes {
            0 => {
                let at = (number as usize).checked_sub(1)? * 4;
                Fields(self.sizes.get(at..)?).u32().ok().map(u64::from)
            }
            constant => Some(u64::from(constant)),
        };
        let mut runs = self.runs.as_chunks::<12>().0.iter().peekable();
        let (mut first, mut per_chunk, mut entry) = (1_u64, 0_u64, 1_u32);
        for (chunk, extent) in (1_u32..).zip(&self.chunks) {
            if let Some(run) = runs.next_if(|run| Fields(*run).u32() == Ok(chunk)) {
                let mut fields = Fields(run.get(4..)?);
                (per_chunk, entry) = (u64::from(fields.u32().ok()?), fields.u32().ok()?);
            }
            if number < first + per_chunk {
                let before = (first..number).try_fold(0, |sum, number| Some(sum + size_of(number)?))?;
                return Some((Extent { offset: extent.offset + before, bytes: size_of(number)? }, entry));
            }
            first += per_chunk;
        }
        None
    }

    /// The `stbl` with `moved` telling where each chunk went, in 64 bits if `wide`.
    pub(super) fn written(&self, description: &[u8], moved: impl Fn(u64) -> u64, wide: bool) -> Vec<u8> {
        let counted = |name: &[u8; 4], version: u8, list: &[u8], entry_bytes: usize| {
            full(name, version, 0, &[&((list.len() / entry_bytes) as u32).to_be_bytes(), list])
        };
        let mut parts = description.to_vec();
        parts.extend(counted(b"stts", 0, &self.durations, 8));
        if let Some((version, offsets)) = &self.offsets {
            parts.extend(counted(b"ctts", *version, offsets, 8));
        }
        if let Some(sync) = &self.sync {
            parts.extend(counted(b"stss", 0, sync, 4));
        }
        parts.extend(counted(b"stsc", 0, &self.runs, 12));
        let sizes = [&self.constant_bytes.to_be_bytes()[..], &(self.samples as u32).to_be_bytes(), &self.sizes];
        parts.extend(full(b"stsz", 0, 0, &sizes));
        let offsets = self.chunks.iter().map(|chunk| if chunk.bytes == 0 { 0 } else { moved(chunk.offset) });
        if wide {
            let list: Vec<u8> = offsets.flat_map(u64::to_be_bytes).collect();
            parts.extend(counted(b"co64", 0, &list, 8));
        } else {
            // Not wide: the whole film is below 4 GiB.
            let list: Vec<u8> = offsets.flat_map(|offset| (offset as u32).to_be_bytes()).collect();
            parts.extend(counted(b"stco", 0, &list, 4));
        }
        parts
    }
}

/// One sample of a fragment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) bytes: u32,
    pub(super) duration: u32,
    /// From the time of decoding to that of showing.
    pub(super) offset: i32,
    pub(super) sync: bool,
}

/// The entries of a table, and the version of its box.
fn list(payload: &[u8], entry_bytes: u64) -> Result<(u8, &[u8]), MediaError> {
    let mut fields = Fields(payload);
    let (version, _) = fields.version_and_flags()?;
    let count = u64::from(fields.u32()?);
    Ok((version, fields.bytes(list_bytes(count, entry_bytes)?)?))
}

fn list_bytes(count: u64, entry_bytes: u64) -> Result<usize, MediaError> {
    usize::try_from(count * entry_bytes).map_err(|_| MISCOUNTED)
}

fn words(pair: &[u8; 8]) -> [u32; 2] {
    let [a, b, c, d, e, f, g, h] = *pair;
    [u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])]
}

fn pairs(list: &[u8]) -> impl Iterator<Item = [u32; 2]> {
    list.as_chunks().0.iter().map(words)
}

/// Adds one to the last pair of a count and this value, or begins a new one.
fn count_up(list: &mut Vec<u8>, value: u32) {
    if let Some(last) = list.last_chunk_mut::<8>()
        && let [count, same] = words(last)
        && same == value
    {
        let [a, b, c, d] = (count + 1).to_be_bytes();
        let [e, f, g, h] = value.to_be_bytes();
        *last = [a, b, c, d, e, f, g, h];
        return;
    }
    list.extend_from_slice(&1_u32.to_be_bytes());
    list.extend_from_slice(&value.to_be_bytes());
}
