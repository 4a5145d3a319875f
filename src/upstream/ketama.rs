//! The points of `hash … consistent`: the same keys go to the same servers as with nginx's stream module and
//! Cache::Memcached::Fast.

use crc::{CRC_32_ISO_HDLC, Crc, Table};

/// CRC-32 of the whole of a key.
pub(super) const CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC);

/// The points of a server per unit of its weight.
const POINTS: u32 = 160;

/// The servers around a circle of hashes.
#[derive(Debug, Default)]
pub(super) struct Circle {
    /// Hash and index of the server, by hash.
    points: Vec<(u32, u32)>,
}

impl Circle {
    /// The points of servers with these names and weights. A server that is written twice has the points of both.
    pub fn new<'a>(servers: impl Iterator<Item = (&'a [u8], u32)>) -> Self {
        let mut points = Vec::new();
        for (index, (name, weight)) in (0..).zip(servers) {
            let (host, port) = split(name);
            let mut previous = [0; 4];
            for _ in 0..weight.saturating_mul(POINTS) {
                let mut digest = CRC.digest();
                for part in [host, &[0], port, &previous] {
                    digest.update(part);
                }
                let hash = digest.finalize();
                points.push((hash, index));
                previous = hash.to_le_bytes();
            }
        }
        points.sort_by_key(|(hash, _)| *hash);
        points.dedup_by_key(|(hash, _)| *hash);
        Self { points }
    }

    /// The position of a key.
    pub fn position(&self, key: &[u8]) -> usize {
        let hash = CRC.checksum(key);
        self.points.partition_point(|(point, _)| *point < hash)
    }

    /// The server at a position; the circle has no end. `None` if there are no points.
    pub fn server(&self, position: usize) -> Option<usize> {
        let index = position.checked_rem(self.points.len())?;
        usize::try_from(self.points[index].1).ok()
    }
}

/// Splits a name as nginx does: the port is what follows the last colon, if it is a number.
fn split(name: &[u8]) -> (&[u8], &[u8]) {
    if let Some((unix, path)) = name.split_at_checked(5)
        && unix.eq_ignore_ascii_case(b"unix:")
    {
        return (path, b"");
    }
    let digits = name.iter().rev().take_while(|byte| byte.is_ascii_digit());
    let at = name.len() - digits.count();
    match name[..at].split_last() {
        Some((b':', host)) => (host, &name[at..]),
        _ => (name, b""),
    }
}

#[cfg(test)]
mod tests {
    use super::{Circle, split};

    #[test]
    fn splits_names_as_nginx_does() {
        for (name, host, port) in [
            (&b"10.0.0.1:25"[..], &b"10.0.0.1"[..], &b"25"[..]),
            (b"mail.example.org", b"mail.example.org", b""),
            (b"[::1]:143", b"[::1]", b"143"),
            (b"[::1]", b"[::1]", b""),
            (b"unix:/run/x:25", b"/run/x:25", b""),
            (b"25", b"25", b""),
        ] {
            assert_eq!(split(name), (host, port), "{}", name.escape_ascii());
        }
    }

    #[test]
    fn removing_a_server_moves_only_its_keys() {
        let all: [(&[u8], u32); 3] = [(b"a:25", 1), (b"b:25", 1), (b"c:25", 2)];
        let (three, two) = (
            Circle::new(all.into_iter()),
            Circle::new(all.into_iter().take(2)),
        );
        let mut counts = [0; 3];
        for number in 0..4000 {
            let key = format!("user{number}@example.org");
            let chosen = |circle: &Circle| circle.server(circle.position(key.as_bytes()));
            let (before, after) = (chosen(&three), chosen(&two));
            counts[before.unwrap_or(3)] += 1;
            if before != Some(2) {
                assert_eq!(before, after, "{key}");
            }
        }
        assert!(counts[2] > counts[0] && counts[2] > counts[1], "{counts:?}");
        assert!(counts.iter().all(|count| *count > 500), "{counts:?}");
    }

    #[test]
    fn an_empty_circle_has_no_server() {
        assert_eq!(Circle::default().server(3), None);
    }
}
