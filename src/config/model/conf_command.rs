//! `ssl_conf_command`: the commands of SSL_CONF_cmd(3) that name files, and the files they name.

use std::sync::Arc;

use super::files::TlsFile;

/// Name and value of an `ssl_conf_command`.
pub type Command = (Box<[u8]>, Box<[u8]>);

/// What the files of a command are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandFile {
    /// `Certificate`: the certificate to present, with its chain.
    Certificate,
    /// `PrivateKey`: the key of that certificate.
    PrivateKey,
    /// `ServerInfoFile`: extensions of the handshake.
    ServerInfo,
    /// `ChainCA…`: the CA certificates that complete the chain to present.
    ChainCas,
    /// `VerifyCA…`: the CAs that the peer's certificate is verified with.
    VerifyCas,
    /// `RequestCA…` and `ClientCA…`: the CAs that are named to the peer.
    NamedCas,
    /// `DHParameters`
    DhParameters,
}

/// The kind of place that a command names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file.
    File,
    /// A folder of files.
    Folder,
    /// A URI for OSSL_STORE_open(3). A relative path in it is not resolved.
    Store,
}

const COMMANDS: [(&str, CommandFile, Place); 16] = {
    use CommandFile as What;
    [
        ("Certificate", What::Certificate, Place::File),
        ("PrivateKey", What::PrivateKey, Place::File),
        ("ServerInfoFile", What::ServerInfo, Place::File),
        ("ChainCAFile", What::ChainCas, Place::File),
        ("ChainCAPath", What::ChainCas, Place::Folder),
        ("ChainCAStore", What::ChainCas, Place::Store),
        ("VerifyCAFile", What::VerifyCas, Place::File),
        ("VerifyCAPath", What::VerifyCas, Place::Folder),
        ("VerifyCAStore", What::VerifyCas, Place::Store),
        ("RequestCAFile", What::NamedCas, Place::File),
        ("RequestCAPath", What::NamedCas, Place::Folder),
        ("RequestCAStore", What::NamedCas, Place::Store),
        ("ClientCAFile", What::NamedCas, Place::File),
        ("ClientCAPath", What::NamedCas, Place::Folder),
        ("ClientCAStore", What::NamedCas, Place::Store),
        ("DHParameters", What::DhParameters, Place::File),
    ]
};

impl CommandFile {
    /// The files that a command names, and the kind of their place. `None` for a command without files. Names have no case.
    pub fn of(name: &[u8]) -> Option<(Self, Place)> {
        let mut commands = COMMANDS.iter();
        let known = commands.find(|(known, ..)| known.as_bytes().eq_ignore_ascii_case(name));
        known.map(|(_, what, place)| (*what, *place))
    }
}

/// A certificate or a key that replaces those of the directives.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OwnFile {
    /// `Certificate`
    Certificate(TlsFile),
    /// `PrivateKey`
    PrivateKey(TlsFile),
}

/// The files that the commands of one server name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CommandFiles {
    /// Certificates and keys, in the order written.
    pub own: Vec<OwnFile>,
    /// The CA certificates that complete the chain to present.
    pub chain_cas: Option<TlsFile>,
    /// The CAs that the peer's certificate is verified with, in place of those of the directives.
    pub verify_cas: Option<TlsFile>,
    /// The CAs that are named to the peer where the directives name none.
    pub named_cas: Option<TlsFile>,
}

impl CommandFiles {
    /// Adds a file of a command.
    pub fn add(&mut self, what: CommandFile, file: TlsFile) {
        let joined = match what {
            CommandFile::Certificate => return self.own.push(OwnFile::Certificate(file)),
            CommandFile::PrivateKey => return self.own.push(OwnFile::PrivateKey(file)),
            CommandFile::ChainCas => &mut self.chain_cas,
            CommandFile::VerifyCas => &mut self.verify_cas,
            CommandFile::NamedCas => &mut self.named_cas,
            CommandFile::ServerInfo | CommandFile::DhParameters => return,
        };
        match joined {
            None => *joined = Some(file),
            Some(before) => {
                let bytes = [&before.bytes[..], b"\n", &file.bytes].concat();
                before.bytes = Arc::from(bytes);
            }
        }
    }
}
