//! The pages of `docs/guide/`: every configuration passes `-t`, every command runs, and the auth server lets people in.
//!
//! Blocks of a page have a kind after the three backquotes: `conf [PATH]` is a configuration, `conf mail` and `conf main` are lines of
//! those contexts, `sh [NAME]` are commands, `text` is for the reader only.

#[path = "../status/imap.rs"]
mod imap;
mod machine;
mod operations;
mod page;
mod tests;
