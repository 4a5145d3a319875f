//! The variables that the texts of a server name: what a session has to keep for them.

use super::server::Server;
use crate::config::model::{
    LogFormat, ProxyProtocol, SentTlv, Stage, Template, Variable, stage_of,
};

impl Server {
    /// The extensions of PROXY headers that its backends get.
    pub fn sent_tlvs(&self) -> &[SentTlv] {
        match self.proxy.proxy_protocol {
            ProxyProtocol::V2 => &self.proxy.proxy_protocol_tlv,
            ProxyProtocol::Off | ProxyProtocol::V1 => &[],
        }
    }

    /// Whether the backend of a session, or what it is told in the PROXY header, depends on variables.
    pub fn backend_varies(&self) -> bool {
        let has_variables = |tlv: &SentTlv| tlv.value.literal().is_none();
        self.authenticator.depends_on_session() || self.sent_tlvs().iter().any(has_variables)
    }

    /// Whether another login of a session needs another connection: it may have another backend or another PROXY header.
    pub fn backend_varies_by_login(&self) -> bool {
        let is_of_login = |variable: &Variable| stage_of(variable) == Stage::Login;
        let names_login = |tlv: &SentTlv| tlv.value.names(&is_of_login);
        self.authenticator.depends_on_session() || self.sent_tlvs().iter().any(names_login)
    }

    /// Whether a value depends on headers of the auth server's answer.
    pub fn uses_auth_headers(&self) -> bool {
        self.names(&|variable| matches!(variable, Variable::AuthHttp(_)))
    }

    /// Whether a value depends on the extensions of the client's PROXY header.
    pub fn uses_tlvs(&self) -> bool {
        self.names(&|variable| matches!(variable, Variable::ProxyProtocolTlv(_)))
    }

    /// Whether a log, a limit, the backend or a PROXY header depends on a built-in variable for which `is_it` holds.
    fn names(&self, is_it: &dyn Fn(&Variable) -> bool) -> bool {
        let logs = self.mail_log.iter().flat_map(|log| {
            let format: Option<&Template> = match &*log.format {
                LogFormat::Custom { template, .. } => Some(template),
                LogFormat::KeyValue | LogFormat::Json => None,
            };
            format.into_iter().chain(&log.condition)
        });
        let sent = self.sent_tlvs().iter().map(|tlv| &tlv.value);
        let limits = self.limits.iter();
        let mut zones = limits.flat_map(|limits| limits.zones());
        let proxy_pass = self.authenticator.proxy_pass();
        logs.chain(sent).any(|template| template.names(is_it))
            || zones.any(|zone| zone.key.names(is_it))
            || proxy_pass.is_some_and(|proxy_pass| proxy_pass.names(is_it))
    }
}
