//! The arguments of the relay that is the lower limit.

use super::{Kind, Plan};
use crate::floor::RUN;
use crate::server::Server;

/// The arguments for a start.
#[must_use]
pub fn arguments(plan: &Plan) -> Vec<String> {
    let mut arguments = vec![RUN.to_owned(), plan.sinks.auth.to_string()];
    let served = |server: &Server| Kind::Floor.serves(*server);
    for server in Server::ALL.into_iter().filter(served) {
        let (listen, backend) = (
            plan.addresses.of(server),
            plan.sinks.backend(server.protocol()),
        );
        arguments.push(format!("{}={listen}={backend}", server.name()));
    }
    arguments
}
