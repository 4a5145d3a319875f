//! The directive table.

pub mod arguments;
pub mod block;
pub mod modules;
pub mod nginx;
pub mod row;
pub mod sparse;
pub mod table;
pub mod values;
