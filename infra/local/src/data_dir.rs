//! The folder that everything is kept in, locked against a second process.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

/// The folder where nothing else is said.
pub(crate) const DEFAULT: &str = ".opsknight";

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process uses it.
    #[error("another opsknight is running on {0}; stop it, or give another --data DIR")]
    InUse(PathBuf),
    /// It cannot be made or written.
    #[error("the data folder {0} cannot be used: {1}")]
    Unusable(PathBuf, io::Error),
}

/// The folder; its lock ends with this value, however the process ends.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
    /// Removes a folder that was made for this run only.
    _temporary: Option<TempDir>,
}

impl DataDir {
    /// This folder, made where it is missing.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let unusable = |error| DataDirError::Unusable(path.to_owned(), error);
        fs::create_dir_all(path).map_err(unusable)?;
        let lock = File::create(path.join("lock")).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
                _temporary: None,
            }),
            Err(TryLockError::WouldBlock) => Err(DataDirError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => Err(unusable(error)),
        }
    }

    /// A folder for this run only.
    pub fn temporary() -> Result<Self, DataDirError> {
        let unusable = |error| DataDirError::Unusable(std::env::temp_dir(), error);
        let folder = TempDir::with_prefix("opsknight-").map_err(unusable)?;
        let opened = Self::open(folder.path())?;
        Ok(Self {
            _temporary: Some(folder),
            ..opened
        })
    }

    /// A file in the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}
