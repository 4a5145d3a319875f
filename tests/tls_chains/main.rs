//! Random chains of certificates, verified by portcullis, by `openssl verify` and by webpki.
//!
//! By default a sample is verified, with `script/test --all` a larger one. In the environment, `PORTCULLIS_CHAINS=5000` sets the number
//! of chains and `PORTCULLIS_CHAIN_SEED=7` begins with other infrastructures; `--nocapture` shows the figures:
//!
//!     PORTCULLIS_CHAINS=5000 PORTCULLIS_CHAIN_SEED=7 cargo test --test tls_chains -- --nocapture
//!
//! `PORTCULLIS_CHAIN_FILES=folder` keeps what `openssl verify` read, one folder per infrastructure, with each chain as an input for the
//! fuzzer.

mod der;
mod differences;
mod generator;
mod issue;
mod keys;
mod openssl;
mod provider;
mod second_opinion;

use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis::tls::peer::{ChainVerifier, Fault, Purpose, RevocationLists};
use rustls::crypto::{WebPkiSupportedAlgorithms, aws_lc_rs};
use rustls::pki_types::{CertificateDer, UnixTime};

use differences::{Tally, between};
use generator::{Case, Keys, generate};
use support::{TempDir, all_cases};

/// The number of chains that are verified by default, and with `script/test --all`.
const SAMPLE: u64 = 400;
const ALL: u64 = 5000;

fn setting(name: &str, otherwise: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(otherwise, |text| text.parse().expect("a number"))
}

/// Infrastructures with as many targets as chains are wanted.
fn cases(keys: &Keys) -> impl Iterator<Item = Case> {
    let first = setting("PORTCULLIS_CHAIN_SEED", 1) << 32;
    let usual = if all_cases() { ALL } else { SAMPLE };
    let mut left = setting("PORTCULLIS_CHAINS", usual) as usize;
    (first..).map_while(move |seed| {
        let case = (left > 0).then(|| generate(seed, keys))?;
        left = left.saturating_sub(case.targets.len());
        Some(case)
    })
}

impl Case {
    fn sent(&self) -> Vec<CertificateDer<'_>> {
        let sent = self.sent.iter();
        sent.map(|der| CertificateDer::from(&der[..])).collect()
    }

    /// Writes each target with the rest in the form that `fuzz/src/chain.rs` reads.
    fn keep(&self, folder: &Path) {
        std::fs::create_dir_all(folder).expect("a folder");
        let crls = self.crls.clone().unwrap_or_default();
        let kinds = [(1, &self.sent), (2, &self.trusted), (3, &crls)];
        let settings = u8::from(self.for_servers) | u8::from(self.crls.is_some()) << 1;
        for (at, target) in self.targets.iter().enumerate() {
            let mut input = vec![settings, self.depth as u8];
            let rest = kinds
                .iter()
                .flat_map(|(kind, all)| all.iter().map(|der| (*kind, der)));
            for (kind, der) in std::iter::once((0, target)).chain(rest) {
                input.extend([kind, (der.len() >> 8) as u8, der.len() as u8]);
                input.extend_from_slice(der);
            }
            std::fs::write(folder.join(format!("{at}.fuzz")), input).expect("an input");
        }
    }

    fn verifier(&self) -> ChainVerifier {
        let lists = self.crls.iter().flatten();
        let lists = RevocationLists::new(lists.cloned().map(Into::into));
        let lists = lists.expect("revocation lists");
        self.verifier_of(
            &self.trusted,
            self.crls.is_some().then_some(lists),
            self.depth,
        )
    }

    fn verifier_of(
        &self,
        trusted: &[Vec<u8>],
        crls: Option<RevocationLists>,
        depth: usize,
    ) -> ChainVerifier {
        let purpose = match self.for_servers {
            true => Purpose::Server,
            false => Purpose::Client,
        };
        let trusted = trusted.iter().cloned().map(CertificateDer::from);
        ChainVerifier::new(trusted, crls, depth, purpose)
    }
}

fn algorithms() -> WebPkiSupportedAlgorithms {
    aws_lc_rs::default_provider().signature_verification_algorithms
}

fn now() -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(openssl::NOW))
}

/// Number, depth and text of each error, as `openssl verify` prints them.
type Errors = Vec<(u8, usize, String)>;

fn printed(faults: &[Fault]) -> Errors {
    let print = |fault: &Fault| (fault.reason.number(), fault.depth, fault.reason.to_string());
    faults.iter().map(print).collect()
}

/// The verdicts are the same, and so are the errors as far as OpenSSL's tool goes: it stops at the first error of most kinds.
#[test]
fn openssl_agrees() {
    let (keys, scratch) = (Keys::new(), TempDir::new("chains"));
    let kept = std::env::var_os("PORTCULLIS_CHAIN_FILES").map(PathBuf::from);
    let mut tally = Tally::default();
    for case in cases(&keys) {
        let (verifier, sent) = (case.verifier(), case.sent());
        let folder = kept
            .as_ref()
            .map(|folder| folder.join(case.seed.to_string()));
        if let Some(folder) = &folder {
            case.keep(folder);
        }
        let answers = openssl::verify(&case, folder.as_deref().unwrap_or(scratch.path()));
        for (at, (target, theirs)) in case.targets.iter().zip(answers).enumerate() {
            let ours = printed(&verifier.faults(target, &sent, &algorithms(), now()));
            let difference = between(&case, &theirs, &ours);
            tally.add(theirs.is_accepted, ours.is_empty(), difference, || {
                format!(
                    "seed {} target {at}:\nOpenSSL {theirs:?}\nours    {ours:?}",
                    case.seed
                )
            });
        }
    }
    tally.finish("OpenSSL");
}

/// What webpki accepts is refused for a reason that OpenSSL has and webpki has not.
#[test]
fn webpki_accepts_nothing_more() {
    let keys = Keys::new();
    let mut tally = Tally::default();
    for case in cases(&keys) {
        // Revocation is compared with OpenSSL alone.
        let verifier = case.verifier_of(&case.trusted, None, case.depth);
        let sent = case.sent();
        for (at, target) in case.targets.iter().enumerate() {
            let ours = verifier.faults(target, &sent, &algorithms(), now());
            let path = second_opinion::path(&case, target);
            let difference = match &path {
                Some(path) if !ours.is_empty() => second_opinion::why(&case, target, path),
                _ => Ok(None),
            };
            tally.add(path.is_some(), ours.is_empty(), difference, || {
                format!("seed {} target {at}:\nours    {ours:?}", case.seed)
            });
        }
    }
    tally.finish("webpki");
}

/// Every signature of an accepted chain was checked by the TLS provider, and a provider that finds all signatures wrong lets no chain pass
/// but a trusted certificate itself.
#[test]
fn the_provider_checks_every_signature() {
    let keys = Keys::new();
    let (recording, refusing) = (provider::recording(), provider::refusing());
    let mut accepted = 0;
    for case in cases(&keys) {
        let (verifier, sent) = (case.verifier(), case.sent());
        for (at, target) in case.targets.iter().enumerate() {
            let (seed, is_trusted) = (case.seed, case.trusted.contains(target));
            let faults = verifier.faults(target, &sent, &refusing, now());
            let is_refused = !faults.is_empty() || (is_trusted && case.crls.is_none());
            assert!(
                is_refused,
                "seed {seed} target {at}: accepted without a signature"
            );
            provider::forget();
            if verifier.verify(target, &sent, &recording, now()).is_ok() {
                accepted += 1;
                assert!(
                    provider::has_proved(&case, target),
                    "seed {seed} target {at}"
                );
            }
        }
    }
    println!("{accepted} accepted chains, every signature checked by the provider");
    assert!(accepted > 0);
}
