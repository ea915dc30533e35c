//! Why a profile cannot be compiled.

/// What in a profile cannot be had. The text is the reason alone: whoever shows it says which profile.
#[derive(Debug, thiserror::Error)]
pub enum SeccompError {
    /// Not a profile.
    #[error("it is not a seccomp profile: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// An action that is not one of the OCI spec.
    #[error("{place} {action:?} is not known")]
    UnknownAction {
        /// Which field.
        place: String,
        /// Its value.
        action: String,
    },
    /// Notifications need an agent to listen.
    #[error("{0} asks for SCMP_ACT_NOTIFY, which needs an agent on the node: it is not supported")]
    Notify(String),
    /// An operator that is not one of the OCI spec.
    #[error("{place} {operator:?} is not known")]
    UnknownOperator {
        /// Which field.
        place: String,
        /// Its value.
        operator: String,
    },
    /// An architecture that is not one of the OCI spec.
    #[error("architecture {0:?} is not known")]
    UnknownArchitecture(String),
    /// A flag that is not one of the OCI spec, or one that makes sense with notifications only.
    #[error("flag {0:?} is not supported")]
    UnknownFlag(String),
    /// Actions other than ERRNO and TRACE return nothing.
    #[error("{place} is given with action {action:?}, which returns no error code")]
    ErrnoNotTaken {
        /// Which field.
        place: String,
        /// The action.
        action: String,
    },
    /// The kernel's error codes end at 4095.
    #[error("{place} {value} is not an error code: it is above {most}")]
    BadErrno {
        /// Which field.
        place: String,
        /// Its value.
        value: u64,
        /// The highest that can be.
        most: u64,
    },
    /// System calls have six arguments.
    #[error("{place} {index} is not an argument of a system call: they are 0 to 5")]
    BadArgument {
        /// Which field.
        place: String,
        /// Its value.
        index: u64,
    },
    /// An entry that would count for some containers only.
    #[error("{0} is of Docker's format of profiles, not of OCI's, which knows no such condition")]
    DockerFormat(String),
    /// An entry without a name would do nothing.
    #[error("{0} names no system call")]
    NoNames(String),
    /// The kernel takes no program of this length.
    #[error("it compiles to {0} instructions, and the kernel takes 4096 at most")]
    TooLong(usize),
}
