//! Differential cases against nginx.
