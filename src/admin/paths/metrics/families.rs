//! Families of metrics from plain values.

use std::fmt::Result;

use prometheus_client::encoding::{DescriptorEncoder, EncodeCounterValue, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;

use crate::admin::snapshot::Histogram;

/// Names and values.
pub(super) type Labels<'v> = Vec<(&'static str, &'v str)>;

/// Writes one family after the other.
#[derive(Debug)]
pub(super) struct Families<'e>(DescriptorEncoder<'e>);

impl<'e> Families<'e> {
    pub fn new(encoder: DescriptorEncoder<'e>) -> Self {
        Self(encoder)
    }

    /// A family of counters. Their names get the suffix `_total`.
    pub fn counters<'v, N: EncodeCounterValue>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (Labels<'v>, N)>,
    ) -> Result {
        let counter = MetricType::Counter;
        let mut family = self.0.encode_descriptor(name, help, None, counter)?;
        for (labels, value) in series {
            let none: Option<&Exemplar<NoLabelSet, f64>> = None;
            family
                .encode_family(&labels)?
                .encode_counter(&value, none)?;
        }
        Ok(())
    }

    /// A family of gauges.
    pub fn gauges<'v>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (Labels<'v>, f64)>,
    ) -> Result {
        let gauge = MetricType::Gauge;
        let mut family = self.0.encode_descriptor(name, help, None, gauge)?;
        for (labels, value) in series {
            family.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    /// A family of histograms.
    pub fn histograms<'v>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (Labels<'v>, &'v Histogram)>,
    ) -> Result {
        let histogram = MetricType::Histogram;
        let mut family = self.0.encode_descriptor(name, help, None, histogram)?;
        for (labels, values) in series {
            let (sum, count) = (values.sum, values.count);
            family
                .encode_family(&labels)?
                .encode_histogram::<NoLabelSet>(sum, count, &values.buckets(), None)?;
        }
        Ok(())
    }
}
