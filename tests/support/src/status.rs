//! A client of the status pages.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use crate::TIMEOUT;

/// The status pages at an address.
#[derive(Clone, Debug)]
pub enum StatusPages {
    /// A Unix socket.
    Unix(PathBuf),
    /// A port of 127.0.0.1.
    Tcp(u16),
}

/// An answer.
#[derive(Clone, Debug)]
pub struct StatusAnswer {
    pub code: u16,
    /// The status line and the header.
    pub head: String,
    pub body: String,
}

impl StatusPages {
    /// Those of a Unix socket.
    pub fn unix(path: impl AsRef<Path>) -> Self {
        Self::Unix(path.as_ref().to_owned())
    }

    /// The body of a page, which must be there.
    pub fn get(&self, path: &str) -> String {
        let answer = self.request("GET", path, "");
        assert_eq!(answer.code, 200, "{path}: {answer:?}");
        answer.body
    }

    /// The answer to a request with further header lines, each with its line end.
    pub fn request(&self, method: &str, path: &str, header: &str) -> StatusAnswer {
        self.try_request(method, path, header).expect("an answer")
    }

    /// The same, where nobody may listen.
    ///
    /// # Errors
    /// No connection can be made, or it breaks.
    pub fn try_request(
        &self,
        method: &str,
        path: &str,
        header: &str,
    ) -> std::io::Result<StatusAnswer> {
        // HTTP/1.0: the end of the connection is the end of the body.
        let request = format!("{method} {path} HTTP/1.0\r\nHost: localhost\r\n{header}\r\n");
        let mut answer = String::new();
        match self {
            Self::Unix(path) => {
                let mut stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(TIMEOUT))?;
                stream.write_all(request.as_bytes())?;
                stream.read_to_string(&mut answer)?;
            }
            Self::Tcp(port) => {
                let mut stream = TcpStream::connect(("127.0.0.1", *port))?;
                stream.set_read_timeout(Some(TIMEOUT))?;
                stream.write_all(request.as_bytes())?;
                stream.read_to_string(&mut answer)?;
            }
        }
        let unexpected = || std::io::Error::other(format!("no answer: {answer:?}"));
        let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(unexpected)?;
        let code = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Ok(StatusAnswer {
            code: code.ok_or_else(unexpected)?,
            head: head.to_owned(),
            body: body.to_owned(),
        })
    }

    /// The value of a series of `/metrics`, which is written as there: `name{label="value"}`. `None`: there is no such series.
    pub fn metric(&self, series: &str) -> Option<f64> {
        let metrics = self.get("/metrics");
        let mut lines = metrics.lines();
        let value = lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.map(|value| value.parse().expect("a number"))
    }
}
