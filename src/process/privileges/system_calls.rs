//! The system calls that a worker may make. All others fail with EPERM: a library that probes for a new call goes on without it.
//!
//! Two filters, since each has one answer for what it catches. `clone3` fails with ENOSYS, which makes the C library fall back
//! to `clone`, whose flags a filter can see.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter,
};

/// Calls that are allowed whatever their arguments are.
const ALLOWED: &[libc::c_long] = &[
    // Sockets
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_accept4,
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    libc::SYS_getsockopt,
    libc::SYS_setsockopt,
    libc::SYS_shutdown,
    libc::SYS_sendto,
    libc::SYS_recvfrom,
    libc::SYS_sendmsg,
    libc::SYS_recvmsg,
    libc::SYS_sendmmsg,
    libc::SYS_recvmmsg,
    // Descriptors
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_pread64,
    libc::SYS_lseek,
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_fcntl,
    libc::SYS_splice,
    libc::SYS_tee,
    libc::SYS_pipe2,
    libc::SYS_eventfd2,
    // Files: Landlock decides which
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_readlinkat,
    libc::SYS_getdents64,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_getcwd,
    // Waiting and time
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_gettimeofday,
    libc::SYS_restart_syscall,
    // Memory
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    // Threads and signals of this process
    libc::SYS_clone3, // see the other filter
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_set_tid_address,
    libc::SYS_membarrier,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_setaffinity,
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_exit,
    libc::SYS_exit_group,
    // About itself
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getrandom,
    libc::SYS_getrusage,
    libc::SYS_getcpu,
    libc::SYS_uname,
    libc::SYS_sysinfo,
];

/// The older forms of the same calls that x86-64 still has.
#[cfg(target_arch = "x86_64")]
const ALLOWED_OLD: &[libc::c_long] = &[
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_readlink,
    libc::SYS_access,
    libc::SYS_dup2,
    libc::SYS_pipe,
    libc::SYS_poll,
    libc::SYS_select,
    libc::SYS_epoll_create,
    libc::SYS_epoll_wait,
    libc::SYS_accept,
    libc::SYS_eventfd,
    libc::SYS_time,
    libc::SYS_getrlimit,
];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_OLD: &[libc::c_long] = &[];

/// Installs the filters for the calling thread and all that it starts.
pub(super) fn restrict() -> Result<(), seccompiler::Error> {
    let (fallback, allowed) = filters()?;
    apply_filter(&fallback)?;
    apply_filter(&allowed)
}

fn filters() -> Result<(BpfProgram, BpfProgram), seccompiler::Error> {
    let architecture: TargetArch = std::env::consts::ARCH.try_into()?;
    let clone3 = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    let fallback = SeccompFilter::new(
        clone3,
        SeccompAction::Allow,
        SeccompAction::Errno(libc::ENOSYS as u32),
        architecture,
    )?;
    let allowed = SeccompFilter::new(
        rules()?,
        SeccompAction::Errno(libc::EPERM as u32),
        SeccompAction::Allow,
        architecture,
    )?;
    Ok((fallback.try_into()?, allowed.try_into()?))
}

/// A condition on the lower half of an argument, which is where the kernel looks for an `int`.
fn argument(
    number: u8,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(number, SeccompCmpArgLen::Dword, operator, value)
}

/// Allows a call where an argument has one of these values.
fn one_of(number: u8, values: &[u64]) -> Result<Vec<SeccompRule>, BackendError> {
    let rule = |value: &u64| SeccompRule::new(vec![argument(number, SeccompCmpOp::Eq, *value)?]);
    values.iter().map(rule).collect()
}

/// Allows a call where the bits of `mask` in an argument are those of `value`.
fn masked(
    number: u8,
    mask: libc::c_int,
    value: libc::c_int,
) -> Result<Vec<SeccompRule>, BackendError> {
    let operator = SeccompCmpOp::MaskedEq(u64::from(mask.cast_unsigned()));
    let condition = argument(number, operator, u64::from(value.cast_unsigned()))?;
    Ok(vec![SeccompRule::new(vec![condition])?])
}

fn rules() -> Result<BTreeMap<libc::c_long, Vec<SeccompRule>>, BackendError> {
    let any = ALLOWED.iter().chain(ALLOWED_OLD);
    let mut rules: BTreeMap<_, _> = any.map(|call| (*call, Vec::new())).collect();
    let families = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6].map(|family| family as u64);
    let writes = libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC;
    let own = |number| argument(number, SeccompCmpOp::Eq, 0);
    rules.extend([
        (libc::SYS_socket, one_of(0, &families)?),
        // For reading only.
        (libc::SYS_openat, masked(2, writes, libc::O_RDONLY)?),
        // Threads, but no processes.
        (
            libc::SYS_clone,
            masked(0, libc::CLONE_THREAD, libc::CLONE_THREAD)?,
        ),
        // Memory that can be executed is that of the program.
        (libc::SYS_mmap, masked(2, libc::PROT_EXEC, 0)?),
        (libc::SYS_mprotect, masked(2, libc::PROT_EXEC, 0)?),
        (
            libc::SYS_ioctl,
            one_of(1, &[libc::FIONBIO, libc::FIONREAD])?,
        ),
        (
            libc::SYS_prctl,
            one_of(0, &[libc::PR_SET_NAME as u64, libc::PR_SET_VMA as u64])?,
        ),
        (
            libc::SYS_tgkill,
            one_of(0, &[u64::from(std::process::id())])?,
        ),
        // Reading limits of its own.
        (
            libc::SYS_prlimit64,
            vec![SeccompRule::new(vec![own(0)?, own(2)?])?],
        ),
    ]);
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_can_be_built() {
        let (fallback, allowed) = filters().unwrap();
        assert!(fallback.len() < 16 && allowed.len() < 4096);
    }
}
