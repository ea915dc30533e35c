//! Environments in JSON. Their values are bytes, JSON's strings are not: a byte that is no part of valid
//! UTF-8 is written as the lone surrogate U+DC00 plus the byte ("\udcff"), which no text holds.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use serde::de::{Deserialize, Deserializer, Visitor};
use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::value::RawValue;

const ESCAPES: std::ops::RangeInclusive<u32> = 0xdc80..=0xdcff;

pub(crate) fn serialize<S: Serializer>(env: &[OsString], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(env.iter().map(|entry| Written(entry)))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<OsString>, D::Error> {
    let entries = Vec::<Read>::deserialize(from)?;
    Ok(entries.into_iter().map(|Read(entry)| entry).collect())
}

struct Written<'a>(&'a OsStr);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0.to_str() {
            Some(text) => to.serialize_str(text),
            None => RawValue::from_string(escaped(self.0.as_bytes()).map_err(S::Error::custom)?)
                .map_err(S::Error::custom)?
                .serialize(to),
        }
    }
}

/// The JSON string of what is not UTF-8.
fn escaped(bytes: &[u8]) -> Result<String, serde_json::Error> {
    let mut json = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        let text = serde_json::to_string(chunk.valid())?;
        json.push_str(text.trim_start_matches('"').strip_suffix('"').unwrap_or(""));
        for byte in chunk.invalid() {
            json.push_str(&format!("\\udc{byte:02x}"));
        }
    }
    json.push('"');
    Ok(json)
}

struct Read(OsString);

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_bytes(Bytes)
    }
}

struct Bytes;

impl Visitor<'_> for Bytes {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Read, E> {
        self.visit_bytes(text.as_bytes())
    }

    /// Surrogates come as if UTF-8 had them: ED, then A0 or more, then one byte.
    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Read, E> {
        let mut plain = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some((first, after)) = rest.split_first() {
            rest = match rest {
                [0xed, second @ 0xa0..=0xff, third, after @ ..] => {
                    let low = u32::from(second & 0x3f) << 6 | u32::from(third & 0x3f);
                    let code = 0xd000 | low;
                    let byte = u8::try_from(code & 0xff).unwrap_or_default();
                    if !ESCAPES.contains(&code) {
                        let what = format!("surrogate U+{code:04X} stands for no byte");
                        return Err(E::custom(what));
                    }
                    plain.push(byte);
                    after
                }
                _ => {
                    plain.push(*first);
                    after
                }
            };
        }
        Ok(Read(OsString::from_vec(plain)))
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Debug, Serialize, Deserialize)]
    struct Document {
        #[serde(with = "super")]
        env: Vec<OsString>,
    }

    fn read(json: &str) -> Result<Vec<Vec<u8>>, String> {
        let document: Document = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let entries = document.env.into_iter().map(OsString::into_vec);
        Ok(entries.collect())
    }

    #[test]
    fn bytes_are_the_same_after_being_written_and_read() {
        let all: Vec<u8> = (1..=255).collect();
        for entry in [
            &all[..],
            b"A=\xc3\xa9\xc3",
            b"B=\"\\\xff\"",
            "C=é\u{1f600}".as_bytes(),
        ] {
            let env = vec![OsString::from_vec(entry.to_vec())];
            let json = serde_json::to_string(&Document { env }).unwrap();
            assert_eq!(read(&json).unwrap(), [entry], "{json}");
        }
    }

    #[test]
    fn text_is_written_as_text_and_other_bytes_as_lone_surrogates() {
        let env = vec!["A=é".into(), OsString::from_vec(b"B=\xff\"".to_vec())];
        let json = serde_json::to_string(&Document { env }).unwrap();
        assert_eq!(json, r#"{"env":["A=é","B=\udcff\""]}"#);
        assert_eq!(
            read(r#"{"env":["\ud83d\ude00"]}"#).unwrap(),
            ["😀".as_bytes()]
        );
    }

    #[test]
    fn what_is_no_byte_is_refused() {
        let error = read(r#"{"env":["A=\ud800"]}"#).unwrap_err();
        assert!(error.contains("U+D800 stands for no byte"), "{error}");
        assert!(read(r#"{"env":[1]}"#).is_err());
        assert!(read(r#"{"env":[[1]]}"#).is_err());
    }
}
