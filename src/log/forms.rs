//! The forms of a line.

use super::event::Event;
use super::json::json_line;
use super::line::{Finished, Line};
use crate::config::LineFormat;

/// The line of an event in the forms that its targets need, each made once.
pub(super) struct Forms<'a> {
    event: &'a Event<'a>,
    text: Option<Finished>,
    json: Option<Vec<u8>>,
}

impl<'a> Forms<'a> {
    pub(super) fn of(event: &'a Event<'a>) -> Self {
        Self {
            event,
            text: None,
            json: None,
        }
    }

    /// The line in one form, line feed included.
    pub(super) fn line(&mut self, format: LineFormat) -> &[u8] {
        let event = self.event;
        match format {
            LineFormat::Text => {
                let line: &Finished = self.text.get_or_insert_with(|| Line::of(event));
                line.as_ref()
            }
            LineFormat::Json => self.json.get_or_insert_with(|| json_line(event)),
        }
    }
}

/// The line of an event in one form.
pub(super) fn line_of(event: &Event<'_>, format: LineFormat) -> Vec<u8> {
    Forms::of(event).line(format).to_vec()
}
