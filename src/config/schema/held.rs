//! From written lines to the settings in force. Most servers set nothing in most modules, and there may be thousands of servers:
//! a module that a server does not mention needs no memory, and inherited settings are shared.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// The lines of a module, with an empty value that needs no memory of its own.
pub trait Empty: Default + 'static {
    /// The empty value.
    fn empty() -> &'static Self;
}

/// The settings of a module in force, after inheritance.
pub trait Held: Sized {
    /// The lines of one block.
    type Written: Empty;

    /// The lines inside win, then the lines outside, then the default.
    fn merge(outer: &Self::Written, inner: &Self::Written) -> Self;
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

/// The settings of a module in the servers that have no line of it.
pub struct Inherited<'a, H: Held> {
    outer: &'a H::Written,
    shared: Arc<H>,
}

impl<'a, H: Held> Inherited<'a, H> {
    /// The lines outside the servers.
    pub fn of(outer: &'a Sparse<H::Written>) -> Self {
        Self {
            outer,
            shared: Arc::new(H::merge(outer, outer)),
        }
    }

    /// The settings of a server with these lines.
    pub fn with(&self, inner: &Sparse<H::Written>) -> Arc<H> {
        match inner.written() {
            None => Arc::clone(&self.shared),
            Some(inner) => Arc::new(H::merge(self.outer, inner)),
        }
    }
}
