//! Loads a media server that speaks LiveKit's signalling, as its SDKs do, or Janus's VideoRoom, and
//! counts what arrives.

mod janus;
mod livekit;
mod load;
mod media;
mod message;
mod options;
mod participant;
mod socket;
mod token;
mod transport;

use std::io::{Write, stdout};
use std::process::ExitCode;

use load::Load;
use options::{Options, USAGE};
use serde_json::json;

fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(sentence) => {
            eprintln!("{sentence}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let tell = |value: serde_json::Value| {
        let mut out = stdout().lock();
        // Nobody reads any more: the run goes on to its end all the same.
        let _unread = writeln!(out, "{value}").and_then(|()| out.flush());
    };
    let outcome = Load::new(options).and_then(|mut load| load.run(tell));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            tell(json!({"event": "failed", "reason": sentence}));
            ExitCode::FAILURE
        }
    }
}
