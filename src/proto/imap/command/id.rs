//! The argument of ID (RFC 2971, section 3.1): a list of names and values in parentheses, or `NIL`.

use super::{Argument, INVALID, Scan, Stop};

/// What may stand next in the list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The first name, or the end.
    First,
    /// A name or a value.
    Text,
    /// A space, or the end after a value.
    Gap,
}

impl<'a> Scan<'a> {
    /// Parses the argument of ID and the end of the line: names and values in turn. A field whose value is `NIL` is left out.
    ///
    /// # Errors
    /// [`Stop`]
    pub(super) fn id(&mut self) -> Result<Vec<Argument<'a>>, Stop> {
        while self.peek()? == b' ' {
            self.at += 1;
        }
        let mut found = Vec::new();
        if self.peek()? == b'(' {
            self.at += 1;
            self.id_fields(&mut found)?;
        } else {
            self.nil()?;
        }
        while self.peek()? == b' ' {
            self.at += 1;
        }
        if self.peek()? == b'\r' {
            self.at += 1;
        }
        if self.peek()? != b'\n' {
            return Err(INVALID);
        }
        self.at += 1;
        Ok(found)
    }

    /// Parses fields up to the closing parenthesis.
    fn id_fields(&mut self, found: &mut Vec<Argument<'a>>) -> Result<(), Stop> {
        let mut name: Option<Argument<'a>> = None;
        let mut next = Next::First;
        loop {
            match (self.peek()?, next) {
                (b')', Next::First | Next::Gap) if name.is_none() => {
                    self.at += 1;
                    return Ok(());
                }
                (b' ', _) => {
                    self.at += 1;
                    if next == Next::Gap {
                        next = Next::Text;
                    }
                    continue;
                }
                (b')', Next::Text) if name.is_none() => {
                    self.at += 1;
                    return Ok(());
                }
                (_, Next::Gap) => return Err(INVALID),
                _ => {}
            }
            let text = self.nstring()?;
            next = Next::Gap;
            match (name.take(), text) {
                (None, text) => name = Some(text.ok_or(INVALID)?),
                (Some(name), Some(value)) => found.extend([name, value]),
                (Some(_), None) => {}
            }
        }
    }

    /// Parses a string; `None` is `NIL`.
    fn nstring(&mut self) -> Result<Option<Argument<'a>>, Stop> {
        match self.peek()? {
            b'"' => {
                let text = self.quoted()?;
                // A quoted string that the end of the line ends is none.
                match self.bytes[..self.at].ends_with(b"\"") {
                    true => Ok(Some(text)),
                    false => Err(INVALID),
                }
            }
            b'{' => Ok(Some(self.literal()?.into())),
            _ => self.nil().map(|()| None),
        }
    }

    fn nil(&mut self) -> Result<(), Stop> {
        for letter in *b"NIL" {
            if !self.peek()?.eq_ignore_ascii_case(&letter) {
                return Err(INVALID);
            }
            self.at += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Scan, Verb};

    fn show(bytes: &str, requested: usize) -> String {
        let mut scan = Scan::new(bytes.as_bytes(), requested);
        match scan.command() {
            Ok(command) => {
                assert_eq!(command.verb, Verb::Id);
                let texts = command.arguments.iter();
                let texts: Vec<_> = texts.map(|text| String::from_utf8_lossy(text)).collect();
                format!("{} +{}", texts.join("|"), bytes.len() - scan.length())
            }
            Err(stop) => format!("{stop:?}"),
        }
    }

    #[test]
    fn lists() {
        for (bytes, want) in [
            ("a ID NIL\r\n", " +0"),
            ("a id nil\r\nb", " +1"),
            ("a ID ()\r\n", " +0"),
            ("a ID (\"name\" \"x\")\r\n", "name|x +0"),
            ("a ID ( \"name\"  \"x y\" \"os\" NIL ) \r\n", "name|x y +0"),
            ("a ID (\"n\" \"a\\\"b\\\\\" \"v\" \"\")\n", "n|a\"b\\|v| +0"),
            ("a ID (\"n\" {3+}\r\na)b \"v\" {0+}\r\n)\r\n", "n|a)b|v| +0"),
            (
                "a ID (\"1\" \"2\" \"3\" \"4\" \"5\" \"6\")\r\n",
                "1|2|3|4|5|6 +0",
            ),
        ] {
            assert_eq!(show(bytes, 0), want, "{bytes:?}");
            let whole = bytes.len() - usize::from(want.ends_with("+1"));
            for cut in 0..whole {
                assert_eq!(show(&bytes[..cut], 0), "Part", "{bytes:?} {cut}");
            }
        }
        assert_eq!(show("a ID (\"n\" {1}\r\nx)\r\n", 0), "Literal");
        assert_eq!(show("a ID (\"n\" {1}\r\nx)\r\n", 1), "n|x +0");
    }

    #[test]
    fn malformed_lists() {
        for bytes in [
            "a ID\r\n",
            "a ID NILS\r\n",
            "a ID NIL x\r\n",
            "a ID name x\r\n",
            "a ID (name x)\r\n",
            "a ID (\"name\")\r\n",
            "a ID (\"name\" \"x\"\r\n",
            "a ID (\"name\" \"x)\r\n",
            "a ID (\"name\"\"x\")\r\n",
            "a ID (NIL \"x\")\r\n",
            "a ID (\"a\" \"b\" \"c\")\r\n",
            "a ID (\"a\" \"b\")(\r\n",
        ] {
            let shown = show(bytes, 0);
            assert!(shown.starts_with("Invalid"), "{bytes:?} {shown}");
        }
    }
}
