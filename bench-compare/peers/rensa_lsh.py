"""rensa: RMinHash over the whole set of shingles, and RMinHashLSH, by its batch calls. 16 bands as in its documentation unless told.

Candidates are checked against the estimate of the sketches, as its documentation does, or exactly with --verify. The threads of its
pool are set by the environment (see run.py)."""

import shingling
from rensa import RMinHash, RMinHashLSH


def main():
    options = shingling.arguments()
    bands = options.bands or 16
    ids, sets = zip(*((name, shingling.shingles(text)) for name, text in shingling.documents(options.input)), strict=True)
    sketches = RMinHash.from_token_sets([list(each) for each in sets], num_perm=options.num_perm, seed=42)
    index = RMinHashLSH(threshold=shingling.THRESHOLD, num_perm=options.num_perm, num_bands=bands)
    index.insert_many(sketches)
    candidates = index.query_all(sketches)
    shingling.write_pairs(options.output, pairs(options, candidates, ids, sets, sketches))


def pairs(options, candidates, ids, sets, sketches):
    for number, others in enumerate(candidates):
        for other in others:
            if other < number and fits(options, sets, sketches, number, other):
                yield ids[other], ids[number]


def fits(options, sets, sketches, number, other):
    if options.verify:
        return shingling.similar(sets[number], sets[other])
    return sketches[number].jaccard(sketches[other]) >= shingling.THRESHOLD


main()
