//! The signals by which a process is told to end.

use std::fs;
use std::future::pending;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a shell exits with that a signal has ended, less the number of the signal.
const BY_SIGNAL: i32 = 128;

/// SIGTERM, from service managers, SIGINT, from Ctrl-C, and SIGHUP, from a terminal that is closed.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// `None` for a process that was started with it ignored, as `nohup` does: that is to outlive its terminal.
    hang_up: Option<Signal>,
}

/// A signal that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    /// Its name.
    pub(super) name: &'static str,
    kind: SignalKind,
}

impl Signals {
    /// Catches the signals from now on.
    pub(super) fn listen() -> io::Result<Self> {
        // To be found out before anything catches it.
        let hang_up = if is_hang_up_ignored() { None } else { Some(signal(SignalKind::hangup())?) };
        let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(Self { terminate, interrupt, hang_up })
    }

    /// Waits for the next signal.
    pub(super) async fn next(&mut self) -> Told {
        let hang_up = async {
            match &mut self.hang_up {
                Some(signal) => signal.recv().await,
                None => pending().await,
            }
        };
        let (name, kind) = tokio::select! {
            _ = self.terminate.recv() => ("SIGTERM", SignalKind::terminate()),
            _ = self.interrupt.recv() => ("SIGINT", SignalKind::interrupt()),
            _ = hang_up => ("SIGHUP", SignalKind::hangup()),
        };
        Told { name, kind }
    }
}

impl Told {
    /// What a process exits with that this signal ended, by the custom of shells.
    pub(super) fn exit_code(self) -> i32 {
        BY_SIGNAL + self.kind.as_raw_value()
    }
}

/// Whether this process ignores SIGHUP, which it does only if it was started so.
fn is_hang_up_ignored() -> bool {
    ignored_by_status().unwrap_or_else(ignored_by_child)
}

/// The answer where the system shows what a process ignores (`proc_pid_status(5)`).
fn ignored_by_status() -> Option<bool> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    let ignored = u64::from_str_radix(ignored.trim(), 16).ok()?;
    Some(ignored & 1 << (SignalKind::hangup().as_raw_value() - 1) != 0)
}

/// The answer elsewhere: a child inherits what is ignored, and one that sends itself the signal tells by its end.
fn ignored_by_child() -> bool {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "kill -HUP $$"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    shell.status().is_ok_and(|ended| ended.signal().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_learn_what_is_ignored_agree() {
        assert_eq!(ignored_by_status().unwrap_or_else(ignored_by_child), ignored_by_child());
    }
}
