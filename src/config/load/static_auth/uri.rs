//! The path of a request as nginx matches it with locations (`ngx_http_parse_complex_uri`).

/// The path without escapes, `.`, `..` and repeated slashes, and the arguments after `?` as written. `None` for a URI to which nginx
/// answers 400.
pub fn normal(uri: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let is_odd = |byte: &u8| *byte <= b' ' || *byte == 0x7f || *byte == b'#';
    if uri.first() != Some(&b'/') || uri.iter().any(is_odd) {
        return None;
    }
    let (path, args) = match uri.iter().position(|byte| *byte == b'?') {
        Some(at) => (&uri[..at], &uri[at + 1..]),
        None => (uri, &b""[..]),
    };
    let path = unescaped(path)?;
    let mut segments: Vec<&[u8]> = Vec::new();
    let mut is_folder = false;
    for segment in path.split(|byte| *byte == b'/') {
        is_folder = matches!(segment, b"" | b"." | b"..");
        match segment {
            b"" | b"." => {}
            b".." => drop(segments.pop()?),
            name => segments.push(name),
        }
    }
    let mut normal = Vec::with_capacity(path.len());
    for segment in &segments {
        normal.push(b'/');
        normal.extend_from_slice(segment);
    }
    if is_folder {
        normal.push(b'/');
    }
    Some((normal, args))
}

/// The value of an argument, as `$arg_NAME` has it.
pub fn argument<'a>(args: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut pairs = args.split(|byte| *byte == b'&');
    pairs.find_map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        pair[..at]
            .eq_ignore_ascii_case(name)
            .then_some(&pair[at + 1..])
    })
}

fn unescaped(path: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    let mut bytes = path.iter();
    let mut out = Vec::with_capacity(path.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let value = digit(bytes.next())? * 16 + digit(bytes.next())?;
                u8::try_from(value).ok().filter(|value| *value > 0)?
            }
            other => *other,
        });
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::{argument, normal};

    #[test]
    fn paths() {
        let cases: [(&[u8], Option<&[u8]>); 10] = [
            (b"/auth", Some(b"/auth")),
            (b"/a//b/", Some(b"/a/b/")),
            (b"/a/../b/.", Some(b"/b/")),
            (b"/%61%2f%2e%2e/x", Some(b"/x")),
            (b"/a%3fb?c=d", Some(b"/a?b")),
            (b"/", Some(b"/")),
            (b"/../a", None),
            (b"/%0", None),
            (b"/%00", None),
            (b"?a", None),
        ];
        for (uri, path) in cases {
            let found = normal(uri).map(|(path, _)| path);
            assert_eq!(found.as_deref(), path, "{}", uri.escape_ascii());
        }
    }

    #[test]
    fn arguments() {
        let (_, args) = normal(b"/?a=1&B=2&c").expect("a path");
        assert_eq!(argument(args, b"a"), Some(&b"1"[..]));
        assert_eq!(argument(args, b"b"), Some(&b"2"[..]));
        assert_eq!(argument(args, b"c"), None);
    }
}
