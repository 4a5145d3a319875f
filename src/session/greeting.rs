//! The greeting, and the wait before it that catches clients which talk too early.

use tokio::time::Instant;

use super::Over;
use super::client::Heard;
use super::commands::Session;
use crate::config::{Level, Protocol};

impl Session {
    /// Greets, after `smtp_greeting_delay`. From here on the time for the login runs.
    pub async fn greet(&mut self) -> Result<(), Over> {
        if self.place.server.protocol == Protocol::Smtp {
            self.learn_name().await?;
        }
        let server = &self.place.server;
        let delay = server.smtp.smtp_greeting_delay;
        if server.protocol == Protocol::Smtp && !delay.is_zero() {
            self.journal.doing("in delay pipelining state");
            match self.client.speaks(Instant::now() + delay).await? {
                Heard::Silence => {}
                Heard::End => return Err(Over),
                Heard::More => {
                    let front = &mut self.front;
                    let turn = self
                        .client
                        .parse(|input, out| front.early(input.rest(), out));
                    if let Some(note) = turn.note {
                        self.journal.line(Level::Info, format_args!("{note}"));
                    }
                    self.client.close().await?;
                    return Err(Over);
                }
            }
        }
        self.journal.doing("sending client greeting line");
        let mut stamp = || self.shared.challenge(&self.place.server.mail.server_name);
        self.front.greet(&mut stamp, &mut self.client.out);
        self.restart_clock();
        self.client.flush().await?;
        self.journal.doing("in auth state");
        Ok(())
    }
}
