//! Whose logins a certificate proves: the names of its subject (commonName, emailAddress) and its mail addresses (rfc822Name, RFC 5280,
//! 4.2.1.6), in this order.

use x509_parser::extensions::GeneralName;

use super::certificate::Certificate;
use super::names;

/// The login that `asked` means: one of the names, in the certificate's own spelling; the first of them where nothing is asked for.
pub(super) fn find(der: &[u8], asked: &[u8]) -> Option<Box<[u8]>> {
    let mut names = all(&Certificate::read(der)?).into_iter();
    let found = match asked {
        b"" => names.next(),
        asked => names.find(|name| name.eq_ignore_ascii_case(asked)),
    };
    found.map(Vec::into_boxed_slice)
}

fn all(certificate: &Certificate<'_>) -> Vec<Vec<u8>> {
    let subject = certificate.subject();
    let own = subject.iter_common_name().chain(subject.iter_email());
    let mut all: Vec<_> = own.filter_map(names::text).collect();
    if let Ok(Some(alternatives)) = certificate.body().subject_alternative_name() {
        let names = alternatives.value.general_names.iter();
        all.extend(names.filter_map(|name| match name {
            GeneralName::RFC822Name(name) => Some(name.as_bytes().to_vec()),
            _ => None,
        }));
    }
    // As everywhere: what has control bytes is no login.
    all.retain(|name| !name.is_empty() && !name.iter().any(u8::is_ascii_control));
    all
}

#[cfg(test)]
mod tests {
    use super::find;
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    const EMAIL: DnType = DnType::CustomDnType(Vec::new());

    /// A certificate of a subject, and of a mail address besides.
    fn certificate(subject: &[(DnType, &str)], mail: Option<&str>) -> Vec<u8> {
        let mut params = CertificateParams::new(["host.test".to_owned()]).expect("a host");
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, text) in subject {
            let kind = match *kind == EMAIL {
                true => DnType::CustomDnType(vec![1, 2, 840, 113_549, 1, 9, 1]),
                false => kind.clone(),
            };
            params.distinguished_name.push(kind, *text);
        }
        let mail = mail.map(|mail| SanType::Rfc822Name(mail.try_into().expect("an address")));
        params.subject_alt_names.extend(mail);
        let key = KeyPair::generate().expect("a key");
        params
            .self_signed(&key)
            .expect("a certificate")
            .der()
            .to_vec()
    }

    #[test]
    fn each_name_is_a_login_and_nothing_else_is() {
        let own = certificate(
            &[
                (EMAIL, "b@x.test"),
                (DnType::CommonName, "Alice A"),
                (DnType::OrganizationName, "Org"),
            ],
            Some("c@x.test"),
        );
        for (asked, login) in [
            ("", Some("Alice A")),
            ("alice a", Some("Alice A")),
            ("B@X.TEST", Some("b@x.test")),
            ("c@x.test", Some("c@x.test")),
            ("Org", None),
            ("host.test", None),
            ("Alice", None),
            ("CN=Alice A", None),
            ("a@x.test", None),
            ("*", None),
        ] {
            let found = find(&own, asked.as_bytes());
            assert_eq!(found.as_deref(), login.map(str::as_bytes), "{asked}");
        }
    }

    #[test]
    fn names_that_are_no_logins() {
        let own = certificate(&[(DnType::CommonName, "a\r\nb")], Some("c@x.test"));
        assert_eq!(find(&own, b"").as_deref(), Some(&b"c@x.test"[..]));
        assert_eq!(find(&own, b"a\r\nb"), None);
        let own = certificate(&[(DnType::OrganizationName, "Org")], None);
        assert_eq!(find(&own, b""), None);
        assert_eq!(find(b"no certificate", b""), None);
    }
}
