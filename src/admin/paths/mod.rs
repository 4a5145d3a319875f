//! The pages, one file each.

pub(super) mod events;
pub(super) mod health;
pub(super) mod json;
pub(super) mod logins;
pub(super) mod metrics;
pub(super) mod root;
pub(super) mod sessions;
pub(super) mod text;
pub(super) mod upstreams;
