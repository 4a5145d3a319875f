//! `on` and `off`.

use super::{Call, Refusal, Value, c_string, sentence};

/// A flag, in any case of letters.
#[derive(Debug)]
pub struct Flag;

impl Value for Flag {
    type Plain = bool;
    const SYNTAX: &'static str = "on | off";

    fn read(call: &mut Call<'_>, _: Option<bool>) -> Result<bool, Refusal> {
        let word = call.first();
        if word.eq_ignore_ascii_case(b"on") {
            Ok(true)
        } else if word.eq_ignore_ascii_case(b"off") {
            Ok(false)
        } else {
            let name = call.name.as_bytes();
            let it = c_string(word);
            let parts: [&[u8]; 5] = [
                b"invalid value \"",
                it,
                b"\" in \"",
                name,
                b"\" directive, it must be \"on\" or \"off\"",
            ];
            Err(Refusal::Says(sentence(&parts)))
        }
    }
}
