//! Tools that measure the gateway.
