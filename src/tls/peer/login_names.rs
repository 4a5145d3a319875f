//! The logins that a certificate proves: the names of its subject (commonName, emailAddress) and its mail addresses (rfc822Name, RFC 5280
//! section 4.2.1.6), in this order.

use x509_parser::extensions::GeneralName;

use super::certificate::Certificate;
use super::names;

/// The name that a client asks for, in the certificate's own spelling; the first name where it asks for none. Letter case does not
/// count.
#[must_use]
pub fn login(der: &[u8], asked: &[u8]) -> Option<Box<[u8]>> {
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
    all.extend(
        certificate
            .alternative_names()
            .iter()
            .filter_map(|name| match name {
                GeneralName::RFC822Name(name) => Some(name.as_bytes().to_vec()),
                _ => None,
            }),
    );
    // A name with control bytes is never a login.
    all.retain(|name| !name.is_empty() && !name.iter().any(u8::is_ascii_control));
    all
}

#[cfg(test)]
mod tests {
    use super::login;
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    const EMAIL: DnType = DnType::CustomDnType(Vec::new());

    /// Makes a certificate with a subject and a mail address.
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
    fn names_are_logins_and_nothing_else_is() {
        let own = certificate(
            &[
                (EMAIL, "b@x.test"),
                (DnType::CommonName, "Alice A"),
                (DnType::OrganizationName, "Org"),
            ],
            Some("c@x.test"),
        );
        for (asked, name) in [
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
            let found = login(&own, asked.as_bytes());
            assert_eq!(found.as_deref(), name.map(str::as_bytes), "{asked}");
        }
    }

    #[test]
    fn names_with_control_bytes_are_no_logins() {
        let own = certificate(&[(DnType::CommonName, "a\r\nb")], Some("c@x.test"));
        assert_eq!(login(&own, b"").as_deref(), Some(&b"c@x.test"[..]));
        assert_eq!(login(&own, b"a\r\nb"), None);
        let own = certificate(&[(DnType::OrganizationName, "Org")], None);
        assert_eq!(login(&own, b""), None);
        assert_eq!(login(b"no certificate", b""), None);
    }
}
