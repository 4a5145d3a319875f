//! The directives of the file itself: ngx_core_module and the few of its companions.

use super::MainScope;
use crate::config::directive::module;
use crate::config::value::affinity::Affinity;
use crate::config::value::choice::{Choice, Choices};
use crate::config::value::flag::Flag;
use crate::config::value::log::Logs;
use crate::config::value::number::{Number, Priority, Processes};
use crate::config::value::path::PrefixPath;
use crate::config::value::size::Offset;
use crate::config::value::text::{Text, Words1};
use crate::config::value::thread_pool::ThreadPools;
use crate::config::value::time::Msec;
use crate::config::value::user::Users;

/// `debug_points`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DebugPoints {
    /// Stop the process.
    Stop,
    /// Abort it.
    Abort,
}

impl Choices for DebugPoints {
    const SYNTAX: &'static str = "abort | stop";
    const WORDS: &'static [(&'static str, Self)] = &[("stop", Self::Stop), ("abort", Self::Abort)];
}

module! {
    /// The process as a whole.
    core in MainScope: CoreWritten -> Core {
        /// Whether the process goes into the background once its sockets are bound. `off` suits supervisors such as
        /// systemd, and containers.
        daemon: Flag = "on", MAIN;
        /// Whether a master process watches over workers. Accepted, without effect: the gateway is one process.
        master_process: Flag = "on", MAIN;
        /// How often the clock is read. Accepted, without effect: the gateway reads the clock whenever it needs it.
        timer_resolution: Msec, MAIN;
        /// The file that holds the number of the main process, which `-s` reads. Without it a built-in name holds, which
        /// `-V` shows.
        pid: PrefixPath = "", MAIN;
        /// A lock file for systems without atomic operations. Accepted, without effect.
        lock_file: PrefixPath = "", MAIN;
        /// How many threads serve connections, in the one process there is. `auto` is one per processor.
        ///
        /// The limit of `worker_connections` is per thread, as it is per worker in nginx.
        worker_processes: Processes = "1", MAIN;
        /// What an internal inconsistency of nginx leads to. Accepted, without effect.
        debug_points: Choice<DebugPoints>, MAIN;
        /// Whom the process that meets the network runs as: a user, and a group or the one that has the user's name. It
        /// only makes sense for a process that is started as root: for others there is a warning, and the line is
        /// ignored.
        user: Users = "", MAIN, pending;
        /// The scheduling priority of workers, as nice(1) has it: from -20, the most favourable, to 20.
        worker_priority: Priority = "0", MAIN, pending;
        /// Which processors workers may run on: a mask of `0` and `1` for each worker, the first processor on the right.
        /// `auto` spreads them over all processors, or over those of a mask.
        worker_cpu_affinity: Affinity, MAIN, pending;
        /// The limit of open files of the process. Without it the soft limit is raised to the hard one. A session holds
        /// up to three descriptors.
        worker_rlimit_nofile: Number, MAIN;
        /// The limit of the size of a core file.
        worker_rlimit_core: Offset, MAIN, pending;
        /// How long a graceful stop (`-s quit`) waits for sessions before it cuts them off. Without it the wait is as
        /// long as they last. Since nginx 1.11.11.
        worker_shutdown_timeout: Msec, MAIN;
        /// The working directory of workers, where core files go.
        working_directory: Text, MAIN, pending;
        /// An environment variable that workers keep (`env TZ;`) or get (`env TZ=UTC;`). Accepted, without effect: the
        /// gateway keeps them all.
        env: Words1 = "", MAIN;
        /// A dynamic module. Accepted, without effect: the gateway has its modules built in. It must stand before the
        /// first block.
        load_module: Words1 = "", MAIN;
        /// Whether regular expressions are compiled. Accepted, without effect: there are none in mail.
        pcre_jit: Flag = "off", MAIN;
        /// A pool of threads for reading files: a name, `threads=number`, and `max_queue=number` if wanted. Accepted,
        /// without effect in mail.
        thread_pool: ThreadPools = "", MAIN;
        /// An OpenSSL engine. The gateway's TLS has none.
        ssl_engine: Text, MAIN, pending;
        /// Whether certificates and keys that did not change are taken over on reload. Accepted, without effect. Since
        /// nginx 1.27.4.
        ssl_object_cache_inheritable: Flag = "on", MAIN;
        /// Where the log goes and from which level on. Servers without an `error_log` of their own, or in `mail {}`,
        /// write here too. Without any line the log is the one of `-e`, at level `error`.
        error_log: Logs = "", MAIN;
    }
}
