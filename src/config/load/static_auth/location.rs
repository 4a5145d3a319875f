//! Which location a path reaches (`ngx_http_core_find_location`): an exact one, the longest prefix, unless the first regular
//! expression that matches takes its place; then the same among the locations inside it.

use super::lines::HttpLine;
use super::pcre;

/// The locations around the one that a path reaches, the outermost first, and that one. Empty where no location matches.
#[derive(Debug, Default)]
pub struct Path<'a> {
    /// The locations.
    pub locations: Vec<&'a HttpLine>,
    /// The regular expressions that have matched, in order.
    pub patterns: Vec<Pattern<'a>>,
}

/// A regular expression of a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern<'a> {
    /// It.
    pub text: &'a [u8],
    /// `~*`
    pub any_case: bool,
}

/// The form of a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form<'a> {
    /// `= /path`
    Exact(&'a [u8]),
    /// `/path`, or with `no_patterns`, `^~ /path`.
    Prefix {
        /// The start of the path.
        prefix: &'a [u8],
        /// Whether regular expressions are not tried.
        no_patterns: bool,
    },
    /// `~ pattern` or `~* pattern`
    Pattern(Pattern<'a>),
    /// `@name`, which no request reaches by itself.
    Named,
}

impl<'a> Form<'a> {
    /// That of a `location`. The modifier may be a word of its own.
    pub fn of(line: &'a HttpLine) -> Self {
        let (modifier, text) = match line.args() {
            [modifier, text, ..] => (&**modifier, &**text),
            _ => split(line.arg(0)),
        };
        match modifier {
            b"=" => Self::Exact(text),
            b"~" | b"~*" => Self::Pattern(Pattern {
                text,
                any_case: modifier.len() == 2,
            }),
            b"@" => Self::Named,
            other => Self::Prefix {
                prefix: text,
                no_patterns: other == b"^~",
            },
        }
    }
}

/// The modifier at the start of a word.
fn split(word: &[u8]) -> (&[u8], &[u8]) {
    let length = match word {
        [b'~', b'*', ..] | [b'^', b'~', ..] => 2,
        [b'=' | b'~' | b'@', ..] => 1,
        _ => 0,
    };
    word.split_at(length)
}

impl<'a> Path<'a> {
    /// Finds the location of a path among the lines of a server.
    ///
    /// # Errors
    /// A regular expression that must be tried cannot be evaluated, or nginx redirects the request.
    pub fn find(lines: &'a [HttpLine], path: &[u8]) -> Result<Self, String> {
        let mut found = Self::default();
        found.descend(lines, path)?;
        Ok(found)
    }

    /// Looks at the locations of one block. Returns whether that ends the search in the blocks around it.
    fn descend(&mut self, lines: &'a [HttpLine], path: &[u8]) -> Result<bool, String> {
        let locations = lines.iter().filter(|line| line.name() == b"location");
        let locations: Vec<_> = locations.map(|line| (line, Form::of(line))).collect();
        let depth = self.locations.len();
        if let Some((line, _)) = locations
            .iter()
            .find(|(_, form)| *form == Form::Exact(path))
        {
            self.locations.push(line);
            return Ok(true);
        }
        let longest = longest(&locations, path);
        let is_whole =
            longest.is_some_and(|(line, _)| line.args().last().is_some_and(|text| **text == *path));
        if let Some(line) = redirecting(&locations, path).filter(|_| !is_whole) {
            let place = place(line);
            return Err(format!("{place} redirects to the path with a slash"));
        }
        let mut has_patterns = true;
        if let Some((line, no_patterns)) = longest {
            has_patterns = !no_patterns;
            self.locations.push(line);
            if self.descend(&line.block, path)? {
                return Ok(true);
            }
        }
        for (line, form) in &locations {
            let (true, Form::Pattern(pattern)) = (has_patterns, form) else {
                continue;
            };
            let regex = pcre::compile(pattern.text, pattern.any_case);
            let regex = regex.map_err(|what| format!("{} uses {what}", place(line)))?;
            if regex.is_match(path) {
                self.locations.truncate(depth);
                self.locations.push(line);
                self.patterns.push(*pattern);
                self.descend(&line.block, path)?;
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The location with the longest prefix, and whether regular expressions are not tried after it.
fn longest<'a>(
    locations: &[(&'a HttpLine, Form<'a>)],
    path: &[u8],
) -> Option<(&'a HttpLine, bool)> {
    let prefixes = locations.iter().filter_map(|(line, form)| match form {
        Form::Prefix {
            prefix,
            no_patterns,
        } if path.starts_with(prefix) => Some((prefix.len(), (*line, *no_patterns))),
        _ => None,
    });
    prefixes
        .max_by_key(|(length, _)| *length)
        .map(|(_, found)| found)
}

/// The location to which nginx redirects a path without the slash at its end: one that passes requests on.
fn redirecting<'a>(locations: &[(&'a HttpLine, Form<'a>)], path: &[u8]) -> Option<&'a HttpLine> {
    let passes = |line: &HttpLine| {
        line.block
            .iter()
            .any(|inner| inner.name().ends_with(b"_pass"))
    };
    let is_it = |form: &Form<'_>| match form {
        Form::Prefix { prefix, .. } => prefix.strip_suffix(b"/") == Some(path),
        _ => false,
    };
    let found = locations
        .iter()
        .find(|(line, form)| is_it(form) && passes(line));
    found.map(|(line, _)| *line)
}

/// A block for messages: `location PATH at FILE:LINE`.
pub fn place(line: &HttpLine) -> String {
    let words = line.args().iter().map(|word| String::from_utf8_lossy(word));
    let words: Vec<_> = words.collect();
    match line.name() {
        b"location" => format!("location {} at {}", words.join(" "), line.span),
        _ => format!("the {} at {}", line.shown(), line.span),
    }
}
