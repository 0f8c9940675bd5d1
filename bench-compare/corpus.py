"""Collections of texts of about 2 KB for the comparison: runs of paragraphs of Spanish laws, edited copies of some of them, and runs of
paragraphs of successive versions of policies.

The texts are put so that every program sees the same words: no underscores, white space behind each punctuation mark that stands inside
a word, and no letters that some programs fold or cut and others do not."""

import random
import re
import unicodedata

import edits

BYTES = 2_048
# The German sharp s, and scripts without spaces.
DISPUTED = re.compile(r"[ß\u0e00-\u0eff\u2e80-\ud7ff\uf900-\ufaff]")
# Of this share of the originals there are one to three edited copies each.
COPIED = 0.15
# This share of the texts comes from policies.
POLICIES = 0.2
VERSIONS = 4
EDITS = (
    lambda text, pool, chance: text,
    lambda text, pool, chance: edits.append_word(text, pool, chance),
    lambda text, pool, chance: edits.prepend_words(text, pool, chance, chance.randint(1, 20)),
    lambda text, pool, chance: edits.insert_word(text, pool, chance),
    lambda text, pool, chance: edits.replace_words(text, pool, chance, chance.uniform(0.002, 0.05)),
    lambda text, pool, chance: edits.cut_words(text, chance, chance.uniform(0.05, 0.35)),
)


def make(texts, count, seed):
    """So many documents {"id", "text"}, in an order in which an original stands before its copies but not next to them."""
    chance = random.Random(seed)
    wanted = int(count * POLICIES)
    families = [[text] for text in policies(texts, chance, wanted)]
    laws = pieces(texts.documents("legalize_pe_es_quarter"))
    pool = []
    total = len(families)
    for text in laws:
        if total >= count:
            break
        if len(pool) < 5_000:
            pool += edits.pool_of([text])
        family = [text]
        if chance.random() < COPIED:
            family += [chance.choice(EDITS)(text, pool, chance) for _ in range(chance.randint(1, 3))]
        families.append(family[: count - total])
        total += len(families[-1])
    while total < count:
        # The laws are used up: whoever asks for more gets copies of copies, further and further away from each other.
        text = chance.choice(families)[0]
        families.append([edits.replace_words(edits.cut_words(text, chance, 0.3), pool, chance, 0.3)])
        total += 1
    return [{"id": f"d{number}", "text": text} for number, text in enumerate(in_order(families, chance))]


def in_order(families, chance):
    """All texts shuffled, but those of one family in their order."""
    placed = []
    for family in families:
        places = sorted(chance.random() for _ in family)
        placed += zip(places, family, strict=True)
    return [text for _, text in sorted(placed, key=lambda pair: pair[0])]


def policies(texts, chance, count):
    """Pieces of a few versions of each policy, until there are so many."""
    lineages = {}
    for document in texts.documents("openterms_versions"):
        lineages.setdefault(document["lineage"], []).append(document)
    found = []
    for versions in lineages.values():
        found += pieces(chance.sample(versions, min(VERSIONS, len(versions))))
    return chance.sample(found, min(count, len(found)))


def pieces(documents):
    """Each document cut into runs of whole paragraphs of about BYTES bytes; a longer paragraph is cut between words.
    What would be shorter than half of that is left out."""
    for document in documents:
        piece, size = [], 0
        for part in parts(DISPUTED.sub("", plain(document["text"]))):
            length = len(part.encode())
            if piece and size + length > BYTES:
                if size > BYTES // 2:
                    yield "\n\n".join(piece)
                piece, size = [], 0
            piece.append(part)
            size += length
        if size > BYTES // 2:
            yield "\n\n".join(piece)


def parts(text):
    for paragraph in re.split(r"\n\s*\n", text):
        words = paragraph.split()
        while words:
            taken, size = 0, 0
            while taken < len(words) and (not taken or size < BYTES):
                size += len(words[taken].encode()) + 1
                taken += 1
            yield " ".join(words[:taken])
            words = words[taken:]


def plain(text):
    """The text in a form of which every program sees the same words."""
    text = unicodedata.normalize("NFKC", text).replace("_", " ")
    text = "".join(letter for letter in text if not unicodedata.category(letter).startswith(("M", "C")) or letter in "\n")
    return re.sub(r"(?<=\w)([^\w\s])(?=\w)", r"\1 ", text)
