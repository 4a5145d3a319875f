//! Writes JSON (RFC 8259) without an intermediate tree.

use std::fmt::Write;

/// A JSON text under construction. Commas are set where they belong; the caller balances brackets.
#[derive(Clone, Debug, Default)]
pub struct Json {
    text: String,
}

impl Json {
    /// Begins an object.
    pub fn begin_object(&mut self) -> &mut Self {
        self.begin('{')
    }

    /// Ends an object.
    pub fn end_object(&mut self) -> &mut Self {
        self.text.push('}');
        self
    }

    /// Begins an array.
    pub fn begin_array(&mut self) -> &mut Self {
        self.begin('[')
    }

    /// Ends an array.
    pub fn end_array(&mut self) -> &mut Self {
        self.text.push(']');
        self
    }

    /// The name of a member. Its value follows.
    pub fn name(&mut self, name: &str) -> &mut Self {
        self.string(name.as_bytes());
        self.text.push(':');
        self
    }

    /// A string. Bytes that are not UTF-8 become U+FFFD.
    pub fn string(&mut self, bytes: &[u8]) -> &mut Self {
        self.separate();
        self.text.push('"');
        for letter in String::from_utf8_lossy(bytes).chars() {
            match letter {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '\t' => self.text.push_str("\\t"),
                control if control.is_control() => {
                    let _ = write!(self.text, "\\u{:04x}", u32::from(control));
                }
                letter => self.text.push(letter),
            }
        }
        self.text.push('"');
        self
    }

    /// A whole number.
    pub fn number(&mut self, number: usize) -> &mut Self {
        self.literal(&number.to_string())
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, value: bool) -> &mut Self {
        self.literal(if value { "true" } else { "false" })
    }

    /// `null`.
    pub fn null(&mut self) -> &mut Self {
        self.literal("null")
    }

    /// A string, or `null`.
    pub fn string_or_null(&mut self, bytes: Option<&[u8]>) -> &mut Self {
        match bytes {
            Some(bytes) => self.string(bytes),
            None => self.null(),
        }
    }

    /// A whole number, or `null`.
    pub fn number_or_null(&mut self, number: Option<usize>) -> &mut Self {
        match number {
            Some(number) => self.number(number),
            None => self.null(),
        }
    }

    /// The text, with a line end.
    #[must_use]
    pub fn into_line(mut self) -> String {
        self.text.push('\n');
        self.text
    }

    fn begin(&mut self, bracket: char) -> &mut Self {
        self.separate();
        self.text.push(bracket);
        self
    }

    fn literal(&mut self, text: &str) -> &mut Self {
        self.separate();
        self.text.push_str(text);
        self
    }

    /// Sets a comma after a complete value.
    fn separate(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with(['{', '[', ':']) {
            self.text.push(',');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Json;

    #[test]
    fn values_are_separated_and_strings_escaped() {
        let mut json = Json::default();
        json.begin_object();
        json.name("a").begin_array().number(1).null().end_array();
        json.name("b").begin_object().end_object();
        json.name("c\"").string(b"\\ \n\t\x01 \xff {").boolean(true);
        json.name("d").string(b"x:").string("ü\u{85}".as_bytes());
        json.end_object();
        assert_eq!(
            json.into_line(),
            "{\"a\":[1,null],\"b\":{},\"c\\\"\":\"\\\\ \\n\\t\\u0001 \u{fffd} {\",true,\
             \"d\":\"x:\",\"ü\\u0085\"}\n"
        );
    }
}
