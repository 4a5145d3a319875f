//! `user`: the account of the workers.

use crate::config::model::User;
use crate::config::schema::{Arguments, Arity, Parsed, ValueError, ValueKind};
use crate::config::syntax::{c_string, message};

/// `user [group]`; without a group the one named as the user. Ignored without privileges.
#[derive(Debug)]
pub struct Users;

impl ValueKind for Users {
    type Value = Option<User>;
    const SYNTAX: &'static str = "user [group]";
    const ARITY: Arity = Arity::between(1, 2);

    fn read(args: &mut Arguments<'_>, _: Option<Self::Value>) -> Parsed<Self::Value> {
        if !args.names.privileged() {
            args.warn(
                "the \"user\" directive makes sense only if the master process runs with super-user privileges, ignored",
            );
            return Ok(None);
        }
        let name = args.first();
        let group = args.rest().first().map_or(name, |word| word);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let failed =
            |call, word| ValueError::says(message!(call, "(\"", c_string(word), "\") failed"));
        let user = args.names.user(&text(name));
        let (uid, _) = user.ok_or_else(|| failed("getpwnam", name))?;
        let gid = args.names.group(&text(group));
        let gid = gid.ok_or_else(|| failed("getgrnam", group))?;
        Ok(Some(User {
            name: text(name).into(),
            uid,
            gid,
        }))
    }
}
