//! Room that is taken once something is in it: most servers write nothing of most modules, and there may be thousands.

use std::ops::{Deref, DerefMut};

/// A type with one value in which nothing is written.
pub trait Nothing: Default + 'static {
    /// That value.
    fn nothing() -> &'static Self;
}

/// A `T` that is kept only when it has been written to.
#[derive(Clone, Debug, Default)]
pub struct Sparse<T>(Option<Box<T>>);

impl<T> Sparse<T> {
    /// The `T`, if it has been written to.
    #[must_use]
    pub fn written(&self) -> Option<&T> {
        self.0.as_deref()
    }
}

impl<T: Nothing> Deref for Sparse<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.written().unwrap_or_else(|| T::nothing())
    }
}

impl<T: Nothing> DerefMut for Sparse<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_default()
    }
}
