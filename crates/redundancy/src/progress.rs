//! A progress bar on standard error for work that takes longer than a second. In a pipe there is none.

use std::io::{self, IsTerminal as _};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::terminal::excerpt::printable;

/// Work that takes less is done before a bar could be read.
const PATIENCE: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(100);

/// Progress through a number of bytes.
pub(crate) struct Progress {
    bar: ProgressBar,
    /// Dropped when the work is done, which ends the thread that waits to show the bar.
    done: Option<Sender<()>>,
}

impl Progress {
    /// Progress through `total_bytes`, if they are known.
    pub(crate) fn new(total_bytes: Option<u64>) -> Self {
        let bar = ProgressBar::with_draw_target(total_bytes, ProgressDrawTarget::hidden());
        let template = match total_bytes {
            Some(_) => "{spinner} {bar:30} {bytes}/{total_bytes} {msg}",
            None => "{spinner} {elapsed} {msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let done = io::stderr().is_terminal().then(|| show_later(bar.clone()));
        Self { bar, done }
    }

    /// Work of which nobody knows how much there is.
    pub(crate) fn open_ended() -> Self {
        Self::new(None)
    }

    /// Says what is worked on now.
    pub(crate) fn begin(&self, name: &str) {
        self.bar.set_message(printable(name));
    }

    /// Counts `bytes` as done.
    pub(crate) fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    /// Does `print` while the bar is out of the way.
    pub(crate) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.done.take();
        self.bar.finish_and_clear();
    }
}

/// Shows `bar` after a while, unless the work was done before.
fn show_later(bar: ProgressBar) -> Sender<()> {
    let (done, waiting) = channel();
    thread::spawn(move || {
        if waiting.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) && !bar.is_finished() {
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar.enable_steady_tick(TICK);
        }
    });
    done
}
