//! The command line: arguments to an action.
