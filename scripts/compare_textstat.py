#!/usr/bin/env python3
"""Compares our readability figures with those of the Python package textstat, on real English and Spanish texts.

Two comparisons for each measure:

- texts: both programs read the same texts. They may differ in what they count (where a sentence ends, how many
  syllables a word has) and in the formula.
- formula: our formula is fed with textstat's counts. Only the formula can differ.

A mean relative difference above 2 % between the texts, or above 0.001 % between the formulas, fails unless the tables
TEXTS_DIFFER and FORMULAS_DIFFER explain it, with a bound that it must keep. Two columns between them say where a
difference comes from: our counts with textstat's sentences, and with its sentences and syllables.

Needs textstat (scripts/requirements.txt), zstd, cargo, and the shared texts beside the checkout.
"""

import json
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"
# Novels are long; their beginnings tell as much and keep this under a minute.
EXCERPT_CHARACTERS = 20_000
TEXTS_LIMIT = 0.02
FORMULA_LIMIT = 0.000_01

# What textstat calls each measure.
MEASURES = {
    "en": {
        "flesch_reading_ease": "flesch_reading_ease",
        "flesch_kincaid_grade": "flesch_kincaid_grade",
        "gunning_fog": "gunning_fog",
        "smog": "smog_index",
        "ari": "automated_readability_index",
        "coleman_liau": "coleman_liau_index",
        "lix": "lix",
        "rix": "rix",
    },
    "es": {
        "fernandez_huerta": "fernandez_huerta",
        "szigriszt_pazos": "szigriszt_pazos",
        "gutierrez_polini": "gutierrez_polini",
        "crawford": "crawford",
        "lix": "lix",
        "rix": "rix",
    },
}
# What it calls each count.
COUNTS = {
    "sentences": "sentence_count",
    "words": "lexicon_count",
    "letters": "letter_count",
    "syllables": "syllable_count",
    "polysyllables": "polysyllabcount",
    "long_words": "long_word_count",
}

# Why the two programs differ.
REASONS = {
    "sentences": "textstat begins a new sentence behind every . ! and ?, also inside numbers, behind abbreviations and "
    "before small letters; it drops sentences of one or two words and runs headings into the sentence below",
    "syllables": "textstat spells initials out ('DNA' has three syllables, by Flesch's rule one) and gives words "
    "outside its dictionary the syllables that hyphenation finds, which are too few",
    "hyphenation": "textstat counts the places where a Spanish word may be hyphenated, which spare single letters and "
    "neighbouring vowels: 'había' has two syllables, 'uno' and 'mano' have one",
    "hard words": "textstat takes the easy words of Dale and Chall for not hard, Gunning names, compounds and verbs "
    "that owe a syllable to -ed or -es",
    "characters": "textstat counts punctuation as characters, we count letters and digits",
    "words": "textstat divides its characters and its sentences by two different numbers of words",
    "factor": "textstat cuts the factor 0.0588 of the letters down to 0.058",
    "constant": "textstat begins with the 206.84 of Fernández Huerta instead of 206.835",
}
# Mean relative differences above TEXTS_LIMIT on the same texts: the most that is accepted, and why.
TEXTS_DIFFER = {
    ("en", "flesch_reading_ease"): (0.03, ["sentences", "syllables"]),
    ("en", "flesch_kincaid_grade"): (0.04, ["sentences", "syllables"]),
    ("en", "gunning_fog"): (0.07, ["hard words"]),
    ("en", "smog"): (0.03, ["sentences", "syllables"]),
    ("en", "ari"): (0.08, ["characters"]),
    ("en", "coleman_liau"): (0.045, ["factor"]),
    ("en", "rix"): (0.04, ["sentences"]),
    ("es", "fernandez_huerta"): (0.155, ["hyphenation", "sentences"]),
    ("es", "szigriszt_pazos"): (0.17, ["hyphenation", "sentences"]),
    ("es", "gutierrez_polini"): (0.03, ["sentences"]),
    ("es", "crawford"): (0.145, ["hyphenation", "sentences"]),
    ("es", "lix"): (0.065, ["sentences"]),
    ("es", "rix"): (0.12, ["sentences"]),
}
# Mean relative differences above FORMULA_LIMIT with the same counts, likewise.
FORMULAS_DIFFER = {
    ("en", "ari"): (0.005, ["words"]),
    ("en", "coleman_liau"): (0.042, ["factor"]),
    ("es", "szigriszt_pazos"): (0.000_2, ["constant"]),
}


def main():
    texts = english_texts() + spanish_texts()
    theirs = [read_by_textstat(text) for text in texts]
    own = assess([{"language": text["language"], "text": text["text"]} for text in texts])
    fed = {variant: assess(requests) for variant, requests in variants(texts, own, theirs).items()}
    faults = []
    for language in MEASURES:
        print_counts(language, texts, own, theirs)
        faults += compare(language, texts, {"texts": own, **fed}, theirs)
    print("\nReasons")
    for name, reason in REASONS.items():
        print(f"    {name}: {reason}")
    for fault in faults:
        print(f"FAILED: {fault}")
    print(f"{len(texts)} texts, {len(faults)} differences without an explanation")
    return 1 if faults else 0


def english_texts():
    return [
        {"language": "en", "text": plain_apostrophes(document["text"])}
        for document in documents("onestop_english.jsonl.zst")
    ]


def spanish_texts():
    return [
        {"language": "es", "text": beginning(document["text"])}
        for document in documents("conha19_es_novels.jsonl.zst")
    ]


def documents(name):
    path = DATA / name
    if not path.exists():
        sys.exit(f"{path} is missing: the shared texts must stand beside the checkout")
    lines = subprocess.run(["zstd", "-dc", "--long=27", str(path)], capture_output=True, check=True).stdout
    return [json.loads(line) for line in lines.decode().splitlines()]


def plain_apostrophes(text):
    """textstat knows contractions by the apostrophe of typewriters only; we take either."""
    return text.replace("\u2019", "'")


def beginning(text):
    """The first paragraphs, up to EXCERPT_CHARACTERS."""
    if len(text) <= EXCERPT_CHARACTERS:
        return text
    end = text.rfind("\n", 0, EXCERPT_CHARACTERS)
    return text[: end if end > 0 else EXCERPT_CHARACTERS]


def read_by_textstat(text):
    import textstat

    textstat.set_lang({"en": "en_US", "es": "es"}[text["language"]])
    content = text["text"]
    measures = MEASURES[text["language"]].items()
    counts = {name: getattr(textstat, function)(content) for name, function in COUNTS.items()}
    return {
        "metrics": {name: getattr(textstat, function)(content) for name, function in measures},
        "counts": counts,
        # Its Fog takes other words for hard than Gunning, its ARI counts other characters and words than its rest.
        "fog": {**counts, "hard_words": textstat.difficult_words(content, 3, unique=False)},
        "ari": {
            **counts,
            "letters": textstat.char_count(content),
            "words": textstat.lexicon_count(content, removepunct=False),
        },
    }


def variants(texts, own, theirs):
    """Requests that feed our formulas with textstat's counts: some of them, and all."""

    def requests(counts):
        rows = zip(texts, own, theirs)
        return [{"language": text["language"], "counts": counts(ours, its)} for text, ours, its in rows]

    def with_its(ours, its, names):
        return {**ours["counts"], **{name: its["counts"][name] for name in names}}

    syllables = ["syllables", "polysyllables"]
    return {
        "sentences": requests(lambda ours, its: with_its(ours, its, ["sentences"])),
        "syllables": requests(lambda ours, its: with_its(ours, its, ["sentences", *syllables])),
        "formula": requests(lambda ours, its: its["counts"]),
        "fog": requests(lambda ours, its: its["fog"]),
        "ari": requests(lambda ours, its: its["ari"]),
    }


def assess(requests):
    """Our answers, in order."""
    example = ["cargo", "run", "--quiet", "--release", "-p", "redundancy-detect", "--example", "quality_jsonl"]
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    output = subprocess.run(example, input=lines, capture_output=True, text=True, cwd=ROOT, check=False)
    if output.returncode != 0:
        sys.exit(output.stderr)
    return [json.loads(line) for line in output.stdout.splitlines()]


def print_counts(language, texts, own, theirs):
    print(f"\n{language}: counts{'':24}textstat       ours")
    for name in COUNTS:
        pairs = [
            (its["counts"][name], ours["counts"][name])
            for text, ours, its in zip(texts, own, theirs)
            if text["language"] == language
        ]
        its_sum, our_sum = (sum(column) for column in zip(*pairs))
        print(f"    {name:28}{its_sum:12,}{our_sum:11,}  {our_sum / its_sum - 1:+.2%}")


def compare(language, texts, answers, theirs):
    """Prints a line for each measure of the language; returns what is not explained."""
    print(f"{language}: mean relative difference{'':4}texts  with its sentences  and syllables  formula")
    chosen = [number for number, text in enumerate(texts) if text["language"] == language]
    faults = []
    for measure in MEASURES[language]:

        def difference(variant):
            pairs = [(theirs[n]["metrics"][measure], answers[variant][n]["metrics"][measure]) for n in chosen]
            return statistics.fmean(abs(our - its) / max(abs(its), 1.0) for its, our in pairs)

        on_texts = difference("texts")
        in_formula = difference({"gunning_fog": "fog", "ari": "ari"}.get(measure, "formula"))
        between = f"{difference('sentences'):20.2%}{difference('syllables'):15.2%}"
        reasons = []
        for what, found, limit, explained in (
            ("texts", on_texts, TEXTS_LIMIT, TEXTS_DIFFER),
            ("formula", in_formula, FORMULA_LIMIT, FORMULAS_DIFFER),
        ):
            bound, why = explained.get((language, measure), (limit, []))
            if found > bound:
                faults.append(f"{language} {measure}, {what}: {found:.3%} is more than {bound:.3%}")
            elif found > limit:
                reasons += [f"{what}: {', '.join(why)}"]
        print(f"    {measure:26}{on_texts:7.2%}{between}{in_formula:9.3%}  {'; '.join(reasons)}")
    return faults


if __name__ == "__main__":
    sys.exit(main())
