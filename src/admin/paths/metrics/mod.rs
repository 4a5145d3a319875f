//! `/metrics`: OpenMetrics for clients that accept it, Prometheus's older text for others. The names begin with `portcullis_`, those of
//! the process with `process_`. No label comes from a client: its values are those of the configuration, or of closed lists.

mod families;
mod limits;
mod mail;
mod peers;
mod process;

use std::fmt;

use hyper::StatusCode;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, prometheus_text, text};
use prometheus_client::registry::Registry;

use self::families::Families;
use crate::admin::page::{Answer, Call, plain, whole};
use crate::admin::snapshot::Snapshot;

/// The type of OpenMetrics.
const OPEN_METRICS: &str = "application/openmetrics-text";

pub(in crate::admin) fn answer(call: &Call<'_>) -> Answer {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape(Snapshot::of(call.state))));
    let mut out = String::new();
    let (content_type, encoded) = match call.accept.contains(OPEN_METRICS) {
        true => (
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            text::encode(&mut out, &registry),
        ),
        false => (
            prometheus_text::CONTENT_TYPE,
            prometheus_text::encode(&mut out, &registry),
        ),
    };
    match encoded {
        Ok(()) => whole(content_type, out),
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

/// One scrape: the families are written from the values of one moment.
#[derive(Debug)]
struct Scrape(Snapshot);

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut families = Families::new(encoder);
        mail::sessions(&mut families, &self.0.mail)?;
        mail::tls(&mut families, &self.0.mail)?;
        mail::durations(&mut families, &self.0.mail)?;
        peers::auth_servers(&mut families, &self.0.auth_servers)?;
        peers::upstreams(&mut families, &self.0.mail.upstreams)?;
        limits::zones(&mut families, &self.0.limits)?;
        process::reloads(&mut families, &self.0)?;
        process::process(&mut families, &self.0)
    }
}
