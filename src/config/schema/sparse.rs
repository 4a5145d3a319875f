//! Memory for what is seldom written: most servers have no line of most modules, and there may be thousands of servers.

use std::ops::{Deref, DerefMut};

/// A type with an empty value that needs no memory of its own.
pub trait Empty: Default + 'static {
    /// The empty value.
    fn empty() -> &'static Self;
}

/// A `T` that is allocated when it is first written to.
#[derive(Clone, Debug, Default)]
pub struct Sparse<T>(Option<Box<T>>);

impl<T> Sparse<T> {
    /// The `T`, if it has been written to.
    pub fn written(&self) -> Option<&T> {
        self.0.as_deref()
    }
}

impl<T: Empty> Deref for Sparse<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.written().unwrap_or_else(|| T::empty())
    }
}

impl<T: Empty> DerefMut for Sparse<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_default()
    }
}
