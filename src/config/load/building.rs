//! The `map` or `geo` block that is being read.

use crate::config::model::{GeoBuilder, MapBuilder};

/// A block that is being read.
#[derive(Debug)]
pub struct Building {
    /// The name of its variable, without `$`.
    pub name: Box<str>,
    /// Its lines.
    pub lines: Lines,
}

/// The lines of a block so far.
#[derive(Debug)]
pub enum Lines {
    /// `map`
    Map(Box<MapBuilder>),
    /// `geo`
    Geo(Box<GeoBuilder>),
}
