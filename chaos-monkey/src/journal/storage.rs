//! Where the lines go.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// How much room is kept on the disk for the records of loss and end.
pub const RESERVE_BYTES: u64 = 1024 * 1024;

/// Where the lines go. A trait, so that a full disk can be tested.
pub trait Storage: Send + 'static {
    /// Appends whole lines, or none of them.
    fn append(&mut self, lines: &[u8]) -> io::Result<()>;

    /// Gives the reserve back to the disk.
    fn free_reserve(&mut self);

    /// Waits until everything is on the disk.
    fn sync(&mut self) -> io::Result<()>;
}

/// A file, and beside it the reserve.
#[derive(Debug)]
pub struct FileStorage {
    file: File,
    length: u64,
    reserve: PathBuf,
}

impl FileStorage {
    /// Creates the file at `path` and the reserve beside it. An existing file is an error of the
    /// kind [`io::ErrorKind::AlreadyExists`]: a journal is never written over.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = File::options().append(true).create_new(true).open(path)?;
        let reserve = path.with_extension("reserve");
        write_reserve(&reserve)?;
        Ok(Self {
            file,
            length: 0,
            reserve,
        })
    }
}

/// Real bytes, since a file with holes reserves nothing.
fn write_reserve(path: &Path) -> io::Result<()> {
    let mut file = File::create(path)?;
    let block = [0xA5_u8; 4 * 1024];
    for _ in 0..(RESERVE_BYTES / block.len() as u64) {
        file.write_all(&block)?;
    }
    file.sync_all()
}

impl Storage for FileStorage {
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(lines) {
            // Half a line would hide the ones that follow it.
            self.file.set_len(self.length)?;
            return Err(error);
        }
        self.length += lines.len() as u64;
        Ok(())
    }

    fn free_reserve(&mut self) {
        // It may be gone already; what counts is that the next write succeeds.
        let _ = std::fs::remove_file(&self.reserve);
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

impl Drop for FileStorage {
    fn drop(&mut self) {
        self.free_reserve();
    }
}
