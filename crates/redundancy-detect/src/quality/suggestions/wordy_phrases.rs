//! Phrases that can be said in fewer words, for English and Spanish. Short lists on purpose: only phrases that a shorter word
//! replaces in nearly every sentence.

/// A phrase and the shorter way to say it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wordy {
    /// The phrase: normalised words with one space between them.
    pub(super) phrase: &'static str,
    /// What to say instead; empty when nothing is lost without it.
    pub(super) shorter: &'static str,
}

impl Wordy {
    /// The words of the phrase.
    pub(super) fn words(&self) -> impl Iterator<Item = &'static str> {
        self.phrase.split(' ')
    }
}

/// The phrases of the language with the primary subtag `language`, sorted by words; none for most languages.
pub(super) fn of(language: &str) -> &'static [Wordy] {
    match language {
        "en" => ENGLISH,
        "es" => SPANISH,
        _ => &[],
    }
}

const fn wordy(phrase: &'static str, shorter: &'static str) -> Wordy {
    Wordy { phrase, shorter }
}

const ENGLISH: &[Wordy] = &[
    wordy("a large number of", "many"),
    wordy("a majority of", "most"),
    wordy("absolutely essential", "essential"),
    wordy("accounted for by the fact that", "because"),
    wordy("along the lines of", "like"),
    wordy("as a consequence of", "because of"),
    wordy("as a means of", "to"),
    wordy("as of yet", "yet"),
    wordy("as to whether", "whether"),
    wordy("at a later date", "later"),
    wordy("at all times", "always"),
    wordy("at that point in time", "then"),
    wordy("at the present time", "now"),
    wordy("at this point in time", "now"),
    wordy("by means of", "by"),
    wordy("by virtue of", "by"),
    wordy("despite the fact that", "although"),
    wordy("due to the fact that", "because"),
    wordy("during the course of", "during"),
    wordy("each and every", "each"),
    wordy("end result", "result"),
    wordy("for the purpose of", "to"),
    wordy("for the reason that", "because"),
    wordy("free gift", "gift"),
    wordy("future plans", "plans"),
    wordy("has the ability to", "can"),
    wordy("has the capacity to", "can"),
    wordy("have a tendency to", "tend to"),
    wordy("have the ability to", "can"),
    wordy("in a timely manner", "on time"),
    wordy("in accordance with", "under"),
    wordy("in close proximity to", "near"),
    wordy("in excess of", "more than"),
    wordy("in light of the fact that", "because"),
    wordy("in order that", "so that"),
    wordy("in order to", "to"),
    wordy("in regard to", "about"),
    wordy("in relation to", "about"),
    wordy("in spite of the fact that", "although"),
    wordy("in the absence of", "without"),
    wordy("in the course of", "during"),
    wordy("in the event of", "if there is"),
    wordy("in the event that", "if"),
    wordy("in the near future", "soon"),
    wordy("in the vicinity of", "near"),
    wordy("in view of the fact that", "because"),
    wordy("it is important to note that", ""),
    wordy("it should be noted that", ""),
    wordy("it should be pointed out that", ""),
    wordy("make a decision", "decide"),
    wordy("on a daily basis", "daily"),
    wordy("on a regular basis", "regularly"),
    wordy("on account of", "because of"),
    wordy("on the grounds that", "because"),
    wordy("on the part of", "by"),
    wordy("owing to the fact that", "because"),
    wordy("past history", "history"),
    wordy("prior to", "before"),
    wordy("regardless of the fact that", "although"),
    wordy("subsequent to", "after"),
    wordy("take into consideration", "consider"),
    wordy("the majority of", "most"),
    wordy("the reason is because", "because"),
    wordy("until such time as", "until"),
    wordy("with reference to", "about"),
    wordy("with regard to", "about"),
    wordy("with respect to", "about"),
    wordy("with the exception of", "except"),
    wordy("with the result that", "so"),
];

const SPANISH: &[Wordy] = &[
    wordy("a consecuencia de", "por"),
    wordy("a efectos de", "para"),
    wordy("a fin de", "para"),
    wordy("a fin de que", "para que"),
    wordy("a la mayor brevedad posible", "cuanto antes"),
    wordy("a los efectos de", "para"),
    wordy("a pesar del hecho de que", "aunque"),
    wordy("al objeto de", "para"),
    wordy("con anterioridad a", "antes de"),
    wordy("con el fin de", "para"),
    wordy("con el fin de que", "para que"),
    wordy("con el objetivo de", "para"),
    wordy("con el objeto de", "para"),
    wordy("con el propósito de", "para"),
    wordy("con la excepción de", "salvo"),
    wordy("con la finalidad de", "para"),
    wordy("con posterioridad a", "después de"),
    wordy("con relación a", "sobre"),
    wordy("con respecto a", "sobre"),
    wordy("de acuerdo con lo establecido en", "según"),
    wordy("de cara a", "para"),
    wordy("de conformidad con", "según"),
    wordy("debido al hecho de que", "porque"),
    wordy("durante el transcurso de", "durante"),
    wordy("en aras de", "para"),
    wordy("en base a", "según"),
    wordy("en caso de que", "si"),
    wordy("en el caso de que", "si"),
    wordy("en el curso de", "durante"),
    wordy("en el momento actual", "ahora"),
    wordy("en el momento en que", "cuando"),
    wordy("en el supuesto de que", "si"),
    wordy("en estos momentos", "ahora"),
    wordy("en la actualidad", "hoy"),
    wordy("en lo que respecta a", "sobre"),
    wordy("en lo que se refiere a", "sobre"),
    wordy("en lo referente a", "sobre"),
    wordy("en lo relativo a", "sobre"),
    wordy("en orden a", "para"),
    wordy("en relación con", "sobre"),
    wordy("en un breve plazo de tiempo", "pronto"),
    wordy("en virtud de", "por"),
    wordy("es importante señalar que", ""),
    wordy("es preciso señalar que", ""),
    wordy("hacer entrega de", "entregar"),
    wordy("hacer uso de", "usar"),
    wordy("llevar a cabo", "hacer"),
    wordy("no obstante lo anterior", "aun así"),
    wordy("poner de manifiesto", "mostrar"),
    wordy("por lo que respecta a", "sobre"),
    wordy("por lo que se refiere a", "sobre"),
    wordy("por medio de", "con"),
    wordy("por parte de", "por"),
    wordy("resultado final", "resultado"),
    wordy("sin perjuicio de que", "aunque"),
    wordy("tener conocimiento de", "saber"),
    wordy("tomar en consideración", "considerar"),
    wordy("tomar una decisión", "decidir"),
    wordy("un gran número de", "muchos"),
    wordy("una gran cantidad de", "mucho"),
    wordy("volver a repetir", "repetir"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Text;

    #[test]
    fn phrases_are_sorted_normalised_and_longer_than_their_replacement() {
        for list in [ENGLISH, SPANISH] {
            assert!(list.is_sorted_by(|one, next| one.words().lt(next.words())));
            for wordy in list {
                let text = Text::new(wordy.phrase).unwrap();
                assert!(text.vocabulary().iter().eq(distinct(wordy)), "{}", wordy.phrase);
                assert!(wordy.shorter.split_whitespace().count() < wordy.words().count(), "{}", wordy.phrase);
            }
        }
    }

    fn distinct(wordy: &Wordy) -> impl Iterator<Item = &'static str> {
        let mut seen = Vec::new();
        wordy.words().filter(move |word| {
            !seen.contains(word) && {
                seen.push(*word);
                true
            }
        })
    }
}
