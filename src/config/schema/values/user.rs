//! `user`: whom the workers run as.

use super::{Call, Refusal, Value, c_string, sentence};
use crate::config::schema::row::Arity;

/// A user and a group, by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name as written.
    pub name: Box<str>,
    /// User number.
    pub uid: u32,
    /// Group number.
    pub gid: u32,
}

/// `user [group]`; without a group the one named as the user. Ignored without privileges.
#[derive(Debug)]
pub struct Users;

impl Value for Users {
    type Plain = Option<User>;
    const SYNTAX: &'static str = "user [group]";
    const ARITY: Arity = Arity::between(1, 2);

    fn read(call: &mut Call<'_>, _: Option<Self::Plain>) -> Result<Self::Plain, Refusal> {
        if call.args.is_empty() {
            return Ok(None);
        }
        if !call.world.privileged() {
            call.warn(
                "the \"user\" directive makes sense only if the master process runs with super-user privileges, ignored",
            );
            return Ok(None);
        }
        let name = call.first();
        let group = call.args.last().map_or(name, |word| word);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let Some((uid, _)) = call.world.user(&text(name)) else {
            return Err(Refusal::Says(sentence(&[
                b"getpwnam(\"",
                c_string(name),
                b"\") failed",
            ])));
        };
        let Some(gid) = call.world.group(&text(group)) else {
            return Err(Refusal::Says(sentence(&[
                b"getgrnam(\"",
                c_string(group),
                b"\") failed",
            ])));
        };
        Ok(Some(User {
            name: text(name).into(),
            uid,
            gid,
        }))
    }
}
