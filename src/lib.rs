//! portcullis: an nginx-compatible mail gateway.
