"""datasketch: MinHash and MinHashLSH, the bands chosen by the library for the threshold unless told. One thread; it has no more.

As its documentation recommends: sketches in bulk by `MinHash.generator`, inserted in a session, each queried for its candidates. They
are checked against the estimate of the sketches, as the documentation does, or exactly with --verify."""

import shingling
from datasketch import MinHash, MinHashLSH


def main():
    options = shingling.arguments()
    ids, sets = zip(*((name, shingling.shingles(text)) for name, text in shingling.documents(options.input)), strict=True)
    tokens = ([shingle.encode() for shingle in each] for each in sets)
    sketches = list(MinHash.generator(tokens, num_perm=options.num_perm))
    params = (options.bands, options.num_perm // options.bands) if options.bands else None
    index = MinHashLSH(threshold=shingling.THRESHOLD, num_perm=options.num_perm, params=params)
    with index.insertion_session() as session:
        for number, sketch in enumerate(sketches):
            session.insert(number, sketch, check_duplication=False)
    shingling.write_pairs(options.output, pairs(options, index, ids, sets, sketches))


def pairs(options, index, ids, sets, sketches):
    for number, sketch in enumerate(sketches):
        for other in index.query(sketch):
            if other < number and fits(options, sets, sketches, number, other):
                yield ids[other], ids[number]


def fits(options, sets, sketches, number, other):
    if options.verify:
        return shingling.similar(sets[number], sets[other])
    return sketches[number].jaccard(sketches[other]) >= shingling.THRESHOLD


main()
