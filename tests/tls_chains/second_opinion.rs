//! webpki's opinion about the same chains, and why portcullis refuses some that it accepts.

use portcullis::tls::peer::{Fault, Reason};
use rustls::pki_types::{CertificateDer, TrustAnchor};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_parser::parse_x509_certificate;

use crate::differences::Difference;
use crate::generator::Case;
use crate::{algorithms, now, printed};

/// A path that webpki accepts.
pub struct Path {
    intermediates: Vec<Vec<u8>>,
    anchor: Vec<u8>,
}

impl Path {
    /// Whether two of its CAs have the same name.
    fn has_namesakes(&self) -> bool {
        let subject = |der: &Vec<u8>| {
            let (_, one) = parse_x509_certificate(der).expect("a certificate");
            one.subject.as_raw().to_vec()
        };
        let mut subjects: Vec<_> = self
            .intermediates
            .iter()
            .chain([&self.anchor])
            .map(subject)
            .collect();
        subjects.sort_unstable();
        subjects.windows(2).any(|two| two[0] == two[1])
    }
}

/// The path for a certificate, if webpki accepts it.
pub fn path(case: &Case, target: &[u8]) -> Option<Path> {
    let target = CertificateDer::from(target);
    let trusted = case
        .trusted
        .iter()
        .map(|der| CertificateDer::from(&der[..]));
    let trusted: Vec<_> = trusted.collect();
    let anchors = trusted
        .iter()
        .filter_map(|der| Some((der, anchor_from_trusted_cert(der).ok()?)));
    let (sources, anchors): (Vec<_>, Vec<TrustAnchor<'_>>) = anchors.unzip();
    let usage = match case.for_servers {
        true => KeyUsage::server_auth(),
        false => KeyUsage::client_auth(),
    };
    let (all, sent) = (algorithms().all, case.sent());
    let own = EndEntityCert::try_from(&target).ok()?;
    let path = own
        .verify_for_usage(all, &anchors, &sent, now(), usage, None, None)
        .ok()?;
    let anchor = anchors.iter().position(|anchor| anchor == path.anchor())?;
    let intermediates = path.intermediate_certificates();
    Some(Path {
        intermediates: intermediates.map(|one| one.der().to_vec()).collect(),
        anchor: sources[anchor].to_vec(),
    })
}

const FIRST_ISSUER: &str =
    "OpenSSL takes the first issuer with the right name and key identifier; webpki tries all";

/// Why portcullis refuses a certificate that has this path.
pub fn why(case: &Case, target: &[u8], path: &Path) -> Difference {
    // OpenSSL has its own way of choosing among several issuers, so webpki's path is looked at alone.
    let sent = path
        .intermediates
        .iter()
        .map(|der| CertificateDer::from(&der[..]));
    let sent: Vec<_> = sent.collect();
    let verifier = case.verifier_of(std::slice::from_ref(&path.anchor), None, case.depth);
    let faults = verifier.faults(target, &sent, &algorithms(), now());
    let unnamed = || Err(format!("webpki's path alone: {:?}", printed(&faults)));
    let Some(last) = faults.last() else {
        return Ok(Some(FIRST_ISSUER));
    };
    let is_wrong = |fault: &Fault| fault.reason == Reason::BadSignature;
    if path.has_namesakes() && faults.iter().any(is_wrong) {
        return Ok(Some(FIRST_ISSUER));
    }
    let names: Option<Vec<_>> = faults.iter().map(|fault| name(path, fault)).collect();
    match names {
        Some(_) => name(path, last).map_or_else(unnamed, |name| Ok(Some(name))),
        None => unnamed(),
    }
}

/// What webpki does not look at; `None` for what it does.
fn name(path: &Path, fault: &Fault) -> Option<&'static str> {
    let is_anchor = fault.depth > path.intermediates.len();
    Some(match fault.reason {
        Reason::NoIssuer
        | Reason::NoLocalIssuer
        | Reason::SelfSigned
        | Reason::SelfSignedInChain
        | Reason::Unverified => {
            "OpenSSL wants a self-signed root, and looks at key identifiers on the way; webpki takes any trusted certificate"
        }
        Reason::ChainTooLong => "webpki knows no ssl_verify_depth",
        _ if is_anchor => "webpki looks at the name, key and name constraints of an anchor alone",
        Reason::NotCa | Reason::NoCertSign | Reason::Purpose => {
            "webpki ignores key usages and Netscape's types"
        }
        Reason::ProxyCertificate => "webpki knows no proxy certificates",
        Reason::WeakKey | Reason::ExplicitCurve if fault.depth == 0 => {
            "webpki does not look at the peer's own key"
        }
        Reason::NotPermitted | Reason::Excluded | Reason::NameSyntax => {
            "webpki does not compare common names and mail addresses with name constraints"
        }
        _ => return None,
    })
}
