//! The admin key: given, or generated once and kept in the data folder.

use std::{fs, io, io::Write as _, path::Path};

use common::{config, crypto};

use crate::data_dir::DataDir;

const FILE: &str = "admin-key";

/// `OPSKNIGHT_ADMIN_KEY`, else the key of this folder, else a new one that is
/// kept there, readable by its owner only.
pub(crate) fn load_or_create(folder: &DataDir) -> io::Result<String> {
    if let Some(key) = config::optional("OPSKNIGHT_ADMIN_KEY") {
        return Ok(key.trim().to_owned());
    }
    let path = folder.file(FILE);
    match fs::read_to_string(&path) {
        Ok(key) if !key.trim().is_empty() => return Ok(key.trim().to_owned()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let key = crypto::new_admin_key();
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(key.as_bytes())?;
    Ok(key)
}

/// The key that is kept in this folder, where it can be read.
pub(crate) fn stored(folder: &Path) -> Option<String> {
    let key = fs::read_to_string(folder.join(FILE)).ok()?;
    let key = key.trim();
    (!key.is_empty()).then(|| key.to_owned())
}
