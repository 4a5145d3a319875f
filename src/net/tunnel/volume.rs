//! How much a direction has carried lately.

use crate::net::scratch::SCRATCH;

/// The first reads of a direction, in bytes: a dialogue needs no more, and a peer that accepts nothing leaves no more than this
/// in memory.
const SMALL: usize = 16 * 1024;
/// From this many bytes on reads are as large as the scratch buffer.
const LARGE_READS: usize = 64 * 1024;
/// From this many bytes on moving them inside the kernel is worth a pipe.
const BULK: usize = 128 * 1024;

/// Bytes are counted in units of this size, so that an idle direction needs little memory.
const UNIT: usize = 256;

/// The number of bytes that arrived in reads of at least 16 kB, up to 256 kB. Every smaller read halves it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Volume {
    units: u16,
    way: Way,
}

/// Whether the bytes of a direction may stay inside the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Way {
    #[default]
    Any,
    /// The last byte has to be known, or the kernel cannot move bytes between these sockets.
    Copied,
    /// The writer takes less than the reader has: what is read waits in memory.
    CopiedInSmallReads,
}

impl Volume {
    /// Counts a read of `n` bytes.
    pub fn note(&mut self, n: usize) {
        let units = usize::from(self.units) + n.div_ceil(UNIT);
        let units = match n < SMALL {
            true => units / 2,
            false => units.min(2 * BULK / UNIT),
        };
        self.units = u16::try_from(units).unwrap_or(u16::MAX);
    }

    /// The most bytes of the next read.
    pub fn read_size(self) -> usize {
        match self.bytes() {
            LARGE_READS.. if self.way != Way::CopiedInSmallReads => SCRATCH,
            _ => SMALL,
        }
    }

    /// Whether the direction carries so much that a pipe in the kernel is worthwhile.
    pub fn wants_pipe(self) -> bool {
        self.way == Way::Any && self.bytes() >= BULK
    }

    /// Has all bytes copied from here on.
    pub fn copy_only(&mut self) {
        if self.way == Way::Any {
            self.way = Way::Copied;
        }
    }

    /// The same for a writer that takes less than the reader has.
    pub fn copy_small_reads(&mut self) {
        self.way = Way::CopiedInSmallReads;
    }

    fn bytes(self) -> usize {
        usize::from(self.units) * UNIT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bulk_begins_with_full_reads_and_ends_with_small_ones() {
        let mut volume = Volume::default();
        for _ in 0..1000 {
            volume.note(2000);
        }
        assert_eq!(volume.read_size(), SMALL, "a dialogue");
        let mut carried = 0;
        while !volume.wants_pipe() {
            let n = volume.read_size();
            carried += n;
            volume.note(n);
        }
        assert!((BULK..2 * BULK).contains(&carried), "{carried}");
        assert_eq!(volume.read_size(), SCRATCH);
        for _ in 0..100 {
            volume.note(SCRATCH);
        }
        volume.note(1);
        assert!(volume.wants_pipe(), "the end of a burst");
        for _ in 0..3 {
            volume.note(1);
        }
        assert!(!volume.wants_pipe());
        assert_eq!(volume.read_size(), SMALL);
    }

    #[test]
    fn copied_bulk_has_large_reads() {
        let mut volume = Volume::default();
        volume.copy_only();
        for _ in 0..20 {
            volume.note(SMALL);
        }
        assert_eq!(volume.read_size(), SCRATCH);
        assert!(!volume.wants_pipe());
        volume.copy_small_reads();
        volume.copy_only();
        assert_eq!(volume.read_size(), SMALL);
        assert!(!volume.wants_pipe());
    }
}
