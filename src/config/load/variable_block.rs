//! `map` and `geo` blocks: their lines are not directives. Lines of two plain words are read without a statement of their own, so
//! that a file of a million lines is read in a second.

use super::building::{Building, Lines};
use super::files::IncludeError;
use super::geo;
use super::loader::Loader;
use super::report::Stop;
use crate::base::Level;
use crate::config::model::{GeoBuilder, MapBuilder, Read, Variable, VariableBlock};
use crate::config::schema::{Block, absolute};
use crate::config::syntax::{Diagnostic, Ending, PlainPair, Source, Span, Statement, message};
use std::sync::Arc;

/// A line with two words.
#[derive(Debug)]
struct Pair<'p> {
    words: [Read<'p>; 2],
    /// The first word, on the line of the end.
    span: Span,
}

impl Loader<'_> {
    /// Begins a `map` block.
    ///
    /// # Errors
    /// nginx's sentence about an argument.
    pub fn open_map(&mut self, args: &[Box<[u8]>], span: &Span) -> Result<(), Diagnostic> {
        let source = args.first().map_or(&[][..], |word| word);
        let source = self.variables.template(source, span);
        let source = source.map_err(|error| refused(error.of_value(), span))?;
        let name = variable_name(word(args, 1), span)?;
        self.begin(name, Lines::Map(Box::new(MapBuilder::new(source))), span)
    }

    /// Begins a `geo` block.
    ///
    /// # Errors
    /// nginx's sentence about an argument.
    pub fn open_geo(&mut self, args: &[Box<[u8]>], span: &Span) -> Result<(), Diagnostic> {
        let first = variable_name(word(args, 0), span)?;
        let (address, name) = match word(args, 1) {
            None => ("remote_addr".into(), first),
            Some(second) => (first, variable_name(Some(second), span)?),
        };
        let text = message!("${", address.as_bytes(), "}");
        let address = self.variables.template(&text, span);
        let address = address.map_err(|error| refused(error.of_value(), span))?;
        self.begin(name, Lines::Geo(Box::new(GeoBuilder::new(address))), span)
    }

    fn begin(&mut self, name: Box<str>, lines: Lines, span: &Span) -> Result<(), Diagnostic> {
        if name.is_empty() {
            return Err(refused("invalid variable name \"$\"", span));
        }
        if Variable::find(&name).is_some() {
            return Err(refused(format!("the duplicate \"{name}\" variable"), span));
        }
        self.building = Some(Building { name, lines });
        Ok(())
    }

    /// Reads the lines of two plain words that come next.
    ///
    /// # Errors
    /// Loading ends with a fault in one of them.
    pub fn plain_lines(&mut self) -> Result<(), Stop> {
        while let Some(parser) = self.files.current()
            && let Some(pair) = parser.plain_pair()
        {
            let source = Arc::clone(&parser.source);
            let PlainPair { key, value, line } = pair;
            let read = |(start, end): (usize, usize)| Read {
                word: &source.bytes[start..end],
                range: Some((start, end)),
            };
            let pair = Pair {
                words: [read(key), read(value)],
                span: span(&source, line, key),
            };
            if let Err(fault) = self.pair(&pair) {
                self.tainted_variables = true;
                self.report.fault(fault)?;
            }
        }
        Ok(())
    }

    /// Applies a statement of a `map` or `geo` block.
    ///
    /// # Errors
    /// nginx's sentence.
    pub fn line(
        &mut self,
        block: Block,
        statement: &Statement,
        span: &Span,
    ) -> Result<(), IncludeError> {
        let applied = self.statement_of_block(block, statement, span);
        self.tainted_variables |= applied.is_err();
        applied
    }

    fn statement_of_block(
        &mut self,
        block: Block,
        statement: &Statement,
        span: &Span,
    ) -> Result<(), IncludeError> {
        if statement.ending != Ending::Semicolon {
            return Err(refused("unexpected \"{\"", span).into());
        }
        let Some(building) = &mut self.building else {
            return Ok(());
        };
        match (&*statement.words, &mut building.lines) {
            ([word], Lines::Map(map)) if **word == *b"hostnames" => map.hostnames(),
            // Values are computed anew each time.
            ([word], Lines::Geo(_)) if **word == *b"volatile" => {}
            ([word], Lines::Geo(geo)) if **word == *b"ranges" => {
                if !geo.ranges() {
                    let what =
                        "the \"ranges\" directive must be the first directive inside \"geo\" block";
                    return Err(refused(what, span).into());
                }
            }
            ([word], Lines::Map(_)) if **word == *b"volatile" => {}
            ([word, name], _) if **word == *b"include" => {
                let path = absolute(&self.folders.config, name);
                let written = self.written.variables.last_mut();
                if let (Some(written), Some(argument)) = (written, statement.spans.get(1))
                    && Arc::ptr_eq(&written.opened.source, &span.source)
                {
                    written.includes.push((*argument, path));
                }
                return self.include(block, name, span);
            }
            ([key, value], _) => {
                let read = |word| Read { word, range: None };
                let pair = Pair {
                    words: [read(key), read(value)],
                    span: span.clone(),
                };
                self.pair(&pair)?;
            }
            (_, lines) => {
                let kind = match lines {
                    Lines::Map(_) => "map",
                    Lines::Geo(_) => "geo",
                };
                let what = format!("invalid number of the {kind} parameters");
                return Err(refused(what, span).into());
            }
        }
        Ok(())
    }

    fn pair(&mut self, pair: &Pair<'_>) -> Result<(), Diagnostic> {
        let Some(building) = &mut self.building else {
            return Ok(());
        };
        let Pair {
            words: [key, value],
            span,
        } = pair;
        let variables = &self.variables;
        let added = match &mut building.lines {
            Lines::Map(map) => {
                let find = &mut |name: &str| Some(variables.find(name, span));
                map.add(*key, *value, span, find)
            }
            Lines::Geo(geo) => {
                let report = &mut self.report;
                let warn = &mut |text| report.warn(Diagnostic::new(Level::Warn, text, span));
                geo::line(geo, key.word, value.word, span, warn)
            }
        };
        added.map_err(|text| refused(text, span))
    }

    /// Ends the block at its `}`: its variable is defined.
    pub fn close_variable_block(&mut self, closed: &Span) {
        if let Some(written) = self.written.variables.last_mut() {
            written.body.1 = closed.start;
        }
        if let Some(Building { name, lines }) = self.building.take() {
            let block: Arc<dyn VariableBlock> = match lines {
                Lines::Map(map) => map.finish(),
                Lines::Geo(geo) => geo.finish(),
            };
            self.variables.define(&name, block);
        }
    }

    /// Gives the variables of all lines their definitions.
    ///
    /// # Errors
    /// Loading ends with a variable that no block defines.
    pub fn resolve_variables(&mut self) -> Result<(), Stop> {
        for (name, span) in self.variables.resolve() {
            // A block that a fault has made uncertain may define it.
            if !self.tainted_variables {
                let message = format!("unknown \"{name}\" variable");
                self.report.fault(refused(message, &span))?;
            }
        }
        Ok(())
    }
}

/// An argument.
fn word(args: &[Box<[u8]>], index: usize) -> Option<&[u8]> {
    args.get(index).map(|word| &**word)
}

/// The name in a word that begins with `$`.
fn variable_name(word: Option<&[u8]>, span: &Span) -> Result<Box<str>, Diagnostic> {
    let word = word.unwrap_or_default();
    match word {
        [b'$', name @ ..] => Ok(String::from_utf8_lossy(name).into()),
        _ => Err(refused(
            message!("invalid variable name \"", word, "\""),
            span,
        )),
    }
}

fn refused(message: impl Into<Vec<u8>>, span: &Span) -> Diagnostic {
    Diagnostic::new(Level::Emerg, message, span)
}

fn span(source: &Arc<Source>, line: usize, (start, end): (usize, usize)) -> Span {
    Span {
        source: Arc::clone(source),
        line,
        start,
        end,
    }
}
