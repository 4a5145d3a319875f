//! Random conversations, played with nginx and with portcullis, and compared.
//!
//! A seed makes a conversation: a server's configuration, a client that says right and wrong things, an auth server and a
//! backend ([`conversation`]). Both gateways get the same one ([`stage`], [`perform`]). Where what the three peers read differs,
//! and no known departure explains it ([`rules`]), it is played once more alone, then made as short as it can be ([`shrink`]).

pub mod answers;
pub mod conversation;
pub mod dice;
mod imap;
mod packets;
pub mod parting;
pub mod perform;
mod pop3;
pub mod rules;
mod sasl;
mod scene;
mod servers;
pub mod shrink;
mod smtp;
pub mod stage;
pub mod tournament;
pub mod transcript;
mod usual;
mod wire;

use conversation::{Conversation, Protocol};
use dice::Dice;

/// The conversation of this number from this seed.
pub fn conversation(protocol: Protocol, seed: u64, number: u64) -> Conversation {
    let mut dice = Dice::new(seed, number);
    match protocol {
        Protocol::Smtp => smtp::conversation(&mut dice),
        Protocol::Imap => imap::conversation(&mut dice),
        Protocol::Pop3 => pop3::conversation(&mut dice),
    }
}
