//! Findings for a person at a terminal: a short summary, then the evidence in its context. In a pipe the same comes
//! without colours, with brackets around what is highlighted.

pub mod analysis;
pub mod comparison;
pub mod delivery;
pub mod endpoint;
pub mod excerpt;
pub mod flow;
pub mod key;
pub mod quality;
pub mod screen;
pub mod search;
pub mod style;
pub mod table;
pub mod when;

mod bar;

pub use screen::Screen;
