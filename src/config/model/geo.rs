//! `geo`: a variable whose value depends on an IP address, as in nginx's stream module.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use super::cidr::masked;
use super::key_table::{Texts, Word};
use super::variable::{Evaluation, Found, Template, VariableBlock};

/// A `geo` block.
#[derive(Debug)]
pub struct Geo {
    pub(super) address: Template,
    pub(super) areas: Areas,
    pub(super) texts: Texts,
    pub(super) values: Vec<Box<[u8]>>,
}

/// The addresses that have values.
#[derive(Debug)]
pub(super) enum Areas {
    /// CIDR networks: the longest prefix decides.
    Networks(Networks),
    /// `ranges`: of IPv4 addresses.
    Ranges(Ranges),
}

/// The value of an area, by its number, and the word that names the area.
#[derive(Clone, Copy, Debug)]
pub(super) struct Area {
    pub value: u32,
    pub name: Word,
}

/// Networks by the length of their prefix and their first address.
#[derive(Debug, Default)]
pub(super) struct Networks(HashMap<(u8, IpAddr), Area>);

/// Ranges that do not overlap, by the high half of the addresses.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    pub default: Option<Area>,
    pub blocks: HashMap<u16, Vec<Range>>,
}

/// The low halves of the addresses of a range, both included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    pub start: u16,
    pub end: u16,
    pub area: Area,
}

impl Networks {
    pub fn insert(&mut self, address: IpAddr, bits: u8, area: Area) -> Option<Area> {
        self.0.insert((bits, address), area)
    }

    pub fn has(&self, address: IpAddr, bits: u8) -> bool {
        self.0.contains_key(&(bits, address))
    }

    pub fn remove(&mut self, address: IpAddr, bits: u8) -> bool {
        self.0.remove(&(bits, address)).is_some()
    }

    /// The smallest network that contains an address.
    pub fn find(&self, address: IpAddr) -> Option<Area> {
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let mut lengths = (0..=longest).rev();
        lengths.find_map(|bits| self.0.get(&(bits, masked(address, bits))).copied())
    }
}

impl Ranges {
    fn find(&self, address: IpAddr) -> Option<Area> {
        // IPv6 has no ranges.
        let address = match address {
            IpAddr::V4(address) => u32::from(address),
            IpAddr::V6(_) => u32::MAX,
        };
        let (block, low) = ((address >> 16) as u16, address as u16);
        let ranges = self.blocks.get(&block);
        let mut ranges = ranges.into_iter().flatten();
        let found = ranges.find(|range| (range.start..=range.end).contains(&low));
        found.map(|range| range.area).or(self.default)
    }
}

impl VariableBlock for Geo {
    fn append(&self, name: &str, evaluation: &mut Evaluation<'_>, out: &mut Vec<u8>) -> bool {
        let mut key = Vec::new();
        self.address.append(evaluation, None, &mut key);
        let address = std::str::from_utf8(&key)
            .ok()
            .and_then(|text| text.parse().ok());
        // As in nginx, all that is no address counts as this one.
        let address: IpAddr = address.unwrap_or(Ipv4Addr::BROADCAST.into());
        let address = address.to_canonical();
        let found = match &self.areas {
            Areas::Networks(networks) => networks.find(address),
            Areas::Ranges(ranges) => ranges.find(address),
        };
        let found = found.filter(|area| (area.value as usize) < self.values.len());
        evaluation.step(name, &key, || match found {
            Some(area) if self.texts.bytes(area.name) == b"default" => {
                Found::Default(self.texts.span(area.name))
            }
            Some(area) => Found::Line(self.texts.span(area.name)),
            None => Found::Nothing,
        });
        if let Some(area) = found {
            out.extend_from_slice(&self.values[area.value as usize]);
        }
        found.is_some()
    }

    fn templates(&self) -> Vec<&Template> {
        vec![&self.address]
    }
}
