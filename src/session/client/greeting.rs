//! The greeting, and the wait before it that catches clients which talk too early.

use tokio::time::Instant;

use super::buffer::Heard;
use super::commands::Session;
use crate::base::{Level, Protocol};
use crate::proto::{LastReply, Note};
use crate::session::Over;

impl Session {
    /// Greets, after `smtp_greeting_delay`. From here on the time for the login runs.
    pub async fn greet(&mut self) -> Result<(), Over> {
        if self.endpoint.server.protocol == Protocol::Smtp {
            self.learn_name().await?;
        }
        let server = &self.endpoint.server;
        let delay = server.smtp.smtp_greeting_delay;
        if server.protocol == Protocol::Smtp && !delay.is_zero() {
            self.log.doing("in delay pipelining state");
            match self.client.speaks(Instant::now() + delay).await? {
                Heard::Silence => {}
                Heard::End => return Err(Over),
                Heard::More => {
                    let note = Note::Early(self.client.input.as_slice().into());
                    self.log.line(Level::Info, format_args!("{note}"));
                    self.endpoint
                        .settings
                        .last_reply(LastReply::EarlyTalker, &mut self.client.out);
                    self.client.close().await?;
                    return Err(Over);
                }
            }
        }
        self.log.doing("sending client greeting line");
        let mut stamp = || {
            self.shared
                .challenge(&self.endpoint.server.mail.server_name)
        };
        self.front.greet(&mut stamp, &mut self.client.out);
        self.restart_clock();
        self.client.flush().await?;
        self.log.doing("in auth state");
        Ok(())
    }
}
