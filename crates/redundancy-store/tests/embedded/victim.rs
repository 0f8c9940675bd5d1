//! A process that is killed while it works: this test program once more, with a task in place of a test.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// What the argument begins with that makes this program the one that is killed.
const MARK: &str = "victim:";

/// The process. It is killed, if it was not before, when this is dropped.
pub(crate) struct Victim(Child);

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Victim {
    /// Starts the process. `test` is the whole name of the test that asks for [`task`] first.
    pub(crate) fn start(test: &str, round: u64, folder: &Path) -> Self {
        let task = format!("{MARK}{round}:{}", folder.display());
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([test, "--exact", "--nocapture", &task]).stdout(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    /// What it says, line by line, until it has ended. The last line may be half a line.
    pub(crate) fn lines(&mut self) -> impl Iterator<Item = String> + use<> {
        BufReader::new(self.0.stdout.take().unwrap()).lines().map(Result::unwrap)
    }

    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
    }
}

/// The round and the folder to work in, if this process is the one that is killed.
pub(crate) fn task() -> Option<(u64, String)> {
    let task = std::env::args().find_map(|arg| arg.strip_prefix(MARK).map(str::to_owned))?;
    let (round, folder) = task.split_once(':').unwrap();
    Some((round.parse().unwrap(), folder.to_owned()))
}
