//! Where findings go: to standard output for people or programs, and into a report.

use std::io::{self, BufWriter, StdoutLock, Write as _};

use serde::Serialize;

use super::{Failure, complain, report_file};
use crate::cli::documents::OutputArgs;
use crate::html::Report;
use crate::input::Input;
use crate::json::escape;
use crate::terminal::Screen;

/// Shows findings in the way that was asked for.
pub(super) struct Output<'a> {
    args: &'a OutputArgs,
    colour: bool,
    report: Option<Report>,
    printed: bool,
}

impl<'a> Output<'a> {
    /// Output as `args` say, about `inputs`; the report is called `title`.
    pub(super) fn new<'i>(
        args: &'a OutputArgs,
        colour: bool,
        title: &str,
        inputs: impl IntoIterator<Item = &'i Input>,
    ) -> Result<Self, Failure> {
        if let Some(path) = &args.html {
            report_file::check(path, inputs)?;
        }
        Ok(Self { args, colour, report: args.html.is_some().then(|| Report::new(title)), printed: false })
    }

    /// The report, if one was asked for.
    pub(super) const fn report(&mut self) -> Option<&mut Report> {
        self.report.as_mut()
    }

    /// Whether programs will read what is printed.
    pub(super) const fn is_json(&self) -> bool {
        self.args.json
    }

    /// Prints for people; an empty line divides what one call prints from what the next one does.
    pub(super) fn people(
        &mut self,
        print: impl FnOnce(&mut Screen<BufWriter<StdoutLock<'static>>>) -> io::Result<()>,
    ) -> io::Result<()> {
        let is_first = !std::mem::replace(&mut self.printed, true);
        to_people(self.colour, |screen| {
            if !is_first {
                screen.blank()?;
            }
            print(screen)
        })
    }

    /// Writes the report, if one was asked for and there is something in it.
    pub(super) fn finish(self) -> Result<(), Failure> {
        let (Some(path), Some(report)) = (&self.args.html, self.report) else {
            return Ok(());
        };
        if report.is_empty() {
            return Ok(());
        }
        report_file::write(path, &report.page())?;
        complain(&format!("the report is in {}", path.display()));
        Ok(())
    }
}

/// Prints for people.
pub(super) fn to_people(
    colour: bool,
    print: impl FnOnce(&mut Screen<BufWriter<StdoutLock<'static>>>) -> io::Result<()>,
) -> io::Result<()> {
    let columns = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    let mut screen = Screen::new(BufWriter::new(io::stdout().lock()), colour, columns);
    print(&mut screen)?;
    screen.flush()
}

/// How wide the terminal is that standard output goes to; `None` if it goes elsewhere.
pub(super) fn terminal_columns() -> Option<usize> {
    terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0))
}

/// Prints `value` as JSON in one line.
pub(super) fn print_json(value: &impl Serialize) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    escape::write(&mut out, value)?;
    writeln!(out)?;
    out.flush()
}
