//! `docs/status.schema.json`, and the part of JSON Schema that it uses.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// The schema, and its definitions.
pub struct Schema(Value);

impl Schema {
    /// The documented one.
    pub fn documented() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/status.schema.json");
        let text = fs::read_to_string(path).expect("the schema");
        Self(serde_json::from_str(&text).expect("JSON"))
    }

    /// Checks a document.
    pub fn check(&self, document: &Value) {
        let mut faults = Vec::new();
        self.check_value(&self.0, document, "", &mut faults);
        assert!(faults.is_empty(), "{}\n{document:#}", faults.join("\n"));
    }

    fn check_value(&self, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
        let schema = match schema.get("$ref").and_then(Value::as_str) {
            Some(reference) => {
                let pointer = reference.strip_prefix('#').expect("a reference within");
                self.0.pointer(pointer).expect("a definition")
            }
            None => schema,
        };
        let mut fault = |what: String| faults.push(format!("{at}: {what}"));
        if let Some(types) = schema.get("type")
            && !is_of(types, value)
        {
            return fault(format!("{value} is no {types}"));
        }
        if let Some(values) = schema.get("enum").and_then(Value::as_array)
            && !values.contains(value)
        {
            fault(format!("{value} is not in the list"));
        }
        if let (Some(least), Some(number)) = (
            schema.get("minimum").and_then(Value::as_f64),
            value.as_f64(),
        ) && number < least
        {
            fault(format!("{number} is less than {least}"));
        }
        if let (Some(_), Some(text)) = (schema.get("pattern"), value.as_str())
            && !is_time(text)
        {
            fault(format!("{text} is no time"));
        }
        if let (Some(items), Some(elements)) = (schema.get("items"), value.as_array()) {
            for (n, element) in elements.iter().enumerate() {
                self.check_value(items, element, &format!("{at}/{n}"), faults);
            }
        }
        if let Some(members) = value.as_object() {
            self.check_members(schema, members, at, faults);
        }
    }

    fn check_members(
        &self,
        schema: &Value,
        members: &serde_json::Map<String, Value>,
        at: &str,
        faults: &mut Vec<String>,
    ) {
        for name in schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            if !members.contains_key(name.as_str().expect("a name")) {
                faults.push(format!("{at}: no {name}"));
            }
        }
        for (name, value) in members {
            let below = format!("{at}/{name}");
            if let Some(names) = schema.get("propertyNames") {
                self.check_value(names, &Value::from(name.as_str()), &below, faults);
            }
            let described = schema.get("properties").and_then(|all| all.get(name));
            match (described, schema.get("additionalProperties")) {
                (Some(schema), _) => self.check_value(schema, value, &below, faults),
                (None, Some(Value::Bool(false)) | None) => {
                    faults.push(format!("{below} is not described"));
                }
                (None, Some(schema)) => self.check_value(schema, value, &below, faults),
            }
        }
    }
}

fn is_of(types: &Value, value: &Value) -> bool {
    let is = |name: &Value| match name.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("null") => value.is_null(),
        other => panic!("a type that this test does not know: {other:?}"),
    };
    match types {
        Value::Array(all) => all.iter().any(is),
        one => is(one),
    }
}

/// The one pattern of the schema: a time in UTC with milliseconds.
fn is_time(text: &str) -> bool {
    let like = "0000-00-00T00:00:00.000Z";
    let same = |(own, wanted): (char, char)| match wanted {
        '0' => own.is_ascii_digit(),
        wanted => own == wanted,
    };
    text.len() == like.len() && text.chars().zip(like.chars()).all(same)
}
