"""Similarity of short texts against human judgement: STS-b, sentence pairs that people scored from 0 to 5, in English
and in a machine translation to Spanish. Our measures compare words and passages, not meanings, so the correlation has
a ceiling; what matters is that it is not below what simple measures reach, and that both languages fare alike."""

from measures import character_grams, jaccard, pearson, shingles, spearman
from report import figure, table

TITLE = "Similarity of sentences and human judgement"
LANGUAGES = ("en", "es")
# None leaves the parameter out, so that the service's own default counts.
LEAST_WORDS = (None, 1)
BASELINES = {
    "baseline: Jaccard of words": lambda text: shingles(text, 1),
    "baseline: Jaccard of character 4-grams": character_grams,
}


def measure(service, texts, _seed):
    pairs = {language: [] for language in LANGUAGES}
    for pair in texts.documents("stsb_en_es"):
        pairs[pair["lang"]].append(pair)

    human = {language: [pair["score"] for pair in pairs[language]] for language in LANGUAGES}
    scores = {}
    for least_words in LEAST_WORDS:
        asked = {language: ask(service, pairs[language], least_words) for language in LANGUAGES}
        label = "default" if least_words is None else least_words
        for name in ("similarity_score", "jaccard", "cosine"):
            # Only the similarity score depends on the length of a passage.
            key = f"`{name}`, min_passage_words {label}" if name == "similarity_score" else f"`{name}`"
            scores[key] = {language: [answer[name] for answer in asked[language]] for language in LANGUAGES}
    for name, grams in BASELINES.items():
        scores[name] = {
            language: [jaccard(grams(pair["text1"]), grams(pair["text2"])) for pair in pairs[language]]
            for language in LANGUAGES
        }

    return "\n\n".join([
        f"{len(human['en'])} English pairs and {len(human['es'])} Spanish ones. The gap is English minus Spanish.",
        *(
            f"{name}:\n\n{correlations(correlation, human, scores)}"
            for name, correlation in (("Pearson", pearson), ("Spearman", spearman))
        ),
    ])


def ask(service, pairs, least_words):
    chosen = {} if least_words is None else {"min_passage_words": least_words}
    return service.ask_all("similarity", [{"text1": p["text1"], "text2": p["text2"], **chosen} for p in pairs])


def correlations(correlation, human, scores):
    rows = []
    for name, by_language in scores.items():
        english, spanish = (correlation(human[language], by_language[language]) for language in LANGUAGES)
        gap = None if english is None or spanish is None else english - spanish
        rows.append([name, figure(english), figure(spanish), figure(gap)])
    return table(["measure", "en", "es", "gap"], rows)
