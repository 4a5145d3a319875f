//! Mail for tests.

/// A message of at least `size` bytes with lines of every length up to 900 bytes. Some lines begin with dots.
pub fn large(subject: &str, size: usize) -> String {
    let mut message = format!("Subject: {subject}\r\nMIME-Version: 1.0\r\n\r\n");
    let mut seed = 1_u32;
    while message.len() < size {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let dots = (seed >> 20) as usize % 3;
        let length = (seed >> 8) as usize % 900;
        message.push_str(&".".repeat(dots));
        let letter = |at: usize| char::from(b'!' + ((seed as usize + at * 7) % 90) as u8);
        message.extend((0..length).map(letter));
        message.push_str("\r\n");
    }
    message
}
