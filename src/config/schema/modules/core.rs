//! The directives of the main context: ngx_core_module and related modules.

use crate::config::model::DebugPoints;
use crate::config::schema::module;
use crate::config::schema::values::{
    Affinities, Choice, Choices, Engine, Flag, Logs, Msec, Number, Offset, PrefixPath, Priority,
    Processes, StatusListens, Text, ThreadPools, Users, WordPerLine,
};

impl Choices for DebugPoints {
    const SYNTAX: &'static str = "abort | stop";
    const WORDS: &'static [(&'static str, Self)] = &[("stop", Self::Stop), ("abort", Self::Abort)];
}

module! {
    /// Directives of the main context: the process, its logs and its limits.
    core: CoreWritten -> Core {
        /// Determines whether portcullis becomes a daemon. With `on`, it detaches from the terminal after it has
        /// bound its listening sockets; earlier errors appear on standard error. `off` keeps it in the foreground,
        /// which supervisors such as systemd and containers expect.
        daemon: Flag = "on", MAIN;
        /// Determines whether a master process starts a worker process. The master keeps its privileges, the worker
        /// drops them and serves clients. With `off` one process does both and keeps its privileges. A changed value
        /// takes effect at the next start, not on reload.
        master_process: Flag = "on", MAIN;
        /// Reduces the timer resolution of worker processes. portcullis accepts this directive and ignores it: it reads
        /// the clock without a system call.
        timer_resolution: Msec, MAIN;
        /// Defines the file that stores the process ID of the master process. `-s` reads it to find the process. The
        /// file is written once clients are served, and removed when the process exits. A new file name takes effect
        /// on reload.
        ///
        /// Without this directive, the file is `/run/nginx.pid`, or `logs/nginx.pid` under the prefix if `-p` is
        /// given.
        pid: PrefixPath = none, MAIN;
        /// Sets the prefix of lock file names for systems without atomic operations. portcullis accepts this
        /// directive and ignores it.
        lock_file: PrefixPath = none, MAIN;
        /// Defines the number of threads that serve connections. The value `auto` starts one thread per available
        /// processor.
        ///
        /// nginx starts processes; portcullis starts one worker process with this number of threads.
        /// `worker_connections` applies to each thread as it applies to each nginx worker.
        worker_processes: Processes = "1", MAIN;
        /// Selects what nginx does when it detects an internal error. portcullis accepts this directive and ignores
        /// it.
        debug_points: Choice<DebugPoints>, MAIN;
        /// Defines the user and group of the worker process. If the group is omitted, portcullis looks up a group with
        /// the name of the user. The worker also joins the supplementary groups of the user. Without this directive it
        /// runs as `nobody` and `nogroup`, or the group `nobody` where there is no `nogroup`. A process started
        /// without root privileges logs a warning and ignores the directive.
        ///
        /// The worker reads neither keys nor log files: the master hands them over. It does connect to Unix sockets,
        /// those of backends for example, which must be open to this user.
        user: Users = none, MAIN;
        /// Defines the scheduling priority of the worker process, as nice(1) does: a negative number means a higher
        /// priority. The usual range is -20 to 20. A second line is an error unless the first one sets `0`.
        worker_priority: Priority = "0", MAIN;
        /// Binds the threads of the worker process to sets of processors. Each mask consists of the digits `0` and
        /// `1`, the rightmost digit for the first processor, and applies to one thread (`worker_processes`). `auto`
        /// distributes the threads over the available processors, or over those in a mask that follows.
        worker_cpu_affinity: Affinities, MAIN;
        /// Sets the limit on open files (`RLIMIT_NOFILE`) for each of `worker_processes`: the worker process gets their
        /// sum. Without this directive portcullis raises the soft limit to the hard limit.
        ///
        /// A session uses up to two file descriptors. If no descriptors are left for another session, portcullis
        /// logs `accept4() failed (24: Too many open files)` and leaves new connections in the listen queue until a
        /// session ends.
        worker_rlimit_nofile: Number, MAIN;
        /// Sets the limit on the size of a core file (`RLIMIT_CORE`) of the worker process. Without this directive the
        /// worker leaves no core file after a change of the user, since its memory contains keys and passwords.
        worker_rlimit_core: Offset, MAIN;
        /// Sets how long sessions may last that outlive their configuration: after a reload, and in a graceful shutdown
        /// (`-s quit`). The value of the configuration that ends counts. When it expires, portcullis closes the sessions
        /// that are still open, and logs `shutdown timeout` for each. SMTP clients get a reply `421`, IMAP clients
        /// `* BYE`; nginx closes the connection without a reply. Without this directive, and with `0`, sessions go on
        /// until they end by themselves. Since nginx 1.11.11.
        worker_shutdown_timeout: Msec, MAIN;
        /// Defines the working directory of the worker process, which is where it writes core files.
        working_directory: Text, MAIN;
        /// Keeps an environment variable for the worker process (`env NAME;`) or sets it (`env NAME=value;`). Apart
        /// from these the worker has only `TZ`.
        env: WordPerLine = none, MAIN;
        /// Loads a dynamic module. portcullis accepts this directive and ignores it: all of its modules are built in.
        /// As in nginx, the directive must precede the first block. Since nginx 1.9.11.
        load_module: WordPerLine = none, MAIN => PrecedesBlocks;
        /// Enables or disables just-in-time compilation of regular expressions. portcullis accepts this directive and
        /// ignores it: no mail directive uses regular expressions.
        pcre_jit: Flag = "off", MAIN;
        /// Defines a pool of threads for reading files: a name, the number of threads and optionally the maximum
        /// length of the task queue. portcullis accepts this directive and ignores it. Since nginx 1.7.11.
        thread_pool: ThreadPools = none, MAIN;
        /// Selects an OpenSSL engine, such as a hardware accelerator. portcullis ignores this directive with a warning:
        /// its TLS library, rustls, has no engines.
        ssl_engine: Engine, MAIN;
        /// Determines whether unchanged certificates and keys are kept on reload. portcullis accepts this directive
        /// and ignores it: a reload reads all files again. Since nginx 1.27.4.
        ssl_object_cache_inheritable: Flag = "on", MAIN;
        /// Enables routing of QUIC packets by eBPF. portcullis accepts this directive and ignores it: mail has no QUIC.
        quic_bpf: Flag = "off", MAIN;
        /// Specifies the file name prefix for profiles of Google Performance Tools. portcullis accepts this directive and
        /// ignores it.
        google_perftools_profiles: PrefixPath = none, MAIN;
        /// Configures logging: the destination and the lowest level that is logged. Several logs may be specified. A
        /// server uses this log unless `mail {}` or the server has an `error_log` of its own. Without any
        /// `error_log`, messages of level `error` and above go to the log set by `-e`.
        error_log: Logs = none, MAIN => OpensLog;
        /// Sets an address where portcullis shows what it does, by HTTP: `/text` for people, `/json` for programs, `/metrics` for Prometheus
        /// (OpenMetrics), `/sessions` with the open sessions, `/healthz` and `/readyz` for supervisors. Several lines may be specified.
        /// Without this directive nothing listens, and nothing is counted.
        ///
        /// A Unix socket is open to its user and its group, which are those of the master process. On an address that is not loopback a
        /// token is required, since the sessions name users and clients; `/healthz` and `/readyz` need none. On a loopback address
        /// without a token every user of this machine can read all of it.
        ///
        /// `/json` has the shape of Angie's status interface where that has one, and is described by `docs/status.schema.json`. A path below it
        /// is a part of the document: `/json/mail/server_zones/`. What is counted outlives a reload.
        ///
        /// Changes are made by POST, to a Unix socket or with the token in `Authorization`: `/sessions/ID/close` ends a session,
        /// `/upstreams/PEER/drain` and `/undrain` keep new sessions from a backend and let them come again, `/logins/LOGIN/hold` and
        /// `/release` do the same for a user whose mail is moved. `portcullis --kick`, `--drain` and `--hold` send these requests, `--status`
        /// and `--sessions` show what the pages do. What is drained and held ends with the worker process.
        status: StatusListens = none, MAIN => ClaimsStatus;
    }
}
