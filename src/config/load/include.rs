//! `include`: one file, or the files that a mask matches.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::files::IncludeError;
use super::loader::{Frame, Loader};
use super::report::Stop;
use crate::config::schema::{Block, absolute};
use crate::config::syntax::Span;

impl Loader<'_> {
    /// Begins the included file, or the list of files.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn include(&mut self, block: Block, name: &[u8], span: &Span) -> Result<(), IncludeError> {
        let path = absolute(&self.folders.config, name);
        let is_wildcard = |byte: &u8| matches!(byte, b'*' | b'?' | b'[');
        if path.as_os_str().as_bytes().iter().any(is_wildcard) {
            let files = self.world.glob(&path).into();
            let frame = Frame::Includes(block, files, span.clone());
            self.frames.push(frame);
        } else {
            self.files.enter_file(self.world, &path, Some(span))?;
            self.frames.push(Frame::File(block));
        }
        Ok(())
    }

    /// Begins the next file that a mask matches.
    pub fn include_next(&mut self, block: Block, file: &Path, span: &Span) -> Result<(), Stop> {
        match self.files.enter_file(self.world, file, Some(span)) {
            Ok(()) => {
                self.frames.push(Frame::File(block));
                Ok(())
            }
            Err(IncludeError::Cycle(fault)) => Err(self.report.fatal(fault)),
            Err(IncludeError::Failed(fault)) => {
                self.tainted(block).everything();
                self.report.fault(fault)
            }
        }
    }
}
