//! ManageSieve (RFC 5804), which nginx does not have.

use crate::config::schema::module;
use crate::config::schema::values::{SetOf, SieveCapabilities, SieveMethods, Size};

module! {
    /// ManageSieve for client connections.
    sieve: SieveWritten -> Sieve {
        /// Sets the maximum length of a ManageSieve command, including its literals, before the login. After a longer
        /// command the client receives BYE, and the connection is closed. Scripts are not limited: they follow the
        /// login.
        sieve_client_buffer: Size = "4k", MAIL_SERVER;
        /// Sets the ManageSieve capabilities that are announced to clients before they log in. The mechanisms of
        /// `sieve_auth` (SASL) and, depending on `starttls`, STARTTLS are appended automatically. The list should name
        /// extensions that the backend supports. IMPLEMENTATION, SIEVE and VERSION, which every server must announce,
        /// are added if they are absent.
        ///
        /// If this directive is absent and `proxy_pass` is used without `auth_http`, portcullis announces the
        /// capabilities of the backend. It queries them at start, on reload and, while clients connect, about once a
        /// minute. SASL, STARTTLS, UNAUTHENTICATE, LANGUAGE, OWNER and XCLIENT are left out. The default applies until
        /// the backend has answered.
        ///
        /// Of the mechanisms of `sieve_auth`, only those are announced that the backend can take, inside TLS where
        /// `proxy_ssl` is used. If there are none, the log says what the backend offers.
        sieve_capabilities: SieveCapabilities = "IMPLEMENTATION portcullis SIEVE fileinto VERSION 1.0", MAIL_SERVER;
        /// Sets the authentication methods for ManageSieve clients: the SASL mechanisms of AUTHENTICATE that are
        /// announced and accepted. The values mean the same as in `imap_auth`.
        ///
        /// With `starttls only`, the list of mechanisms is empty until TLS is established, and AUTHENTICATE receives
        /// `NO (ENCRYPT-NEEDED)`. A client whose backend cannot be reached receives `NO (TRYLATER)`.
        ///
        /// With `auth_http`, portcullis logs the client in at the backend with PLAIN, or with LOGIN if the backend
        /// offers that alone. Without it, the backend decides; PLAIN and LOGIN stand for each other, and the challenge of
        /// CRAM-MD5 is passed to the client.
        ///
        /// A referral of the backend, `BYE (REFERRAL "sieve://...")` in the greeting or in its response to the login, is
        /// refused: a client of the gateway cannot use the address of another server. The client receives a temporary
        /// error, and the error log has the backend's response. After the login, all responses of the backend are passed
        /// to the client.
        sieve_auth: SetOf<SieveMethods> = "plain", MAIL_SERVER;
    }
}
