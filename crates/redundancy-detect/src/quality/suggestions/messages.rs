//! What a person reads about a finding: what is so, in figures, and what to do. Spanish for Spanish texts, English otherwise.

use super::finding::Finding;

/// A language that messages are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tongue {
    English,
    Spanish,
}

impl Tongue {
    /// The language for texts in the language with the primary subtag `language`.
    pub(super) fn of(language: &str) -> Self {
        if language == "es" { Self::Spanish } else { Self::English }
    }

    /// The message about `finding`.
    pub(super) fn message(self, finding: &Finding) -> String {
        match self {
            Self::English => english(finding),
            Self::Spanish => spanish(finding),
        }
    }
}

fn english(finding: &Finding) -> String {
    match finding {
        Finding::HardToRead { score, words_per_sentence } => format!(
            "The text is hard to read: it scores {score:.0} of 100, and its sentences have {words_per_sentence:.1} words on average. \
             Shorter sentences and plainer words would help most."
        ),
        Finding::HighRedundancy { share, longest_words } => format!(
            "{:.0} % of the words repeat passages that stood earlier. The longest repeat, {longest_words} words, is here: \
             say it once.",
            share * 100.0
        ),
        Finding::RepeatedWord { word, times } => format!("“{word}” stands {times} times in a row: keep one."),
        Finding::RepeatedSentence { words, times } => {
            format!("This sentence of {words} words stands {times} times in the text: once may be enough.")
        }
        Finding::LongSentence { words } => {
            format!("This sentence has {words} words. Readers lose the thread after about 30: split it.")
        }
        Finding::ComplexWords { complex, words, examples } => format!(
            "{complex} of the {words} words in this sentence have four or more syllables ({}): try shorter words.",
            quoted(examples)
        ),
        Finding::WordyPhrase { phrase, shorter: "", .. } => format!("“{phrase}” adds nothing: leave it out."),
        Finding::WordyPhrase { phrase, shorter, .. } => {
            format!("“{phrase}” can be said shorter: “{shorter}”.")
        }
        Finding::RepeatedStart { word, sentences } => {
            format!("{sentences} sentences in a row begin with “{word}”: vary how they begin.")
        }
        Finding::LongParagraph { words } => {
            format!("This paragraph has {words} words. Break it up where a new thought begins.")
        }
        Finding::LowLexicalDiversity { mtld } => format!(
            "The text keeps using the same few words: its lexical diversity (MTLD) is {mtld:.0}, and prose usually has 50 or \
             more. Vary the wording where the meaning allows."
        ),
    }
}

fn spanish(finding: &Finding) -> String {
    match finding {
        Finding::HardToRead { score, words_per_sentence } => format!(
            "El texto es difícil de leer: obtiene {score:.0} de 100, y sus oraciones tienen {words_per_sentence:.1} palabras de media. \
             Lo que más ayudaría son oraciones más cortas y palabras más sencillas."
        ),
        Finding::HighRedundancy { share, longest_words } => format!(
            "El {:.0} % de las palabras repite pasajes anteriores. La repetición más larga, de {longest_words} palabras, está \
             aquí: basta con decirlo una vez.",
            share * 100.0
        ),
        Finding::RepeatedWord { word, times } => {
            format!("«{word}» aparece {times} veces seguidas: deje una.")
        }
        Finding::RepeatedSentence { words, times } => {
            format!(
                "Esta oración de {words} palabras aparece {times} veces en el texto: quizá baste con una."
            )
        }
        Finding::LongSentence { words } => {
            format!("Esta oración tiene {words} palabras. A partir de unas 30 se pierde el hilo: divídala.")
        }
        Finding::ComplexWords { complex, words, examples } => format!(
            "{complex} de las {words} palabras de esta oración tienen cinco o más sílabas ({}): pruebe con palabras más cortas.",
            quoted(examples)
        ),
        Finding::WordyPhrase { phrase, shorter: "", .. } => {
            format!("«{phrase}» no aporta nada: puede quitarse.")
        }
        Finding::WordyPhrase { phrase, shorter, .. } => {
            format!("«{phrase}» puede decirse con menos palabras: «{shorter}».")
        }
        Finding::RepeatedStart { word, sentences } => {
            format!("{sentences} oraciones seguidas empiezan por «{word}»: varíe el comienzo.")
        }
        Finding::LongParagraph { words } => {
            format!("Este párrafo tiene {words} palabras. Divídalo donde empiece una idea nueva.")
        }
        Finding::LowLexicalDiversity { mtld } => format!(
            "El texto usa una y otra vez las mismas palabras: su diversidad léxica (MTLD) es {mtld:.0}, y en prosa lo habitual \
             es 50 o más. Varíe las palabras donde el sentido lo permita."
        ),
    }
}

fn quoted(words: &[String]) -> String {
    words.join(", ")
}
