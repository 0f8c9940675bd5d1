//! Where two vowels that stand side by side in English are spoken apart, as a table of spellings.

use super::vowels::is_vowel_letter;

/// A spelling that tells whether the vowels in it are spoken apart.
struct Rule {
    /// What stands before the pair: one of these, with a space between; nothing in particular when empty. `^` is the start
    /// of the word, `+` asks for a vowel somewhere before the pair.
    before: &'static str,
    /// The pair and what follows: one of these, all beginning with the same letter. `$` is the end of the word.
    from: &'static str,
    apart: bool,
}

const fn apart(before: &'static str, from: &'static str) -> Rule {
    Rule { before, from, apart: true }
}

const fn together(before: &'static str, from: &'static str) -> Rule {
    Rule { before, from, apart: false }
}

/// The first rule that fits decides. Pairs that no rule fits are spoken together.
const RULES: &[Rule] = &[
    // chaos, mosaic; not Mao
    together("", "ao$"),
    apart("", "ao aic$ aics$ aical aism"),
    // idea, area; not sea, nausea
    together("s", "ea$ eas$"),
    apart("+", "ea$ eas$"),
    // agreeable, theater, deactivate, create, delineate; not creature, eaten
    apart("e", "eab"),
    apart("^th", "eat"),
    apart("^d", "eact"),
    together("cr", "eature"),
    apart("cr", "eat"),
    together("n m", "eaten$"),
    apart("n m", "eate eati eato"),
    // reality, meander, react, reapply
    apart("", "eality ealis ealiz eatr eand"),
    apart("^r ^pr", "eact eadj eaff eallo ealig eamb eapp earr eass eatt eauth eawak"),
    // Korean, linear, nuclear, cereal; not clear
    apart("an +bb +cl er in ol op or +rn un ur", "eal$ ean$ eans$ ear$"),
    // geology, video; not people, pigeon, courageous, leopard
    apart("^g", "eog eol eom eot"),
    together("c g p", "eon eople eor eou"),
    together("l", "eopard"),
    apart("", "eo"),
    // museum, reuse, seeing, deity, atheist, reinforce, reenter; not ageing
    apart("", "eum$ eums$ eus$"),
    apart("^r", "eu"),
    together("g y", "eing$"),
    apart("", "eing$ eings$ eism eity"),
    apart("^ath ^d", "eist"),
    apart("^r", "eimb einc einf eins eint einv eit"),
    apart("^pr ^r", "eele eemi eemp eent eest eexa eexi"),
    // media; not Asia, nostalgia, Patricia
    together("ct g lic ric s", "ia$"),
    apart("", "ia$"),
    // appreciate, piano, enthusiast; not special, partial, Asian, collegiate
    apart("c t", "iano iar iat"),
    together("g s", "iate$"),
    apart("g s", "iac ias iat"),
    together("c g s t", "ia"),
    // giant, dial; not Italian, familiar, brilliant, marriage
    together("+l", "ian$ ians$ iar$ iarity$"),
    together("ll val", "ian"),
    together("", "iage"),
    apart("", "ia ii"),
    // ratio, lion, patriot; not nation, anxious, fashion, opinion, senior, million, behavior
    apart("", "io$ ios$"),
    together("c g h s t x", "ion iou"),
    together("n", "ion ior"),
    together("+l", "ion"),
    together("v", "ior iour"),
    apart("", "io"),
    // radium; not Belgium
    together("g", "iu"),
    apart("", "iu"),
    // happier, heaviest, quiet; not cashier, frontier, pier
    together("em old ront sh", "ier$ iers$ iest$"),
    apart("+", "ier$ iers$ iest$"),
    apart("", "iet"),
    // science, client, audience; not conscience, patient, friend, convenient
    together("^consc", "ien"),
    apart("sc ^cl", "ien"),
    together("c fr t ven", "ien"),
    apart("", "ience iency ienn ient"),
    // poem, poet, whoever, coerce, coexist
    apart("", "oem oer$ oerc oers$ oetr oever"),
    apart("^p", "oet"),
    apart("^c", "oed oeff oex"),
    // oasis, coalition, samoa; not road
    apart("", "oact oalit oasis oauth"),
    apart("+", "oa$"),
    // cooperate, zoology; not cooped
    together("c", "ooped$"),
    apart("c z", "oolo oope oopt oord"),
    // going, heroic, coincide
    apart("", "oic$ oical oics$ oing$ oings$ oism"),
    apart("^c", "oinc"),
    // actual; not persuade, quay
    together("", "uade uay"),
    together("ers", "ua"),
    apart("", "ua"),
    // fluent, cruel, duet; not Venezuela
    together("", "uela"),
    apart("", "uel uenc uent uer$ uers$ uet"),
    // fluid, ruin, genuine, continuity; not fruit
    apart("", "uid$ uidi uids$ uin$ uine uing$ uings$ uins$ uish uiti uity"),
    // continuous, vacuum; not liquor, buoy
    together("", "uor uoy"),
    apart("", "uo uu"),
    // carrying, cyan, anyone; not canyon, Kenya, vineyard, dye
    apart("n", "yone"),
    together("n", "ya yo"),
    together("", "yard ye$ yed$ yes$ yy"),
    apart("", "y"),
];

/// Whether the vowel at `at` is spoken apart from the vowel before it.
pub(super) fn divides(word: &[u8], at: usize) -> bool {
    let Some((before, from)) = at.checked_sub(1).and_then(|first| word.split_at_checked(first)) else {
        return false;
    };
    RULES.iter().find(|rule| rule.fits(before, from)).is_some_and(|rule| rule.apart)
}

impl Rule {
    fn fits(&self, before: &[u8], from: &[u8]) -> bool {
        self.from.as_bytes().first() == from.first()
            && self.from.split(' ').any(|start| match start.strip_suffix('$') {
                Some(whole) => whole.as_bytes() == from,
                None => from.starts_with(start.as_bytes()),
            })
            && self.before.split(' ').any(|end| ends(before, end))
    }
}

/// Whether the letters `before` end as `end` asks.
fn ends(before: &[u8], end: &str) -> bool {
    if let Some(whole) = end.strip_prefix('^') {
        return before == whole.as_bytes();
    }
    match end.strip_prefix('+') {
        Some(end) => before.ends_with(end.as_bytes()) && before.iter().any(|&b| is_vowel_letter(b)),
        None => before.ends_with(end.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_of_a_rule_begin_with_the_same_letter() {
        for rule in RULES {
            let first = rule.from.as_bytes().first();
            assert!(rule.from.split(' ').all(|start| start.as_bytes().first() == first), "{}", rule.from);
        }
    }
}
