//! Digests of CRAM-MD5 (RFC 2195) and APOP (RFC 1939, section 7), in lower-case hex.

use hmac::{Hmac, Mac as _};
use md5::{Digest as _, Md5};

/// The digest in a response to CRAM-MD5. `challenge` is decoded and includes its angle brackets.
pub fn cram_md5(secret: &str, challenge: &[u8]) -> String {
    // HMAC accepts keys of any length.
    let Ok(mut mac) = Hmac::<Md5>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(challenge);
    hex(&mac.finalize().into_bytes())
}

/// The digest of APOP. `timestamp` is the one in the greeting, with its angle brackets.
pub fn apop(secret: &str, timestamp: &[u8]) -> String {
    hex(&Md5::digest([timestamp, secret.as_bytes()].concat()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{apop, cram_md5};

    #[test]
    fn examples_of_the_rfcs() {
        let challenge = b"<1896.697170952@postoffice.reston.mci.net>";
        assert_eq!(
            cram_md5("tanstaaftanstaaf", challenge),
            "b913a602c7eda7a495b4e6e7334d3890"
        );
        let timestamp = b"<1896.697170952@dbc.mtview.ca.us>";
        assert_eq!(
            apop("tanstaaf", timestamp),
            "c4c9334bac560ecc979e58001b3e22fb"
        );
    }
}
