//! Findings as one page of HTML that needs nothing else: no scripts, no fonts, no pictures, no network. The texts stand in
//! it whole, with everything that was found highlighted and linked.
//!
//! Whatever comes from outside is escaped on its way into the page; beyond that, the page forbids the browser to
//! load or run anything at all.

mod analysis;
mod colour;
mod comparison;
mod dedup;
mod escape;
mod marks;
mod parts;
mod quality;

use std::fmt::Write as _;

use redundancy_engine::Comparison;
use redundancy_engine::detect::{Analysis, Quality};

use crate::input::Document;
use escape::escaped;

pub use dedup::{DedupFindings, Evidence, Excerpt, ShownCluster};

const STYLE: &str = include_str!("html/style.css");
/// No script, picture, font or frame, wherever from; only the style that stands in the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// A report in the making: one section for each thing that was looked into.
#[derive(Debug)]
pub struct Report {
    title: String,
    sections: Vec<Section>,
}

#[derive(Debug)]
struct Section {
    /// What it is about.
    name: String,
    /// What was found, in a word or two.
    headline: String,
    /// What stands in it, as HTML.
    body: String,
}

impl Report {
    /// An empty report.
    #[must_use]
    pub fn new(title: &str) -> Self {
        Self { title: title.to_owned(), sections: Vec::new() }
    }

    /// Whether nothing has been added.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.sections.is_empty()
    }

    /// Adds what is redundant inside a document. Positions count bytes of its text.
    pub fn add_analysis(&mut self, document: &Document, analysis: &Analysis) {
        let prefix = self.next_prefix();
        self.sections.push(analysis::section(&prefix, document, analysis));
    }

    /// Adds what two documents share. Positions count bytes of their texts.
    pub fn add_comparison(&mut self, documents: (&Document, &Document), comparison: &Comparison) {
        let prefix = self.next_prefix();
        self.sections.push(comparison::section(&prefix, documents, comparison));
    }

    /// Adds how well a document reads. Positions count bytes of its text.
    pub fn add_quality(&mut self, document: &Document, quality: &Quality) {
        let prefix = self.next_prefix();
        self.sections.push(quality::section(&prefix, document, quality));
    }

    /// Adds the duplicates in a corpus.
    pub fn add_dedup(&mut self, findings: &DedupFindings<'_>) {
        let prefix = self.next_prefix();
        self.sections.push(dedup::section(&prefix, findings));
    }

    /// The page.
    #[must_use]
    pub fn page(&self) -> String {
        let title = escaped(&self.title);
        let tab = match self.sections.as_slice() {
            [only] => format!("{} · {title}", escaped(&only.name)),
            _ => title.to_string(),
        };
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{tab}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
             <header class=\"top\"><h1>{title}</h1></header>\n"
        );
        if self.sections.len() > 1 {
            page.push_str("<nav class=\"files\"><ol>\n");
            for (number, section) in self.sections.iter().enumerate() {
                let _ = writeln!(
                    page,
                    "<li><a href=\"#{}\"><span>{}</span><strong>{}</strong></a></li>",
                    prefix(number),
                    escaped(&section.name),
                    escaped(&section.headline)
                );
            }
            page.push_str("</ol></nav>\n");
        }
        for (number, section) in self.sections.iter().enumerate() {
            let (prefix, name) = (prefix(number), escaped(&section.name));
            let _ = writeln!(page, "<section id=\"{prefix}\">\n<h2>{name}</h2>\n{}</section>", section.body);
        }
        let version = env!("CARGO_PKG_VERSION");
        let _ = writeln!(page, "<footer>redundancy {version}</footer>\n</body>\n</html>");
        page
    }

    fn next_prefix(&self) -> String {
        prefix(self.sections.len())
    }
}

/// What the ids of a section begin with.
fn prefix(number: usize) -> String {
    format!("f{}", number + 1)
}
