//! A file system for SQLite that stands between it and the real one. It becomes the default of the process and lets
//! every file through that belongs to no [`Machine`], so that the product opens its databases by plain paths here too.
#![expect(unsafe_code, reason = "SQLite takes file systems by a C interface only")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use libsqlite3_sys as sqlite;
use sqlite::{sqlite3_file, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs};

use super::machine::{Call, DATA, KEYS, Machine, Refused, Weak};

static MACHINES: Mutex<Vec<Weak>> = Mutex::new(Vec::new());

/// The file system that SQLite had before; the address of a value that lives as long as the process.
static REAL: OnceLock<usize> = OnceLock::new();

/// Lets SQLite ask the machine about files below its folder from now on.
pub(super) fn add(machine: Weak) {
    install();
    let mut machines = MACHINES.lock().unwrap_or_else(PoisonError::into_inner);
    machines.retain(|machine| !machine.is_gone());
    machines.push(machine);
}

fn machine(path: &Path) -> Option<Machine> {
    let machines = MACHINES.lock().unwrap_or_else(PoisonError::into_inner);
    machines.iter().find_map(|machine| machine.holds(path))
}

/// Name of the file, and which database it is of.
fn named(path: &Path) -> Option<(String, Call)> {
    let name = path.file_name()?.to_str()?.to_owned();
    if name.starts_with(DATA) {
        Some((name, Call::Data))
    } else if name.starts_with(KEYS) {
        Some((name, Call::Keys))
    } else {
        None
    }
}

/// A file of a machine as SQLite holds it; the real one lies right behind it in memory.
#[repr(C)]
struct Shim {
    base: sqlite3_file,
    /// Made by `Box::into_raw`, ended by `x_close`.
    about: *mut About,
}

struct About {
    machine: Machine,
    call: Call,
    inode: usize,
    /// A journal or log that was not synced by this handle yet: the first time its folder is synced too.
    fresh: bool,
}

fn install() {
    REAL.get_or_init(|| {
        // SAFETY: the default file system is there as soon as SQLite is initialised, which this call does, and lives as long
        // as the process. The copy differs in what it opens and deletes, and is leaked, as SQLite demands.
        unsafe {
            sqlite::sqlite3_initialize();
            let real = sqlite::sqlite3_vfs_find(std::ptr::null());
            assert!(!real.is_null(), "SQLite has a file system");
            let mut shim = *real;
            shim.szOsFile += c_int::try_from(size_of::<Shim>()).expect("small");
            shim.pNext = std::ptr::null_mut();
            shim.zName = c"faults".as_ptr();
            shim.xOpen = Some(x_open);
            shim.xDelete = Some(x_delete);
            let registered = sqlite::sqlite3_vfs_register(Box::leak(Box::new(shim)), 1);
            assert_eq!(registered, sqlite::SQLITE_OK, "is registered");
            real as usize
        }
    });
}

fn real_vfs() -> *mut sqlite3_vfs {
    *REAL.get().expect("is installed") as *mut sqlite3_vfs
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    // With shared memory, without mapped files.
    iVersion: 2,
    xClose: Some(x_close),
    xRead: Some(x_read),
    xWrite: Some(x_write),
    xTruncate: Some(x_truncate),
    xSync: Some(x_sync),
    xFileSize: Some(x_file_size),
    xLock: Some(x_lock),
    xUnlock: Some(x_unlock),
    xCheckReservedLock: Some(x_check_reserved_lock),
    xFileControl: Some(x_file_control),
    xSectorSize: Some(x_sector_size),
    xDeviceCharacteristics: Some(x_device_characteristics),
    xShmMap: Some(x_shm_map),
    xShmLock: Some(x_shm_lock),
    xShmBarrier: Some(x_shm_barrier),
    xShmUnmap: Some(x_shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

unsafe extern "C" fn x_open(
    _vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives a name that ends with a zero or none at all, and memory of `szOsFile` bytes, which is enough for
    // the shim and the real file behind it. The real file system gets what it would get without us.
    unsafe {
        let vfs = real_vfs();
        let open = (*vfs).xOpen.expect("every file system opens");
        let path = (!name.is_null()).then(|| Path::new(CStr::from_ptr(name).to_str().unwrap_or_default()));
        let found = path.and_then(|path| Some((machine(path)?, named(path)?)));
        let Some((machine, (name_of_file, call))) = found else { return open(vfs, name, file, flags, out) };
        (*file).pMethods = std::ptr::null();
        if machine.look(call).is_err() {
            return sqlite::SQLITE_CANTOPEN;
        }
        let code = open(vfs, name, real(file), flags, out);
        if code != sqlite::SQLITE_OK {
            return code;
        }
        let inode = machine.with_disk(|disk| disk.open(&name_of_file));
        let fresh = flags & (sqlite::SQLITE_OPEN_WAL | sqlite::SQLITE_OPEN_MAIN_JOURNAL) != 0;
        let about = Box::new(About { machine, call, inode, fresh });
        let shim = file.cast::<Shim>();
        (*shim).about = Box::into_raw(about);
        (*shim).base.pMethods = &raw const METHODS;
        sqlite::SQLITE_OK
    }
}

unsafe extern "C" fn x_delete(_vfs: *mut sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    // SAFETY: SQLite gives a name that ends with a zero.
    unsafe {
        let vfs = real_vfs();
        let path = Path::new(CStr::from_ptr(name).to_str().unwrap_or_default());
        let found = machine(path).and_then(|machine| Some((machine, named(path)?)));
        if let Some((machine, (name, call))) = found {
            if machine.change(call).is_err() {
                return sqlite::SQLITE_IOERR_DELETE;
            }
            let honest = !machine.lies(call);
            machine.with_disk(|disk| {
                disk.delete(&name);
                if sync != 0 && honest {
                    disk.sync_folder();
                }
            });
        }
        (*vfs).xDelete.expect("every file system deletes")(vfs, name, sync)
    }
}

/// The real file behind a shim.
///
/// # Safety
/// `file` must be memory that SQLite gave for a file of our file system.
unsafe fn real(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: the memory is as large as both, and the size of the shim keeps the alignment of pointers.
    unsafe { file.byte_add(size_of::<Shim>()) }
}

/// What is known of an open file.
///
/// # Safety
/// `file` must have been opened by [`x_open`] and not be closed.
unsafe fn about<'a>(file: *mut sqlite3_file) -> &'a mut About {
    // SAFETY: set by `x_open`, and SQLite makes one call of a file at a time.
    unsafe { &mut *(*file.cast::<Shim>()).about }
}

/// Calls a method of the real file.
macro_rules! pass {
    ($method:ident($file:expr $(, $argument:expr)*)) => {{
        let real = real($file);
        ((*(*real).pMethods).$method.expect("the real file system has it"))(real $(, $argument)*)
    }};
}

unsafe extern "C" fn x_close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: SQLite closes what `x_open` opened, once.
    unsafe {
        drop(Box::from_raw((*file.cast::<Shim>()).about));
        pass!(xClose(file))
    }
}

unsafe extern "C" fn x_read(file: *mut sqlite3_file, to: *mut c_void, length: c_int, at: sqlite3_int64) -> c_int {
    // SAFETY: passed on as it came.
    unsafe {
        let About { machine, call, .. } = about(file);
        if machine.look(*call).is_err() {
            return sqlite::SQLITE_IOERR_READ;
        }
        pass!(xRead(file, to, length, at))
    }
}

unsafe extern "C" fn x_write(file: *mut sqlite3_file, from: *const c_void, length: c_int, at: sqlite3_int64) -> c_int {
    // SAFETY: SQLite gives `length` bytes.
    unsafe {
        let About { machine, call, inode, .. } = about(file);
        match machine.change(*call) {
            Ok(()) => {}
            Err(Refused::Off) => return sqlite::SQLITE_IOERR_WRITE,
            Err(Refused::Failed) => {
                // Half of it, as on a disk that is full.
                pass!(xWrite(file, from, length / 2, at));
                return if at % 8192 == 0 { sqlite::SQLITE_IOERR_WRITE } else { sqlite::SQLITE_FULL };
            }
        }
        let code = pass!(xWrite(file, from, length, at));
        if code == sqlite::SQLITE_OK {
            let bytes = std::slice::from_raw_parts(from.cast::<u8>(), usize::try_from(length).expect("a length"));
            machine.with_disk(|disk| disk.write(*inode, usize::try_from(at).expect("a place"), bytes));
        }
        code
    }
}

unsafe extern "C" fn x_truncate(file: *mut sqlite3_file, size: sqlite3_int64) -> c_int {
    // SAFETY: passed on as it came.
    unsafe {
        let About { machine, call, inode, .. } = about(file);
        if machine.change(*call).is_err() {
            return sqlite::SQLITE_IOERR_TRUNCATE;
        }
        let code = pass!(xTruncate(file, size));
        if code == sqlite::SQLITE_OK {
            machine.with_disk(|disk| disk.resize(*inode, usize::try_from(size).expect("a size")));
        }
        code
    }
}

/// Syncs nothing but what the machine knows: the real disk is of no interest.
unsafe extern "C" fn x_sync(file: *mut sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: the file is open.
    unsafe {
        let About { machine, call, inode, fresh, .. } = about(file);
        if machine.change(*call).is_err() {
            return sqlite::SQLITE_IOERR_FSYNC;
        }
        if !machine.lies(*call) {
            machine.with_disk(|disk| {
                disk.sync(*inode);
                // As the real one does, whoever made the file.
                if std::mem::take(fresh) {
                    disk.sync_folder();
                }
            });
        }
        sqlite::SQLITE_OK
    }
}

unsafe extern "C" fn x_file_size(file: *mut sqlite3_file, size: *mut sqlite3_int64) -> c_int {
    // SAFETY: passed on as it came.
    unsafe {
        let About { machine, call, .. } = about(file);
        if machine.look(*call).is_err() {
            return sqlite::SQLITE_IOERR_FSTAT;
        }
        pass!(xFileSize(file, size))
    }
}

unsafe extern "C" fn x_lock(file: *mut sqlite3_file, level: c_int) -> c_int {
    // SAFETY: passed on as it came.
    unsafe { pass!(xLock(file, level)) }
}

unsafe extern "C" fn x_unlock(file: *mut sqlite3_file, level: c_int) -> c_int {
    // SAFETY: passed on as it came.
    unsafe { pass!(xUnlock(file, level)) }
}

unsafe extern "C" fn x_check_reserved_lock(file: *mut sqlite3_file, out: *mut c_int) -> c_int {
    // SAFETY: passed on as it came.
    unsafe { pass!(xCheckReservedLock(file, out)) }
}

unsafe extern "C" fn x_file_control(file: *mut sqlite3_file, operation: c_int, argument: *mut c_void) -> c_int {
    // SAFETY: passed on as it came.
    unsafe { pass!(xFileControl(file, operation, argument)) }
}

unsafe extern "C" fn x_sector_size(file: *mut sqlite3_file) -> c_int {
    // SAFETY: passed on as it came.
    unsafe { pass!(xSectorSize(file)) }
}

unsafe extern "C" fn x_device_characteristics(file: *mut sqlite3_file) -> c_int {
    // SAFETY: passed on as it came.
    unsafe { pass!(xDeviceCharacteristics(file)) }
}

unsafe extern "C" fn x_shm_map(
    file: *mut sqlite3_file,
    region: c_int,
    size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: passed on as it came. Shared memory is memory: a power cut leaves nothing of it.
    unsafe { pass!(xShmMap(file, region, size, extend, out)) }
}

unsafe extern "C" fn x_shm_lock(file: *mut sqlite3_file, offset: c_int, count: c_int, flags: c_int) -> c_int {
    // SAFETY: passed on as it came.
    unsafe { pass!(xShmLock(file, offset, count, flags)) }
}

unsafe extern "C" fn x_shm_barrier(file: *mut sqlite3_file) {
    // SAFETY: passed on as it came.
    unsafe { pass!(xShmBarrier(file)) }
}

unsafe extern "C" fn x_shm_unmap(file: *mut sqlite3_file, delete: c_int) -> c_int {
    // SAFETY: passed on as it came.
    unsafe { pass!(xShmUnmap(file, delete)) }
}
