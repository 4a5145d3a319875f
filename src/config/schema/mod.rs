//! The directive table: for each directive a row with its name, contexts, kind of value, default and documentation.
//!
//! `modules/` has the rows, one file per nginx module; `values/` reads the arguments; `table` finds a row by its name. Above `syntax` and
//! `model`; it does not know the order in which a file is read, nor what is checked across directives: that is `load`'s.

pub mod arguments;
pub mod arity;
pub mod block;
pub mod contexts;
mod macros;
pub mod modules;
pub mod nginx;
pub mod row;
pub mod scope;
pub mod similar;
pub mod sparse;
pub mod table;
pub mod value_kind;
pub mod values;
