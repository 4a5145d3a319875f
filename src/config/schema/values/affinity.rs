//! `worker_cpu_affinity`: checked, and left to the kernel.

use super::{Call, Refusal, Value};
use crate::config::schema::row::Arity;

/// Most processors that a mask can name (`CPU_SETSIZE`).
const MOST: usize = 1024;

/// How many masks there are; `auto` is one.
#[derive(Debug)]
pub struct Affinity;

impl Value for Affinity {
    type Plain = usize;
    const SYNTAX: &'static str = "cpumask ... | auto [cpumask]";
    const ARITY: Arity = Arity::SOME;

    fn read(call: &mut Call<'_>, _: Option<usize>) -> Result<usize, Refusal> {
        let (auto, masks) = match call.args {
            [word, rest @ ..] if **word == *b"auto" => (true, rest),
            masks => (false, masks),
        };
        if auto && masks.len() > 1 {
            return Err(Refusal::says(
                "invalid number of arguments in \"worker_cpu_affinity\" directive",
            ));
        }
        for mask in masks {
            if mask.len() > MOST {
                return Err(Refusal::says(format!(
                    "\"worker_cpu_affinity\" supports up to {MOST} CPUs only"
                )));
            }
            // nginx reads a mask from its end.
            if let Some(bad) = mask
                .iter()
                .rfind(|byte| !matches!(byte, b'0' | b'1' | b' '))
            {
                let mut text = b"invalid character \"".to_vec();
                text.push(*bad);
                text.extend_from_slice(b"\" in \"worker_cpu_affinity\"");
                return Err(Refusal::Says(text));
            }
        }
        Ok(if auto { 1 } else { masks.len() })
    }
}
