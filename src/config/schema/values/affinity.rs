//! `worker_cpu_affinity`: checked, and left to the kernel.

use crate::config::schema::{Arguments, Arity, Parsed, ValueError, ValueKind};
use crate::config::syntax::message;

/// Most processors that a mask can name (`CPU_SETSIZE`).
const MOST: usize = 1024;

/// Masks of processors, or `auto`. The value is the number of masks; `auto` counts as one.
#[derive(Debug)]
pub struct Affinity;

impl ValueKind for Affinity {
    type Value = usize;
    const SYNTAX: &'static str = "cpumask ... | auto [cpumask]";
    const ARITY: Arity = Arity::SOME;

    fn read(args: &mut Arguments<'_>, _: Option<usize>) -> Parsed<usize> {
        let is_auto = args.first() == b"auto";
        let masks = if is_auto { args.rest() } else { args.words };
        if is_auto && masks.len() > 1 {
            return Err(ValueError::says(
                "invalid number of arguments in \"worker_cpu_affinity\" directive",
            ));
        }
        for mask in masks {
            if mask.len() > MOST {
                return Err(ValueError::says(format!(
                    "\"worker_cpu_affinity\" supports up to {MOST} CPUs only"
                )));
            }
            let is_bad = |byte: &&u8| !matches!(byte, b'0' | b'1' | b' ');
            // nginx reads a mask from its end.
            if let Some(bad) = mask.iter().rfind(is_bad) {
                let end = "\" in \"worker_cpu_affinity\"";
                return Err(ValueError::says(message!(
                    "invalid character \"",
                    [*bad],
                    end
                )));
            }
        }
        Ok(if is_auto { 1 } else { masks.len() })
    }
}
