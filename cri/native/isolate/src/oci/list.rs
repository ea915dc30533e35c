//! `list`: all containers of a state directory.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::Serialize;

use super::commands::{STEP, state};
use super::state::State;
use crate::error::{ErrorCode, IsolateError};
use crate::host::Host;

/// A container, and to whom its state belongs.
#[derive(Debug, Serialize)]
pub struct Listed {
    /// As `state` tells it.
    #[serde(flatten)]
    pub state: State,
    /// Name of the user, or # and the number.
    pub owner: String,
}

/// All containers, by id, and why others could not be read. One without a record is being created.
///
/// # Errors
/// When the state directory cannot be read; without one there are no containers.
pub fn list(host: &Host, root: &Path) -> Result<(Vec<Listed>, Vec<IsolateError>), IsolateError> {
    let fail = |error: &std::io::Error| IsolateError::io(STEP, format!("read {root:?}"), error);
    let (mut found, mut broken) = (Vec::new(), Vec::new());
    let entries = match std::fs::read_dir(root) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((found, broken)),
        result => result.map_err(|error| fail(&error))?,
    };
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    for entry in entries {
        let entry = entry.map_err(|error| fail(&error))?;
        let name = entry.file_name();
        // What another program has put here is none of ours.
        let Some(id) = name.to_str() else { continue };
        let uid = entry.metadata().map_or(0, |data| data.uid());
        match state(host, root, id) {
            Ok(state) => found.push(Listed {
                state,
                owner: name_of(&users, uid),
            }),
            Err(error) if error.code == ErrorCode::NotFound => {}
            Err(error) => broken.push(error),
        }
    }
    found.sort_by(|one, other| one.state.id.cmp(&other.state.id));
    Ok((found, broken))
}

fn name_of(users: &str, uid: u32) -> String {
    let wanted = uid.to_string();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _, number) = (fields.next()?, fields.next()?, fields.next()?);
        (number == wanted).then(|| name.to_owned())
    });
    name.unwrap_or_else(|| format!("#{uid}"))
}

#[cfg(test)]
mod tests {
    use super::name_of;

    #[test]
    fn owners_have_the_hosts_names() {
        let users = "root:x:0:0:root:/root:/bin/sh\nodd\napp:x:7:7::/:\n";
        assert_eq!(name_of(users, 7), "app");
        assert_eq!(name_of(users, 8), "#8");
    }
}
