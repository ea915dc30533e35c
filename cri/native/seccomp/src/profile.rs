//! The profile as it is written.

use serde::Deserialize;

use crate::action;
use crate::arch::Arch;
use crate::error::SeccompError;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Profile {
    default_action: String,
    default_errno_ret: Option<u64>,
    architectures: Option<Vec<String>>,
    flags: Option<Vec<String>>,
    listener_path: Option<String>,
    syscalls: Option<Vec<Entry>>,
}

/// One entry of `syscalls`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    #[serde(default)]
    pub names: Vec<String>,
    action: String,
    errno_ret: Option<u64>,
    args: Option<Vec<Argument>>,
    includes: Option<Conditional>,
    excludes: Option<Conditional>,
}

/// When an entry counts, in Docker's own profiles.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Conditional {
    caps: Option<Vec<String>>,
    arches: Option<Vec<String>>,
    min_kernel: Option<String>,
}

/// One entry of `args`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Argument {
    index: u64,
    value: u64,
    #[serde(default)]
    value_two: u64,
    op: String,
}

/// How an argument is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Operator {
    NotEqual,
    Less,
    AtMost,
    Equal,
    AtLeast,
    Greater,
    /// The value is the mask; what is left is compared with this.
    Masked(u64),
}

/// A comparison of one argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Condition {
    pub index: u32,
    pub operator: Operator,
    pub value: u64,
}

const FLAG_TSYNC: u32 = 1;
const FLAG_LOG: u32 = 2;
const FLAG_SPEC_ALLOW: u32 = 4;

impl Profile {
    pub(crate) fn parse(json: &[u8]) -> Result<Self, SeccompError> {
        let profile: Self = serde_json::from_slice(json)?;
        if profile
            .listener_path
            .as_ref()
            .is_some_and(|path| !path.is_empty())
        {
            return Err(SeccompError::Notify("listenerPath".to_owned()));
        }
        Ok(profile)
    }

    /// Without a list the processor need not guard against speculation: what other runtimes do, and
    /// what the kernel itself does since 5.16.
    pub(crate) fn flags(&self) -> Result<u32, SeccompError> {
        let Some(names) = &self.flags else {
            return Ok(FLAG_SPEC_ALLOW);
        };
        names.iter().try_fold(0, |flags, name| {
            let flag = match name.as_str() {
                "SECCOMP_FILTER_FLAG_TSYNC" => FLAG_TSYNC,
                "SECCOMP_FILTER_FLAG_LOG" => FLAG_LOG,
                "SECCOMP_FILTER_FLAG_SPEC_ALLOW" => FLAG_SPEC_ALLOW,
                _ => return Err(SeccompError::UnknownFlag(name.clone())),
            };
            Ok(flags | flag)
        })
    }

    pub(crate) fn default_action(&self) -> Result<u32, SeccompError> {
        action::parse(
            "defaultAction",
            &self.default_action,
            self.default_errno_ret,
        )
    }

    /// The listed ones that the tables know.
    pub(crate) fn architectures(&self) -> Result<Vec<Arch>, SeccompError> {
        let mut known = Vec::new();
        for name in self.architectures.iter().flatten() {
            let arch =
                Arch::parse(name).ok_or_else(|| SeccompError::UnknownArchitecture(name.clone()))?;
            known.extend(arch);
        }
        Ok(known)
    }

    /// Every entry with its place in messages.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (String, &Entry)> {
        let entries = self.syscalls.iter().flatten().enumerate();
        entries.map(|(index, entry)| (format!("syscalls[{index}]"), entry))
    }
}

impl Entry {
    pub(crate) fn action(&self, place: &str) -> Result<u32, SeccompError> {
        if self.names.is_empty() {
            return Err(SeccompError::NoNames(place.to_owned()));
        }
        for (field, value) in [("includes", &self.includes), ("excludes", &self.excludes)] {
            if value
                .as_ref()
                .is_some_and(|value| *value != Conditional::default())
            {
                return Err(SeccompError::DockerFormat(format!("{place}.{field}")));
            }
        }
        action::parse(&format!("{place}.action"), &self.action, self.errno_ret)
    }

    pub(crate) fn conditions(&self, place: &str) -> Result<Vec<Condition>, SeccompError> {
        let arguments = self.args.iter().flatten().enumerate();
        arguments
            .map(|(number, argument)| argument.condition(&format!("{place}.args[{number}]")))
            .collect()
    }
}

impl Argument {
    fn condition(&self, place: &str) -> Result<Condition, SeccompError> {
        let operator = match self.op.as_str() {
            "SCMP_CMP_NE" => Operator::NotEqual,
            "SCMP_CMP_LT" => Operator::Less,
            "SCMP_CMP_LE" => Operator::AtMost,
            "SCMP_CMP_EQ" => Operator::Equal,
            "SCMP_CMP_GE" => Operator::AtLeast,
            "SCMP_CMP_GT" => Operator::Greater,
            "SCMP_CMP_MASKED_EQ" => Operator::Masked(self.value_two),
            _ => {
                let (place, operator) = (format!("{place}.op"), self.op.clone());
                return Err(SeccompError::UnknownOperator { place, operator });
            }
        };
        match u32::try_from(self.index) {
            Ok(index @ 0..=5) => Ok(Condition {
                index,
                operator,
                value: self.value,
            }),
            _ => Err(SeccompError::BadArgument {
                place: format!("{place}.index"),
                index: self.index,
            }),
        }
    }
}
