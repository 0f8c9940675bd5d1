//! What the environment says about colours. It belongs to the person at the terminal, not to the service, so it is no
//! setting of the table.

/// Whether colours fit a terminal: not if `NO_COLOR` is set to anything, nor on a terminal that calls itself dumb.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the settings are the one place that reads the environment")]
pub fn colours_fit() -> bool {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !no_color && !dumb
}
