//! Collects the lines of a `geo` block.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::geo::{Area, Areas, Geo, Networks, Range, Ranges};
use super::key_table::{Texts, Word};
use super::variable::Template;
use crate::config::syntax::Span;

/// A `geo` block of which more lines may come.
#[derive(Debug)]
pub struct GeoBuilder {
    geo: Geo,
    /// The numbers of the values.
    values: HashMap<Box<[u8]>, u32>,
    /// Whether a line has named a network.
    has_networks: bool,
}

/// Why a range is refused: it overlaps this one, of which it has only a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// The first address.
    pub start: Ipv4Addr,
    /// The last address.
    pub end: Ipv4Addr,
}

/// A part of a range whose low halves are these.
#[derive(Clone, Copy)]
struct Part {
    block: u16,
    start: u16,
    end: u16,
}

impl GeoBuilder {
    /// A block without lines for the address that a text names.
    pub fn new(address: Template) -> Self {
        Self {
            geo: Geo {
                address,
                areas: Areas::Networks(Networks::default()),
                texts: Texts::default(),
                values: Vec::new(),
            },
            values: HashMap::new(),
            has_networks: false,
        }
    }

    /// `ranges`: all lines name ranges. Returns false after a line with a network.
    pub fn ranges(&mut self) -> bool {
        if let (Areas::Networks(_), false) = (&self.geo.areas, self.has_networks) {
            self.geo.areas = Areas::Ranges(Ranges::default());
        }
        !self.has_networks
    }

    /// Whether lines name ranges.
    pub fn has_ranges(&self) -> bool {
        matches!(self.geo.areas, Areas::Ranges(_))
    }

    /// Sets the value of a network. Returns the value that its first address had, if the network had one.
    pub fn network(
        &mut self,
        (address, bits): (IpAddr, u8),
        name: &[u8],
        value: &[u8],
        span: &Span,
    ) -> Option<Box<[u8]>> {
        self.has_networks = true;
        let area = self.area(name, value, span)?;
        let Areas::Networks(networks) = &mut self.geo.areas else {
            return None;
        };
        let known = networks.has(address, bits);
        let old = networks.find(address).filter(|_| known);
        networks.insert(address, bits, area);
        old.map(|old| self.geo.values[old.value as usize].clone())
    }

    /// Sets the value of all other addresses. Returns the values that it replaces.
    pub fn default(&mut self, value: &[u8], span: &Span) -> Vec<Box<[u8]>> {
        if self.has_ranges() {
            let Some(area) = self.area(b"default", value, span) else {
                return Vec::new();
            };
            let old = match &mut self.geo.areas {
                Areas::Ranges(ranges) => ranges.default.replace(area),
                Areas::Networks(_) => None,
            };
            return old
                .map(|old| self.geo.values[old.value as usize].clone())
                .into_iter()
                .collect();
        }
        let all = [
            IpAddr::from(Ipv4Addr::UNSPECIFIED),
            Ipv6Addr::UNSPECIFIED.into(),
        ];
        let replaced = all.map(|address| self.network((address, 0), b"default", value, span));
        replaced.into_iter().flatten().collect()
    }

    /// Removes a network. Returns whether it was there.
    pub fn delete_network(&mut self, (address, bits): (IpAddr, u8)) -> bool {
        self.has_networks = true;
        match &mut self.geo.areas {
            Areas::Networks(networks) => networks.remove(address, bits),
            Areas::Ranges(_) => false,
        }
    }

    /// Sets the value of a range. Returns the values of the parts of it that had one, in order.
    ///
    /// # Errors
    /// A range overlaps it.
    pub fn range(
        &mut self,
        (start, end): (Ipv4Addr, Ipv4Addr),
        (name, value): (&[u8], &[u8]),
        span: &Span,
    ) -> Result<Vec<Box<[u8]>>, Overlap> {
        let area = self.area(name, value, span);
        let (Some(area), Areas::Ranges(ranges)) = (area, &mut self.geo.areas) else {
            return Ok(Vec::new());
        };
        let mut replaced = Vec::new();
        for part in parts(start, end) {
            let block = ranges.blocks.entry(part.block).or_default();
            if let Some(old) = insert(block, part, area)? {
                replaced.push(self.geo.values[old.value as usize].clone());
            }
        }
        Ok(replaced)
    }

    /// Removes a range. Returns whether all of it was there, in the same parts.
    pub fn delete_range(&mut self, start: Ipv4Addr, end: Ipv4Addr) -> bool {
        let Areas::Ranges(ranges) = &mut self.geo.areas else {
            return false;
        };
        let mut is_complete = true;
        for part in parts(start, end) {
            let block = ranges.blocks.entry(part.block).or_default();
            let is_it = |range: &Range| (range.start, range.end) == (part.start, part.end);
            match block.iter().position(is_it) {
                Some(at) => drop(block.remove(at)),
                None => is_complete = false,
            }
        }
        is_complete
    }

    /// A value and the word that names its area. `None` where a word is longer than any in a file.
    fn area(&mut self, name: &[u8], value: &[u8], span: &Span) -> Option<Area> {
        let number = match self.values.get(value) {
            Some(number) => *number,
            None => {
                let number = u32::try_from(self.geo.values.len()).ok()?;
                self.geo.values.push(value.into());
                self.values.insert(value.into(), number);
                number
            }
        };
        let name = self.name(name, span)?;
        Some(Area {
            value: number,
            name,
        })
    }

    fn name(&mut self, name: &[u8], span: &Span) -> Option<Word> {
        let range = (span.start, span.end);
        let texts = &mut self.geo.texts;
        if span.source.bytes.get(range.0..range.1) == Some(name) {
            return texts.word(&span.source, range);
        }
        texts.copy(name, span)
    }

    /// The block, complete.
    pub fn finish(self) -> Arc<Geo> {
        Arc::new(self.geo)
    }
}

/// The parts of a range that have the same high half.
fn parts(start: Ipv4Addr, end: Ipv4Addr) -> impl Iterator<Item = Part> {
    let (start, end) = (u32::from(start), u32::from(end));
    let blocks = (start >> 16) as u16..=(end >> 16) as u16;
    blocks.map(move |block| {
        let is = |address: u32| (address >> 16) as u16 == block;
        Part {
            block,
            start: if is(start) { start as u16 } else { 0 },
            end: if is(end) { end as u16 } else { u16::MAX },
        }
    })
}

/// Puts a range among others: it may lie inside one of them, or take the place of one. Returns what it takes the place of.
fn insert(ranges: &mut Vec<Range>, part: Part, area: Area) -> Result<Option<Area>, Overlap> {
    let Part { block, start, end } = part;
    let new = Range { start, end, area };
    // The last range that does not lie behind the new one.
    let before = ranges.iter().rposition(|range| range.start <= end);
    let Some(at) = before else {
        ranges.insert(0, new);
        return Ok(None);
    };
    let old = ranges[at];
    if start > old.end {
        ranges.insert(at + 1, new);
        return Ok(None);
    }
    if (start, end) == (old.start, old.end) {
        ranges[at].area = area;
        return Ok(Some(old.area));
    }
    if start < old.start || end > old.end {
        let address = |low: u16| Ipv4Addr::from((u32::from(block) << 16) | u32::from(low));
        return Err(Overlap {
            start: address(old.start),
            end: address(old.end),
        });
    }
    let left = (start > old.start).then(|| Range {
        end: start - 1,
        ..old
    });
    let right = (end < old.end).then(|| Range {
        start: end + 1,
        ..old
    });
    let all = left.into_iter().chain([new]).chain(right);
    ranges.splice(at..=at, all);
    Ok(None)
}
