"""rensa: the rho pipeline, the fastest it has, called as its own benchmark calls it: 128 slots, 8 bands, 4 probes.

It samples positions of the text, so it is given the shingles in the order of the text, each once; and it names documents that have a
near-duplicate, not which."""

import re

import shingling
from rensa import RMinHash, RMinHashLSH


def in_order(text):
    words = re.findall(r"\w+", text.lower())
    return list(dict.fromkeys(" ".join(words[start : start + 5]) for start in range(max(1, len(words) - 4))))


def main():
    options = shingling.arguments()
    ids, tokens = zip(*((name, in_order(text)) for name, text in shingling.documents(options.input)), strict=True)
    matrix = RMinHash.digest_matrix_from_token_sets_rho(list(tokens), num_perm=options.num_perm, seed=42, probes=4)
    index = RMinHashLSH(threshold=shingling.THRESHOLD, num_perm=options.num_perm, num_bands=options.bands or 8)
    flags = index.query_duplicate_flags_matrix_one_shot(matrix)
    shingling.write_flagged(options.output, (name for name, flag in zip(ids, flags, strict=True) if flag))


main()
