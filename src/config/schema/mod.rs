//! The directive table: for each directive a row with its name, contexts, kind of value, default and documentation.
//!
//! `modules/` has the rows, one file per nginx module; `values/` reads the arguments; `table` finds a row by its name. Above `syntax` and
//! `model`; the order in which a file is read and the checks across directives belong to `load`.

mod arguments;
mod block;
mod foreign;
mod form;
pub mod held;
mod macros;
pub mod modules;
pub mod nginx;
mod row;
mod scope;
mod similar;
pub mod table;
mod value_kind;
pub mod values;
mod variables;

pub(crate) use arguments::refuse;
pub use arguments::{Arguments, Folders, Parsed, ValueError, absolute, absolute_word};
pub use block::{Block, BlockDirective};
pub use foreign::Foreign;
pub use form::{Arity, Contexts, Repeated};
pub(crate) use macros::module;
pub use row::{Directive, Effect};
pub use scope::{GroupScope, MainScope, MatchScope, Scope};
pub use similar::similar;
pub use value_kind::ValueKind;
pub use variables::Variables;
