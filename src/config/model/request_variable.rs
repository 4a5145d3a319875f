//! The variables of a request to a server of `http {}`.

/// A variable of an HTTP request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RequestVariable {
    /// `$http_NAME`: a header. The name is in lower case, with `_` for `-`.
    Header(Box<str>),
    /// `$server_protocol`: the version of HTTP.
    Protocol,
    /// `$request`: the request line.
    Line,
    /// A text that is the same in all requests, such as `$uri`.
    Constant(Box<[u8]>),
    /// The number of a variable that `set` or a named group assigns.
    Own(usize),
    /// `$1` to `$9`: a group of the regular expression that has matched last.
    Group(usize),
}
