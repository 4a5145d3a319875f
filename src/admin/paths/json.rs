//! `/json`: the whole status, or the part of it that the rest of the path names. `docs/status.schema.json` describes it.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::admin::page::{Answer, Call, json as json_of};
use crate::admin::percent::decoded;
use crate::admin::snapshot::Snapshot;

pub(in crate::admin) fn answer(call: &Call<'_>) -> Answer {
    let document = serde_json::to_value(Snapshot::of(call.state)).unwrap_or_default();
    match part(&document, call.below) {
        Some(part) => json_of(part),
        None => {
            // Angie's answer.
            let mut answer = json_of(&json!({
                "error": "PathNotFound",
                "description": "Requested API entity doesn't exist."
            }));
            *answer.status_mut() = StatusCode::NOT_FOUND;
            answer
        }
    }
}

/// The value that a path leads to: names of members and numbers of elements. In names, `%2F` stands for a slash.
fn part<'v>(document: &'v Value, path: &str) -> Option<&'v Value> {
    let names = path.split('/').filter(|name| !name.is_empty());
    let mut names = names.map(|name| String::from_utf8(decoded(name)?).ok());
    names.try_fold(document, |value, name| {
        let name = name?;
        match value {
            Value::Array(elements) => elements.get(name.parse::<usize>().ok()?),
            value => value.get(&name),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_parts() {
        let document = json!({"mail": {"zones": {"unix:/a b": {"n": 1}}}, "list": [{"n": 2}]});
        for (path, value) in [
            ("", Some(&document)),
            ("list/0/n", Some(&json!(2))),
            ("list/0/n/", Some(&json!(2))),
            ("mail/zones/unix:%2Fa%20b/n", Some(&json!(1))),
            ("list/1", None),
            ("list/x", None),
            ("mail/zones/unix:%2", None),
            ("mail/zones/unix:%zz", None),
            ("mail/nosuch", None),
        ] {
            assert_eq!(part(&document, path), value, "{path}");
        }
    }
}
