//! The TLS cipher suites that are spoken, by OpenSSL's names: the one table of them.

/// A cipher suite.
#[derive(Clone, Copy, Debug)]
pub struct TlsSuite {
    /// OpenSSL's name.
    pub name: &'static str,
    /// The number in IANA's registry of TLS cipher suites.
    pub number: u16,
    /// Whether it belongs to TLS 1.3; else to TLS 1.2.
    pub is_tls13: bool,
}

const fn tls12(name: &'static str, number: u16) -> TlsSuite {
    TlsSuite {
        name,
        number,
        is_tls13: false,
    }
}

const fn tls13(name: &'static str, number: u16) -> TlsSuite {
    TlsSuite {
        name,
        number,
        is_tls13: true,
    }
}

/// All of them.
pub const TLS_SUITES: [TlsSuite; 9] = [
    tls13("TLS_AES_256_GCM_SHA384", 0x1302),
    tls13("TLS_CHACHA20_POLY1305_SHA256", 0x1303),
    tls13("TLS_AES_128_GCM_SHA256", 0x1301),
    tls12("ECDHE-ECDSA-AES256-GCM-SHA384", 0xc02c),
    tls12("ECDHE-RSA-AES256-GCM-SHA384", 0xc030),
    tls12("ECDHE-ECDSA-CHACHA20-POLY1305", 0xcca9),
    tls12("ECDHE-RSA-CHACHA20-POLY1305", 0xcca8),
    tls12("ECDHE-ECDSA-AES128-GCM-SHA256", 0xc02b),
    tls12("ECDHE-RSA-AES128-GCM-SHA256", 0xc02f),
];

impl TlsSuite {
    /// The suite with a name of OpenSSL.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        TLS_SUITES.iter().find(|suite| suite.name == name)
    }

    /// The suite with a number of IANA's registry.
    #[must_use]
    pub fn by_number(number: u16) -> Option<&'static Self> {
        TLS_SUITES.iter().find(|suite| suite.number == number)
    }
}
