//! What is done with a call: the values that a filter returns.

use crate::error::SeccompError;

pub(crate) const KILL_PROCESS: u32 = 0x8000_0000;
const KILL_THREAD: u32 = 0;
const TRAP: u32 = 0x0003_0000;
const ERRNO: u32 = 0x0005_0000;
const TRACE: u32 = 0x7ff0_0000;
const LOG: u32 = 0x7ffc_0000;
const ALLOW: u32 = 0x7fff_0000;

/// The part of a value that is the action; the rest is its data.
const ACTION: u32 = 0xffff_0000;

const EPERM: u64 = 1;
const ENOSYS: u32 = 38;
const MAX_ERRNO: u64 = 4095;
const MAX_DATA: u64 = 0xffff;

/// Reads an action of the OCI spec. `place` names the field for messages.
pub(crate) fn parse(place: &str, action: &str, errno: Option<u64>) -> Result<u32, SeccompError> {
    let (value, most) = match action {
        "SCMP_ACT_ERRNO" => (ERRNO, Some(MAX_ERRNO)),
        "SCMP_ACT_TRACE" => (TRACE, Some(MAX_DATA)),
        "SCMP_ACT_KILL" | "SCMP_ACT_KILL_THREAD" => (KILL_THREAD, None),
        "SCMP_ACT_KILL_PROCESS" => (KILL_PROCESS, None),
        "SCMP_ACT_TRAP" => (TRAP, None),
        "SCMP_ACT_LOG" => (LOG, None),
        "SCMP_ACT_ALLOW" => (ALLOW, None),
        "SCMP_ACT_NOTIFY" => return Err(SeccompError::Notify(place.to_owned())),
        _ => {
            let (place, action) = (place.to_owned(), action.to_owned());
            return Err(SeccompError::UnknownAction { place, action });
        }
    };
    let Some(most) = most else {
        if errno.is_some() {
            let (place, action) = (errno_place(place), action.to_owned());
            return Err(SeccompError::ErrnoNotTaken { place, action });
        }
        return Ok(value);
    };
    let data = errno.unwrap_or(EPERM);
    match u32::try_from(data) {
        Ok(data) if u64::from(data) <= most => Ok(value | data),
        _ => Err(SeccompError::BadErrno {
            place: errno_place(place),
            value: data,
            most,
        }),
    }
}

fn errno_place(place: &str) -> String {
    match place.rsplit_once('.') {
        Some((entry, _)) => format!("{entry}.errnoRet"),
        None => "defaultErrnoRet".to_owned(),
    }
}

/// Whether the action refuses more than the other. The kernel's own order, that of the values as
/// signed numbers.
pub(crate) fn is_stricter(action: u32, than: u32) -> bool {
    let rank = |action: u32| i32::from_ne_bytes((action & ACTION).to_ne_bytes());
    rank(action) < rank(than)
}

/// What becomes of calls that are newer than a profile with this default action.
pub(crate) fn of_newer_calls(default: u32) -> u32 {
    match default & ACTION {
        ALLOW | LOG | TRACE => default,
        _ => ERRNO | ENOSYS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_code_is_taken_where_there_is_one_to_return() {
        assert_eq!(parse("a", "SCMP_ACT_ERRNO", None).unwrap(), 0x0005_0001);
        assert_eq!(parse("a", "SCMP_ACT_ERRNO", Some(38)).unwrap(), 0x0005_0026);
        assert_eq!(parse("a", "SCMP_ACT_TRACE", Some(7)).unwrap(), 0x7ff0_0007);
        let text = |result: Result<u32, SeccompError>| result.unwrap_err().to_string();
        assert_eq!(
            text(parse("syscalls[2].action", "SCMP_ACT_ALLOW", Some(1))),
            "syscalls[2].errnoRet is given with action \"SCMP_ACT_ALLOW\", which returns no error code"
        );
        assert_eq!(
            text(parse("defaultAction", "SCMP_ACT_ERRNO", Some(4096))),
            "defaultErrnoRet 4096 is not an error code: it is above 4095"
        );
    }

    #[test]
    fn actions_are_in_the_kernels_order() {
        let order = [KILL_PROCESS, KILL_THREAD, TRAP, ERRNO, TRACE, LOG, ALLOW];
        assert!(
            order
                .windows(2)
                .all(|pair| is_stricter(pair[0], pair[1]) && !is_stricter(pair[1], pair[0]))
        );
    }
}
