//! Finding and executing the program, with the words that users of kubectl know.

use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use estiba_kernel::{Errno, process};

use crate::error::{ErrorCode, IsolateError, errno_text};

const STEP: &str = "execve";
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

fn c_strings<T: AsRef<OsStr>>(texts: &[T]) -> Result<Vec<CString>, IsolateError> {
    let nul = |text: &OsStr| {
        IsolateError::invalid(STEP, format!("cannot execute: {text:?} holds a NUL byte"))
    };
    texts
        .iter()
        .map(AsRef::as_ref)
        .map(|text| CString::new(text.as_bytes()).map_err(|_nul| nul(text)))
        .collect()
}

/// Value of a variable in an environment; the last one counts.
pub(crate) fn variable<'a>(
    env: &'a [OsString],
    name: &(impl AsRef<[u8]> + ?Sized),
) -> Option<&'a OsStr> {
    env.iter().rev().find_map(|entry| {
        let after = entry.as_bytes().strip_prefix(name.as_ref())?;
        after.strip_prefix(b"=").map(OsStr::from_bytes)
    })
}

/// Executes `argv`; returns only to say why that failed. The root is the container's.
pub(crate) fn execute(argv: &[String], env: &[OsString]) -> IsolateError {
    let (arguments, environment) = match (c_strings(argv), c_strings(env)) {
        (Ok(arguments), Ok(environment)) => (arguments, environment),
        (Err(error), _) | (_, Err(error)) => return error,
    };
    let attempt = |path: &OsStr| match CString::new(path.as_bytes()) {
        Ok(path) => Err(process::execve(&path, &arguments, &environment)),
        Err(_nul) => Err(Errno::INVAL),
    };
    match search(argv, env, attempt) {
        Err(error) => error,
        // Nobody is here after an execve that succeeded.
        Ok(()) => IsolateError::new(ErrorCode::Internal, STEP, "cannot execute: it has failed"),
    }
}

/// Says why `execute` would fail, as far as that can be known: for a process that may not be able to
/// tell later.
pub(crate) fn check(argv: &[String], env: &[OsString]) -> Result<(), IsolateError> {
    search(argv, env, |path| {
        rustix::fs::access(path, rustix::fs::Access::EXEC_OK)?;
        if is_directory(path) {
            return Err(Errno::ACCESS);
        }
        Ok(())
    })
}

/// Tries every file that the program's name may mean.
fn search(
    argv: &[String],
    env: &[OsString],
    attempt: impl Fn(&OsStr) -> Result<(), Errno>,
) -> Result<(), IsolateError> {
    let Some(program) = argv.first() else {
        return Err(IsolateError::invalid(
            STEP,
            "cannot execute: no command given",
        ));
    };
    if program.contains('/') {
        let path = OsStr::new(program);
        return attempt(path).map_err(|errno| explain(program, path, errno));
    }
    let mut denied = None;
    let dirs = variable(env, "PATH").unwrap_or(OsStr::new(DEFAULT_PATH));
    for dir in dirs.as_bytes().split(|byte| *byte == b':') {
        if program.is_empty() {
            break;
        }
        let dir = if dir.is_empty() { b"." } else { dir };
        let path = OsString::from_vec([dir, b"/", program.as_bytes()].concat());
        match attempt(&path) {
            Ok(()) => return Ok(()),
            Err(Errno::NOENT | Errno::NOTDIR) if !exists(&path) => {}
            Err(Errno::ACCESS) if is_directory(&path) => {}
            Err(Errno::ACCESS) => denied = Some(path),
            Err(errno) => return Err(explain(program, &path, errno)),
        }
    }
    Err(match denied {
        Some(path) => explain(program, &path, Errno::ACCESS),
        None => failure(
            ErrorCode::NotFound,
            Errno::NOENT,
            format!("cannot execute {program:?}: executable file not found in $PATH"),
        ),
    })
}

fn exists(path: &OsStr) -> bool {
    rustix::fs::stat(path).is_ok()
}

fn is_directory(path: &OsStr) -> bool {
    std::fs::metadata(path).is_ok_and(|data| data.is_dir())
}

fn failure(code: ErrorCode, errno: Errno, message: String) -> IsolateError {
    let mut error = IsolateError::new(code, STEP, message);
    error.errno = errno.raw_os_error();
    error
}

fn explain(program: &str, path: &OsStr, errno: Errno) -> IsolateError {
    let (code, why) = match errno {
        Errno::NOENT if exists(path) => (
            ErrorCode::NotFound,
            "no such file or directory (the interpreter or loader that it names is missing)".into(),
        ),
        Errno::NOENT => (ErrorCode::NotFound, errno_text(errno)),
        Errno::ACCESS if is_directory(path) => {
            (ErrorCode::InvalidArgument, "is a directory".into())
        }
        Errno::ACCESS | Errno::PERM => (ErrorCode::PermissionDenied, errno_text(errno)),
        Errno::NOEXEC => (
            ErrorCode::FailedPrecondition,
            "exec format error (built for another architecture, or a script without #!)".into(),
        ),
        _ => (ErrorCode::FailedPrecondition, errno_text(errno)),
    };
    failure(code, errno, format!("cannot execute {program:?}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    fn environment(list: &[&str]) -> Vec<OsString> {
        list.iter().map(OsString::from).collect()
    }

    #[test]
    fn a_missing_program_reads_as_users_know_it() {
        let error = execute(
            &strings(&["no-such-program"]),
            &environment(&["PATH=/nowhere:/bin"]),
        );
        assert_eq!(
            error.message,
            "cannot execute \"no-such-program\": executable file not found in $PATH"
        );
        let error = execute(&strings(&["/nowhere/x"]), &[]);
        assert_eq!(
            error.message,
            "cannot execute \"/nowhere/x\": no such file or directory"
        );
        assert_eq!(error.errno, libc::ENOENT);
    }

    #[test]
    fn files_that_cannot_run_say_why() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("plain"), "x").unwrap();
        let error = execute(&[path("plain")], &[]);
        assert!(error.message.ends_with("permission denied"), "{error}");
        let env = [format!("PATH={}", dir.path().display()).into()];
        assert!(
            execute(&strings(&["plain"]), &env)
                .message
                .ends_with("permission denied")
        );
        let error = execute(&[dir.path().to_str().unwrap().to_owned()], &[]);
        assert!(error.message.ends_with("is a directory"), "{error}");
        std::fs::write(path("script"), "#!/no/such/interpreter\n").unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o755);
        rustix::fs::chmod(path("script"), mode).unwrap();
        assert!(
            execute(&[path("script")], &[])
                .message
                .contains("interpreter")
        );
    }

    #[test]
    fn what_is_looked_at_before_is_what_is_executed() {
        let env = environment(&["PATH=/nowhere:/bin"]);
        check(&strings(&["sh"]), &env).unwrap();
        check(&strings(&["/bin/sh"]), &[]).unwrap();
        for argv in [
            &["no-such-program"][..],
            &["/nowhere/x"],
            &["/tmp"],
            &["/etc/passwd"],
            &[],
        ] {
            let argv = strings(argv);
            let error = check(&argv, &env).unwrap_err();
            assert_eq!(error, execute(&argv, &env), "{argv:?}");
        }
    }

    #[test]
    fn the_last_value_of_a_variable_counts() {
        let env = environment(&["A=1", "PATH=/a", "PATH=/b", "PATHS=/c"]);
        assert_eq!(variable(&env, "PATH"), Some(OsStr::new("/b")));
        assert_eq!(variable(&env, "HOME"), None);
    }
}
