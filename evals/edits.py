"""Seeded edits of a text, for collections of which it is known who descends from whom. White space and punctuation stay as they were:
a word is here whatever stands between white space."""

import re

LEAST_REPLACED = 1


def spans(text):
    """Where each word begins and ends."""
    return [match.span() for match in re.finditer(r"\S+", text)]


def append_word(text, pool, chance):
    return f"{text.rstrip()} {chance.choice(pool)}"


def prepend_word(text, pool, chance):
    return prepend_words(text, pool, chance, 1)


def prepend_words(text, pool, chance, count):
    return " ".join(chance.choices(pool, k=count)) + " " + text.lstrip()


def insert_word(text, pool, chance):
    """One word more, before the word in the middle."""
    words = spans(text)
    middle = words[len(words) // 2][0]
    return f"{text[:middle]}{chance.choice(pool)} {text[middle:]}"


def replace_words(text, pool, chance, share):
    """That share of the words, but at least one, each replaced by another."""
    words = spans(text)
    chosen = chance.sample(words, max(LEAST_REPLACED, round(share * len(words))))
    return replace_spans(text, [(start, end, chance.choice(pool)) for start, end in chosen])


def replace_spans(text, replacements):
    """The text with (start, end, new) put in; they do not overlap."""
    parts, last = [], 0
    for start, end, new in sorted(replacements):
        parts += [text[last:start], new]
        last = end
    return "".join([*parts, text[last:]])


def cut_words(text, chance, share):
    """Without a run of that share of its words, somewhere."""
    words = spans(text)
    length = max(1, round(share * len(words)))
    first = chance.randrange(max(1, len(words) - length + 1))
    return text[: words[first][0]] + text[words[min(first + length, len(words)) - 1][1] :]


def move_words(text, chance, share):
    """With a run of that share of its words taken from the end to the beginning: all that changes is at two seams."""
    words = spans(text)
    cut = words[-max(1, round(share * len(words)))][0]
    return f"{text[cut:].rstrip()} {text[:cut].strip()}"


def pool_of(texts):
    """The distinct words of texts that are letters only, in a fixed order: what edits draw from."""
    return sorted({word for text in texts for word in re.findall(r"\w+", text) if word.isalpha()})
