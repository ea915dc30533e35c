// The system calls of the profile RuntimeDefault, by what they are for. What is allowed follows what
// users of containerd and Docker have; a call that an architecture does not have is passed over by
// the compiler.

const words = (text: string): string[] => text.trim().split(/\s+/u);

/** Open to every container. */
export const ordinaryCalls: readonly string[] = [
  // Files: opening, reading, writing.
  ...words(`open openat openat2 creat close close_range read readv pread64 preadv preadv2 write writev
    pwrite64 pwritev pwritev2 lseek _llseek sendfile sendfile64 splice tee vmsplice copy_file_range
    readahead fadvise64 fadvise64_64 fallocate truncate truncate64 ftruncate ftruncate64 flock fsync
    fdatasync sync syncfs sync_file_range cachestat dup dup2 dup3 fcntl fcntl64 ioctl memfd_create
    memfd_secret name_to_handle_at`),
  // Files: names, directories, attributes.
  ...words(`access faccessat faccessat2 stat stat64 lstat lstat64 fstat fstat64 fstatat64 newfstatat
    statx statfs statfs64 fstatfs fstatfs64 statmount listmount getdents getdents64 getcwd chdir
    fchdir mkdir mkdirat rmdir link linkat symlink symlinkat readlink readlinkat unlink unlinkat
    rename renameat renameat2 mknod mknodat umask chmod fchmod fchmodat fchmodat2 chown chown32
    fchown fchown32 fchownat lchown lchown32 utime utimes futimesat utimensat utimensat_time64
    getxattr lgetxattr fgetxattr getxattrat setxattr lsetxattr fsetxattr setxattrat listxattr
    llistxattr flistxattr listxattrat removexattr lremovexattr fremovexattr removexattrat`),
  // Waiting for files, and being told of changes.
  ...words(`poll ppoll ppoll_time64 select _newselect pselect6 pselect6_time64 epoll_create
    epoll_create1 epoll_ctl epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2 eventfd
    eventfd2 signalfd signalfd4 inotify_init inotify_init1 inotify_add_watch inotify_rm_watch
    fanotify_mark pipe pipe2 io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents
    io_pgetevents_time64`),
  // Memory.
  ...words(`brk mmap mmap2 munmap mremap mprotect madvise mincore mlock mlock2 mlockall munlock
    munlockall msync mseal remap_file_pages map_shadow_stack membarrier pkey_alloc pkey_free
    pkey_mprotect`),
  // Processes and threads. clone and clone3 stand in the rules.
  ...words(`fork vfork execve execveat exit exit_group wait4 waitid waitpid getpid getppid gettid
    getpgid getpgrp setpgid getsid setsid set_tid_address set_robust_list get_robust_list
    set_thread_area get_thread_area rseq futex futex_time64 futex_wait futex_waitv futex_wake
    futex_requeue pidfd_open pidfd_send_signal process_mrelease prctl restart_syscall ptrace
    process_vm_readv process_vm_writev uretprobe uprobe`),
  // Scheduling and limits.
  ...words(`sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr
    sched_getparam sched_setparam sched_getscheduler sched_setscheduler sched_get_priority_max
    sched_get_priority_min sched_rr_get_interval sched_rr_get_interval_time64 getpriority
    setpriority ioprio_get ioprio_set getcpu getrlimit ugetrlimit setrlimit prlimit64 getrusage
    times`),
  // Signals.
  ...words(`kill tkill tgkill rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo
    rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaltstack
    sigprocmask sigreturn pause`),
  // Time. Setting clocks with adjtimex fails without CAP_SYS_TIME; asking is what it is used for.
  ...words(`time gettimeofday clock_gettime clock_gettime64 clock_getres clock_getres_time64
    clock_nanosleep clock_nanosleep_time64 clock_adjtime clock_adjtime64 adjtimex nanosleep alarm
    getitimer setitimer timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64
    timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime
    timerfd_settime64`),
  // Users, groups, capabilities, and giving up more of them.
  ...words(`getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid
    getresuid32 getresgid getresgid32 getgroups getgroups32 setuid setuid32 setgid setgid32 setreuid
    setreuid32 setregid setregid32 setresuid setresuid32 setresgid setresgid32 setfsuid setfsuid32
    setfsgid setfsgid32 setgroups setgroups32 capget capset seccomp landlock_create_ruleset
    landlock_add_rule landlock_restrict_self`),
  // Sockets. socket itself stands in the rules; socketcall is how 32-bit programs get at it, and its
  // arguments lie in memory, where no filter looks.
  ...words(`socketpair socketcall bind connect listen accept accept4 getsockname getpeername
    getsockopt setsockopt send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg
    recvmmsg_time64 shutdown`),
  // System V IPC and POSIX queues, which the pod has for itself.
  ...words(`ipc semget semop semtimedop semtimedop_time64 semctl msgget msgsnd msgrcv msgctl shmget
    shmat shmdt shmctl mq_open mq_unlink mq_getsetattr mq_notify mq_timedreceive
    mq_timedreceive_time64 mq_timedsend mq_timedsend_time64`),
  // The machine.
  ...words('uname sysinfo getrandom'),
];

/** What every container gets on one architecture. */
export const callsOfArchitecture: Readonly<Record<'x64' | 'arm64', readonly string[]>> = {
  x64: words('arch_prctl modify_ldt'),
  arm64: words(`arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush
    set_tls`),
};

/** What comes with a capability: the kernel refuses these calls without it, or should. */
export const callsOfCapability: Readonly<Record<string, readonly string[]>> = {
  CAP_DAC_READ_SEARCH: words('open_by_handle_at'),
  CAP_SYS_ADMIN: words(`bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie
    lsm_get_self_attr lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree open_tree_attr
    perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2
    unshare`),
  CAP_SYS_BOOT: words('reboot'),
  CAP_SYS_CHROOT: words('chroot'),
  CAP_SYS_MODULE: words('delete_module init_module finit_module'),
  CAP_SYS_PACCT: words('acct'),
  CAP_SYS_PTRACE: words('kcmp pidfd_getfd process_madvise'),
  CAP_SYS_RAWIO: words('iopl ioperm'),
  CAP_SYS_TIME: words('settimeofday stime clock_settime clock_settime64'),
  CAP_SYS_TTY_CONFIG: words('vhangup'),
  CAP_SYS_NICE: words('get_mempolicy mbind set_mempolicy set_mempolicy_home_node'),
  CAP_SYSLOG: words('syslog'),
  CAP_BPF: words('bpf'),
  CAP_PERFMON: words('perf_event_open'),
};
