//! IP addresses as nginx reads them.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Reads four numbers with dots (`ngx_inet_addr`). An empty number is 0; 255.255.255.255 is refused.
pub fn ipv4(text: &[u8]) -> Option<Ipv4Addr> {
    let (mut address, mut octet, mut dots) = (0_u32, 0_u32, 0);
    for byte in text {
        match byte {
            b'0'..=b'9' => {
                octet = octet * 10 + u32::from(byte - b'0');
                if octet > 255 {
                    return None;
                }
            }
            b'.' => {
                address = (address << 8) + octet;
                octet = 0;
                dots += 1;
                if dots > 3 {
                    return None;
                }
            }
            _ => return None,
        }
    }
    let address = (address << 8).checked_add(octet)?;
    (dots == 3 && address != u32::MAX).then(|| Ipv4Addr::from(address))
}

/// Reads an IPv6 address (`ngx_inet6_addr`). Like nginx it accepts a few spellings that RFC 4291 does not have.
pub fn ipv6(text: &[u8]) -> Option<Ipv6Addr> {
    let text = match text {
        [] => return None,
        [b':', rest @ ..] => rest,
        text => text,
    };
    let mut words: Vec<u16> = Vec::with_capacity(8);
    let mut gap = None;
    let (mut word, mut nibbles, mut start) = (0_u32, 0, None);
    let mut tail: Option<u16> = None;
    for (index, byte) in text.iter().enumerate() {
        match byte {
            b':' if nibbles > 0 => {
                start = Some(index + 1);
                words.push(u16::try_from(word).ok()?);
                if words.len() == 8 {
                    return None;
                }
                (nibbles, word) = (0, 0);
            }
            b':' if gap.is_none() => {
                start = Some(index + 1);
                gap = Some(words.len());
            }
            b':' => return None,
            b'.' if nibbles > 0 => {
                if words.len() > 6 {
                    return None;
                }
                let address = u32::from(ipv4(&text[start?..])?);
                words.push(u16::try_from(address >> 16).ok()?);
                tail = u16::try_from(address & 0xffff).ok();
                break;
            }
            _ => {
                nibbles += 1;
                if nibbles > 4 {
                    return None;
                }
                word = word * 16 + char::from(*byte).to_digit(16)?;
            }
        }
    }
    if nibbles == 0 && gap.is_none() {
        return None;
    }
    words.push(match tail {
        Some(tail) => tail,
        None => u16::try_from(word).ok()?,
    });
    match (words.len(), gap) {
        (8, None) => {}
        (count, Some(at)) if count < 8 => {
            for _ in count..8 {
                words.insert(at, 0);
            }
        }
        _ => return None,
    }
    <[u16; 8]>::try_from(words).ok().map(Ipv6Addr::from)
}
