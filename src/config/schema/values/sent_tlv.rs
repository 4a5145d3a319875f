//! Extensions of PROXY headers for backends: `proxy_protocol_tlv`.

use crate::base::TlvName;
use crate::base::tlv::kind;
use crate::config::model::SentTlv;
use crate::config::schema::{Arguments, Arity, Parsed, Repeated, ValueKind, refuse};

/// A name and a text with variables; lines add up.
#[derive(Debug)]
pub struct SentTlvs;

impl ValueKind for SentTlvs {
    type Value = Vec<SentTlv>;
    const SYNTAX: &'static str = "name value";
    const ABOUT: &'static str = "\
- `alpn`, `authority`, `unique_id`, `netns`: the type of this name.
- `0xNN`: the type of this number in hexadecimal, such as `0xe0`. The numbers `0xe0` to `0xff` are for users of the protocol.
- `ssl_version`, `ssl_cn`, `ssl_cipher`, `ssl_sig_alg`, `ssl_key_alg`, `ssl_0xNN`: a part of the type `ssl`.
- `ssl_verify`: the result of the verification of the client's certificate in the type `ssl`, a decimal number. 0 stands for a valid \
  certificate.
- `ssl`: the whole type, as in `$proxy_protocol_tlv_ssl`. Lines for its parts replace those in it.
- `value`: a text with variables.";
    const ARITY: Arity = Arity::exactly(2);
    const REPEATED: Repeated = Repeated::Adds;

    fn read(args: &mut Arguments<'_>, before: Option<Self::Value>) -> Parsed<Self::Value> {
        let mut tlvs = before.unwrap_or_default();
        if let [word, value] = args.words {
            let name = std::str::from_utf8(word).ok().and_then(TlvName::find);
            let name = name.ok_or_else(|| {
                let names = TlvName::NAMES;
                refuse!(
                    "unknown PROXY protocol TLV \"",
                    word,
                    "\", the names are: ",
                    names
                )
            })?;
            if name == TlvName::Type(kind::CRC32C) {
                return Err(refuse!(
                    "PROXY protocol TLV \"",
                    word,
                    "\" is the checksum, which every header of version 2 has"
                ));
            }
            if tlvs.iter().any(|known| known.name == name) {
                return Err(refuse!("duplicate PROXY protocol TLV \"", word, "\""));
            }
            let template = args.variables.template(value, args.span);
            let value = template.map_err(|error| refuse!(error.of_value()))?;
            let tlv = SentTlv { name, value };
            // The parts replace those of the whole, which must come first.
            match name {
                TlvName::Type(kind::SSL) => tlvs.insert(0, tlv),
                _ => tlvs.push(tlv),
            }
        }
        Ok(tlvs)
    }
}
