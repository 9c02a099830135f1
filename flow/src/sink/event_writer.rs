//! The trait of file formats that flows write.

use stage_core::BoxError;

use super::AtomicFile;

/// Writes events to an [`AtomicFile`] in some format. A flow calls it on a thread where it may block.
pub trait EventWriter<T>: Send + 'static {
    /// Writes an event.
    ///
    /// # Errors
    ///
    /// Returns an [`io::Error`](std::io::Error) if the file cannot be written, and any other error if the event has no form in
    /// this format. Nothing is written afterwards.
    fn write(&mut self, event: T) -> Result<(), BoxError>;

    /// Writes the end of the file, and returns it.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`write`](Self::write).
    fn finish(self) -> Result<AtomicFile, BoxError>;
}
