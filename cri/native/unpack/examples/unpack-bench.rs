//! Unpacks one layer blob and prints what it took: `unpack-bench FILE DIR [PARENT...]`.
//!
//! DIR must not exist; PARENT are lower layers, topmost first. Use a fresh file system: ext4 looks
//! for inodes ten times slower for minutes after a tree was deleted.

use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use estiba_unpack::{Outcome, Source, UnpackJob, run_job, sync_tree};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(blob), Some(target)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: unpack-bench FILE DIR [PARENT...]");
        return ExitCode::from(2);
    };
    let mut job = UnpackJob::new(target);
    job.parent_dirs = arguments.collect();
    match unpack(&job, &blob) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn unpack(job: &UnpackJob, blob: &PathBuf) -> Result<(), Box<dyn std::error::Error>> {
    // Opened before the job: Landlock allows no new files outside afterwards.
    let parent = File::open(job.target_dir.parent().ok_or("DIR has no parent")?)?;
    let source = Source::File {
        file: File::open(blob)?,
        offset: 0,
        length: 0,
    };
    let started = Instant::now();
    let Outcome::Unpacked(unpacked) = run_job(job, source, &mut |_| ())? else {
        return Err("it stopped".into());
    };
    let took = started.elapsed();
    let syncing = Instant::now();
    sync_tree(&parent)?;
    let seconds = took.as_secs_f64();
    println!("{unpacked:#?}");
    println!(
        "{seconds:.3} s, {:.0} MB/s of files, {:.1} µs an inode, then syncfs {:.3} s",
        unpacked.unpacked_bytes as f64 / 1e6 / seconds,
        seconds * 1e6 / unpacked.inodes as f64,
        syncing.elapsed().as_secs_f64(),
    );
    Ok(())
}
