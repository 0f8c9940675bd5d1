//! The HTML report: one sound page that needs nothing else and that no text can break out of.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use html5gum::{Token, Tokenizer};

use crate::kit::{PASSAGE, Place, Run};

/// Elements without an end tag.
const VOID: [&str; 2] = ["meta", "br"];

/// What a browser would make of a page.
#[derive(Default)]
pub(crate) struct Page {
    ids: HashSet<String>,
    links: Vec<String>,
    text: String,
    badges: usize,
}

impl Page {
    /// Reads a page and fails if it is not sound, or refers to anything outside itself.
    #[track_caller]
    pub(crate) fn of(source: &str) -> Self {
        let mut page = Self::default();
        let mut open: Vec<String> = Vec::new();
        for Ok(token) in Tokenizer::new(source) {
            match token {
                Token::StartTag(tag) => {
                    let name = String::from_utf8(tag.name.to_vec()).unwrap();
                    assert!(
                        !["script", "link", "img", "iframe", "object", "base", "form"]
                            .contains(&name.as_str()),
                        "<{name}>"
                    );
                    let mut class = String::new();
                    for (attribute, value) in &tag.attributes {
                        let [attribute, value] = [&attribute[..], &value[..]]
                            .map(|text| String::from_utf8(text.to_vec()).unwrap());
                        page.attribute(&attribute, &value);
                        if attribute == "class" {
                            class = value;
                        }
                    }
                    page.badges += usize::from(name == "a" && class == "n");
                    if !VOID.contains(&name.as_str()) {
                        open.push(name);
                    }
                }
                Token::EndTag(tag) => {
                    let name = String::from_utf8(tag.name.to_vec()).unwrap();
                    assert_eq!(open.pop().as_ref(), Some(&name), "</{name}> closes another element");
                }
                Token::String(text) if open.last().is_none_or(|name| name != "style") => {
                    page.text.push_str(std::str::from_utf8(&text).unwrap());
                }
                Token::String(style) => {
                    let style = String::from_utf8(style.to_vec()).unwrap();
                    assert!(!style.contains("url(") && !style.contains("@import"), "{style}");
                }
                Token::Error(error) => panic!("{error:?}"),
                Token::Doctype(_) | Token::Comment(_) => {}
            }
        }
        assert!(open.is_empty(), "never closed: {open:?}");
        for link in &page.links {
            assert!(page.ids.contains(link), "#{link} leads nowhere");
        }
        page
    }

    /// The text that is seen.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// How many places are highlighted.
    pub(crate) const fn badges(&self) -> usize {
        self.badges
    }

    fn attribute(&mut self, name: &str, value: &str) {
        assert!(!name.starts_with("on") && name != "src" && name != "srcset", "{name}={value}");
        match name {
            "id" => assert!(self.ids.insert(value.to_owned()), "#{value} stands twice"),
            "href" => {
                let inside = value.strip_prefix('#').unwrap_or_else(|| panic!("{value} leads outside"));
                self.links.push(inside.to_owned());
            }
            _ => {}
        }
    }
}

fn report(place: &Place, arguments: &[&str]) -> Page {
    let run = place.run(&[arguments, &["--html", "report.html"]].concat()).ended_with(0);
    assert!(run.err.contains("the report is in report.html"), "{}", run.err);
    Page::of(&place.read("report.html"))
}

/// All words of a text, to compare texts by.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_report_shows_the_whole_text_with_a_badge_at_every_place() {
    let text = format!("Before.\n\n{PASSAGE}\n\nBetween.\n\n{PASSAGE}\n\n{PASSAGE}\n\nAfter.");
    let place = Place::new().file("a.txt", &text);
    let page = report(&place, &["analyze", "a.txt"]);
    assert_eq!(page.badges, 3);
    // From the list to the first place, and from each place to the next, round in a ring.
    let mut places = page.links.clone();
    places.sort();
    assert_eq!(places, ["f1p1-1", "f1p1-1", "f1p1-2", "f1p1-3"]);
    let shown = words(&page.text.replace("1The lighthouse", "The lighthouse"));
    assert!(shown.contains(&words(&text)), "{shown}");
}

#[test]
fn several_files_stand_on_one_page_with_a_list_of_them() {
    let place = Place::new().file("a.txt", "one").file("b.txt", format!("{PASSAGE} {PASSAGE}"));
    let page = report(&place, &["analyze", "a.txt", "b.txt"]);
    assert!(
        page.links.contains(&"f1".to_owned()) && page.links.contains(&"f2p1-1".to_owned()),
        "{:?}",
        page.links
    );
}

#[test]
fn a_comparison_links_every_match_with_its_twin() {
    let place =
        Place::new().file("a.txt", format!("One. {PASSAGE}")).file("b.txt", format!("{PASSAGE} Two."));
    let page = report(&place, &["compare", "a.txt", "b.txt"]);
    assert_eq!(page.badges, 2);
    let mut links = page.links.clone();
    links.sort();
    assert_eq!(links, ["f1a1", "f1a1", "f1b1"]);
}

#[test]
fn a_quality_report_links_every_suggestion_with_its_place() {
    let place = Place::new().file("a.txt", "The cat sat on the the mat. It was was warm.");
    let page = report(&place, &["quality", "a.txt"]);
    assert_eq!(page.badges, 2);
    assert!(page.text.contains("Flesch reading ease"), "{}", page.text);
}

#[test]
fn overlapping_and_nested_passages_make_a_sound_page() {
    let a = "alpha beta gamma delta epsilon zeta eta theta iota kappa";
    let b = "epsilon zeta eta theta iota kappa lambda mu nu xi";
    let text = format!(
        "{a}. {b}. {a} lambda mu nu xi. one {a}. two {b}. eta theta iota kappa eta theta iota kappa."
    );
    let place = Place::new().file("a.txt", text);
    for words in ["1", "2", "4", "8"] {
        let page = report(&place, &["analyze", "--min-words", words, "a.txt"]);
        assert!(page.badges > 1, "{words}");
    }
}

#[test]
fn no_text_and_no_name_can_leave_its_place_on_the_page() {
    let hostile = "</p></div><script>alert(1)</script><img src=x onerror=alert(1)> \" onclick=\"a ' & &lt; \
                   <!-- --><style>p{}</style><svg/onload=x> \u{0}\u{1b}[31m \u{202e} </title></style> the the";
    let name = "<b onclick='x'>\"&name.txt";
    let place =
        Place::new().file(name, format!("{hostile} {PASSAGE}\n\n{hostile} {PASSAGE}")).file("b.txt", hostile);
    for arguments in
        [&["analyze", name][..], &["quality", name], &["compare", name, "b.txt"], &["analyze", name, "b.txt"]]
    {
        let page = report(&place, arguments);
        assert!(page.text.contains("<script>alert(1)</script>"), "{}", page.text);
        assert!(page.text.contains("<b onclick='x'>\"&name.txt"), "{}", page.text);
        assert!(page.text.contains("&lt; <!-- -->"), "{}", page.text);
    }
}

#[test]
fn a_page_that_cannot_be_written_is_told() {
    let place = Place::new().file("a.txt", "one");
    let run = place.run(&["analyze", "a.txt", "--html", "missing/report.html"]).ended_with(1);
    assert!(run.err.contains("missing/report.html cannot be written: No such file"), "{}", run.err);
}

#[test]
fn a_report_never_takes_the_place_of_a_text() {
    let text = format!("<p>{PASSAGE}</p>");
    let place = Place::new().file("page.html", &text).file("b.txt", "two").file("folder/b.txt", "one");
    symlink("page.html", place.path().join("symbolic.html")).unwrap();
    fs::hard_link(place.path().join("page.html"), place.path().join("hard.html")).unwrap();
    for arguments in [
        &["analyze", "page.html", "--html", "page.html"][..],
        &["analyze", "page.html", "--html", "./page.html"],
        &["analyze", "page.html", "--html", "folder/../page.html"],
        &["analyze", "page.html", "--html", "symbolic.html"],
        &["analyze", "symbolic.html", "--html", "page.html"],
        &["quality", "b.txt", "page.html", "--html", "hard.html"],
        &["quality", "pag*.html", "--html", "page.html"],
        &["compare", "b.txt", "page.html", "--html", "page.html"],
    ] {
        let run = place.run(arguments).ended_with(2);
        assert!(run.err.contains("is one of the texts, and would be lost: choose another"), "{}", run.err);
        assert_eq!((run.out.as_str(), place.read("page.html")), ("", text.clone()), "{arguments:?}");
    }
    let mut redirected = place.command(&["analyze", "-", "--html", "page.html"]);
    redirected.stdin(fs::File::open(place.path().join("page.html")).unwrap());
    let run = Run::of(redirected).ended_with(2);
    assert!(run.err.contains("is the file on standard input"), "{}", run.err);
    assert_eq!(place.read("page.html"), text);
}

#[test]
fn an_older_report_is_written_again_and_a_thing_that_is_no_file_is_refused() {
    let place = Place::new().file("a.txt", "one").file("report.html", "old").file("folder.html/b.txt", "two");
    report(&place, &["analyze", "a.txt"]);
    let pipe = place.path().join("pipe.html");
    assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
    for name in ["folder.html", "pipe.html"] {
        let run = place.run(&["analyze", "a.txt", "--html", name]).ended_with(2);
        assert!(run.err.contains(&format!("--html {name}: is there and is no plain file")), "{}", run.err);
    }
}
