"""Texts with passages planted in them, and where: a collection in the manner of the plagiarism corpora of PAN, made from a seed.

Queries are articles (English) and pieces of novels (Spanish), into which passages are put between paragraphs; the sources are Python
Enhancement Proposals and Peruvian laws. Queries and sources are of so different kinds that what they share was planted. A passage is taken
only from where no run of EIGHT words stands in another source too, so that there is one right answer. Offsets count characters."""

import collections
import random
import re

import edits
from plagdet import Passage

KINDS = ("verbatim", "shuffled sentences", "typos", "replaced words", "gaps")
LANGUAGES = {"en": ("peps_en", "onestop_english"), "es": ("legalize_pe_es_quarter", "conha19_es_novels")}
SOURCES, QUERIES = 300, 200
SOURCE_WORDS, QUERY_WORDS = (800, 20_000), (400, 1_500)
LEAST_WORDS, MOST_WORDS = 50, 400
MOST_PASSAGES = 3
# Of this share of the queries nothing was copied.
UNTOUCHED = 0.2
EIGHT = 8
TRIES = 50
TYPOS, REPLACED, DROPPED = 0.03, 0.1, 0.1
LONGEST_GAP = 5
SENTENCE_END = re.compile(r"(?<=[.;:!?])\s+")

Query = collections.namedtuple("Query", "id text cases")
# A passage that was planted, how it was changed, and how many words of the source it covers.
Case = collections.namedtuple("Case", "passage kind words")


class Planted:
    """The sources {id: text} and the queries of one language."""

    def __init__(self, texts, language, seed):
        chance = random.Random(f"{seed} {language}")
        sources, articles = LANGUAGES[language]
        fitting = [document for document in texts.documents(sources) if _within(document["text"], SOURCE_WORDS)]
        chosen = chance.sample(fitting, min(SOURCES, len(fitting)))
        self.sources = {document["id"]: document["text"] for document in chosen}
        self.shared = shared_runs(self.sources.values())
        self.pool = edits.pool_of(self.sources.values())
        hosts = list(_hosts(texts.documents(articles), chance))
        self.queries = [self._query(f"{language}/{number}", chance.choice(hosts), chance) for number in range(QUERIES)]

    def _query(self, name, paragraphs, chance):
        """An article with passages between its paragraphs, each of another source."""
        count = 0 if chance.random() < UNTOUCHED else chance.randint(1, MOST_PASSAGES)
        tried = [self._passage(source, chance) for source in chance.sample(sorted(self.sources), count)]
        planted = [passage for passage in tried if passage]
        places = sorted(chance.randrange(len(paragraphs) + 1) for _ in planted)
        text, cases = "", []
        for number in range(len(paragraphs) + 1):
            while places and places[0] == number:
                places.pop(0)
                source, span, copied, kind, words = planted.pop()
                cases.append(Case(Passage(name, (len(text), len(text) + len(copied)), source, span), kind, words))
                text += copied + "\n\n"
            if number < len(paragraphs):
                text += paragraphs[number] + "\n\n"
        return Query(name, text, cases)

    def _passage(self, source, chance):
        """A passage of a source, changed in one of the ways; None if all that were tried stand in other sources too."""
        text = self.sources[source]
        words = edits.spans(text)
        for _ in range(TRIES):
            length = chance.randint(LEAST_WORDS, MOST_WORDS)
            first = chance.randrange(len(words) - length)
            start, end = words[first][0], words[first + length - 1][1]
            copied = text[start:end]
            if self.shared.isdisjoint(runs(copied)):
                kind = chance.choice(KINDS)
                return source, (start, end), CHANGES[kind](copied, self.pool, chance), kind, length
        return None


def _within(text, bounds):
    return bounds[0] <= len(text.split()) <= bounds[1]


def _hosts(documents, chance):
    """Articles as lists of paragraphs; long texts give one stretch each time they are met, from somewhere."""
    for document in documents:
        paragraphs = [paragraph.strip() for paragraph in re.split(r"\n+", document["text"]) if paragraph.strip()]
        for _ in range(1 + len(document["text"]) // 50_000):
            first, words, host = chance.randrange(len(paragraphs)) if len(paragraphs) > 200 else 0, 0, []
            for paragraph in paragraphs[first:]:
                host.append(paragraph)
                words += len(paragraph.split())
                if words >= QUERY_WORDS[1]:
                    break
            if words >= QUERY_WORDS[0]:
                yield host


def runs(text):
    """The runs of EIGHT words of a text."""
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[start : start + EIGHT]) for start in range(len(words) - EIGHT + 1)}


def shared_runs(texts):
    """The runs of words that stand in more than one of the texts."""
    seen, shared = set(), set()
    for text in texts:
        own = runs(text)
        shared |= own & seen
        seen |= own
    return shared


def shuffle_sentences(text, _, chance):
    sentences = SENTENCE_END.split(text)
    chance.shuffle(sentences)
    return " ".join(sentences)


def swap_letters(text, _, chance):
    """In some of the words of four letters and more, two neighbours change places."""
    long = [(start, end) for start, end in edits.spans(text) if end - start >= 4]
    replacements = []
    for start, end in chance.sample(long, max(1, round(TYPOS * len(long))) if long else 0):
        at = chance.randrange(start, end - 1)
        replacements.append((at, at + 2, text[at + 1] + text[at]))
    return edits.replace_spans(text, replacements)


def leave_gaps(text, _, chance):
    """Without runs of one to LONGEST_GAP words, together about DROPPED of all; the first and the last word stay."""
    words, kept, number = text.split(), [], 0
    while number < len(words):
        inside = 0 < number < len(words) - LONGEST_GAP - 1
        # A gap has three words on average, so this many begin.
        if inside and chance.random() < DROPPED / 3:
            number += chance.randint(1, LONGEST_GAP)
        kept.append(words[number])
        number += 1
    return " ".join(kept)


CHANGES = {
    "verbatim": lambda text, pool, chance: text,
    "shuffled sentences": shuffle_sentences,
    "typos": swap_letters,
    "replaced words": lambda text, pool, chance: edits.replace_words(text, pool, chance, REPLACED),
    "gaps": leave_gaps,
}
