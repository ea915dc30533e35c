//! Compiles the protocol between `estiba serve` and the native half. protox parses the schema, so
//! no protoc binary is needed.

use std::error::Error;

const PROTO_ROOT: &str = "../../../proto";
const SCHEMA: &str = "isolation/v1/isolation.proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={PROTO_ROOT}/{SCHEMA}");
    println!("cargo:rerun-if-changed=build.rs");
    let schema = protox::compile([SCHEMA], [PROTO_ROOT])?;
    let mut config = prost_build::Config::new();
    // Sorted maps keep encodings the same for the same content.
    config.btree_map(["."]);
    config.compile_fds(schema)?;
    Ok(())
}
