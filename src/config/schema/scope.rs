//! Scopes: the values that the lines of one block set, module by module.

use super::held::Sparse;
use super::modules::{
    access, auth_http, core, events, health_match, imap, limit, log, mail, pop3, proxy, proxy_ssl,
    realip, sieve, smtp, ssl, upstream,
};
use super::row::Stores;

/// Declares a scope with a field for each module.
macro_rules! scope {
    ($(#[doc = $doc:literal])+ $scope:ident { $($field:ident: $holder:ty => $written:ty,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, Default)]
        pub struct $scope {
            $(
                #[doc = concat!("The lines of the module `", stringify!($field), "`.")]
                pub $field: $holder,
            )+
        }

        $(
            impl Stores<$written> for $scope {
                fn written(&mut self) -> &mut $written {
                    &mut self.$field
                }
            }
        )+
    };
}

scope! {
    /// The file itself and `events {}`.
    MainScope {
        core: core::CoreWritten => core::CoreWritten,
        events: events::EventsWritten => events::EventsWritten,
    }
}

scope! {
    /// `mail {}`, or one `server {}` in it.
    Scope {
        mail: mail::MailWritten => mail::MailWritten,
        ssl: Sparse<ssl::SslWritten> => ssl::SslWritten,
        realip: Sparse<realip::RealipWritten> => realip::RealipWritten,
        access: Sparse<access::AccessWritten> => access::AccessWritten,
        limit: Sparse<limit::LimitWritten> => limit::LimitWritten,
        log: Sparse<log::LogWritten> => log::LogWritten,
        auth_http: Sparse<auth_http::AuthHttpWritten> => auth_http::AuthHttpWritten,
        proxy: Sparse<proxy::ProxyWritten> => proxy::ProxyWritten,
        proxy_ssl: Sparse<proxy_ssl::ProxySslWritten> => proxy_ssl::ProxySslWritten,
        imap: Sparse<imap::ImapWritten> => imap::ImapWritten,
        pop3: Sparse<pop3::Pop3Written> => pop3::Pop3Written,
        smtp: Sparse<smtp::SmtpWritten> => smtp::SmtpWritten,
        sieve: Sparse<sieve::SieveWritten> => sieve::SieveWritten,
    }
}

scope! {
    /// One `upstream {}`.
    GroupScope {
        upstream: upstream::GroupWritten => upstream::GroupWritten,
    }
}

scope! {
    /// One `match {}`.
    MatchScope {
        health_match: health_match::MatchWritten => health_match::MatchWritten,
    }
}
