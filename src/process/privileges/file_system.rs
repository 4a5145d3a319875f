//! Landlock: the file system of a worker is the local time zone and the system's CA certificates, for reading. Everything else
//! comes from the master as bytes and descriptors.

use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

/// The accesses to files that are denied: those of this ABI. Later ones restrict connections to Unix sockets, which backends
/// and syslog need.
const KNOWN: ABI = ABI::V5;

/// What remains readable, where it exists. Folders, where an update replaces files.
const READABLE: [&str; 8] = [
    "/etc/localtime",
    "/usr/share/zoneinfo",
    "/etc/ssl/certs",
    "/etc/ssl/cert.pem",
    "/etc/ca-certificates",
    "/etc/pki",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
];

/// Denies the rest of the file system, listening on TCP ports, and signals and abstract sockets of other processes. Says what
/// holds now.
pub(super) fn restrict() -> String {
    match attempt() {
        Ok((RulesetStatus::NotEnforced, LandlockStatus::NotEnabled)) => {
            "no Landlock (disabled in the kernel)".to_owned()
        }
        Ok((RulesetStatus::NotEnforced, _)) => "no Landlock in the kernel".to_owned(),
        Ok((_, LandlockStatus::Available { effective_abi, .. })) => {
            format!("Landlock ABI {}", effective_abi as i32)
        }
        Ok(_) => "Landlock".to_owned(),
        Err(error) => format!("no Landlock ({error})"),
    }
}

fn attempt() -> Result<(RulesetStatus, LandlockStatus), RulesetError> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(KNOWN))?
        .handle_access(AccessNet::BindTcp)?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)?
        .create()?
        .add_rules(path_beneath_rules(READABLE, read))?
        .restrict_self()?;
    Ok((status.ruleset, status.landlock))
}
