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
        /// Whether the process goes into the background.
        daemon: Flag = "on", MAIN;
        /// Whether a master process watches over a worker. `off` runs everything in one process.
        master_process: Flag = "on", MAIN;
        /// How often the clock is read. The gateway reads it whenever it needs it.
        timer_resolution: Msec, MAIN;
        /// The file that holds the number of the main process. Relative names start at the prefix.
        pid: PrefixPath = "", MAIN;
        /// A lock file for systems without atomic operations; not used.
        lock_file: PrefixPath = "", MAIN;
        /// How many threads serve connections; `auto` is one per processor.
        worker_processes: Processes = "1", MAIN;
        /// What an internal inconsistency leads to.
        debug_points: Choice<DebugPoints>, MAIN;
        /// Whom the process that meets the network runs as.
        user: Users = "", MAIN, pending;
        /// The scheduling priority of workers, from -20 to 20.
        worker_priority: Priority = "0", MAIN, pending;
        /// Which processors workers may run on.
        worker_cpu_affinity: Affinity, MAIN, pending;
        /// The limit of open files, for the process.
        worker_rlimit_nofile: Number, MAIN;
        /// The limit of the size of a core file, in bytes.
        worker_rlimit_core: Offset, MAIN, pending;
        /// How long a graceful stop waits for sessions; without it as long as they last.
        worker_shutdown_timeout: Msec, MAIN;
        /// The working directory of workers.
        working_directory: Text, MAIN, pending;
        /// An environment variable that workers keep, or get. The gateway keeps them all.
        env: Words1 = "", MAIN;
        /// A dynamic module. Accepted and ignored: the gateway has its modules built in.
        load_module: Words1 = "", MAIN;
        /// Whether regular expressions are compiled; there are none in mail.
        pcre_jit: Flag = "off", MAIN;
        /// A pool of threads for file reading; not used in mail.
        thread_pool: ThreadPools = "", MAIN;
        /// An OpenSSL engine; rustls has none.
        ssl_engine: Text, MAIN, pending;
        /// Whether certificates and keys that did not change are taken over on reload.
        ssl_object_cache_inheritable: Flag = "on", MAIN;
        /// Where errors are logged and from which level on; lines add up. Relative names start at the prefix.
        error_log: Logs = "", MAIN;
    }
}
