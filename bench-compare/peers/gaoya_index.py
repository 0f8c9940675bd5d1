"""gaoya: MinHashStringIndex with its own analyzer in Rust (runs of five words in lower case) and its calls for many documents, the bands
chosen by the library for the threshold unless told. It checks candidates against the estimate of the sketches; --verify does exactly.

Its own analyzer cuts words a little differently from the others' shingles, but is many times faster than shingles made in Python. The
threads of its pool are set by the environment (see run.py)."""

import shingling
from gaoya.minhash import MinHashStringIndex


def main():
    options = shingling.arguments()
    ids, texts = zip(*shingling.documents(options.input), strict=True)
    rows = options.num_perm // options.bands if options.bands else None
    # With --verify the index must not reject by estimate what the exact check would take.
    least = 0.6 if options.verify else shingling.THRESHOLD
    index = MinHashStringIndex(32, least, options.bands, rows, options.num_perm, "word", True, (5, 5), "smallvec")
    numbers = list(range(len(texts)))
    index.par_bulk_insert_docs(numbers, list(texts))
    shingling.write_pairs(options.output, pairs(options, index.par_bulk_query(list(texts)), ids, texts))


def pairs(options, found, ids, texts):
    sets = {}

    def exact(number):
        if number not in sets:
            sets[number] = shingling.shingles(texts[number])
        return sets[number]

    for number, others in enumerate(found):
        for other in others:
            if other < number and (not options.verify or shingling.similar(exact(number), exact(other))):
                yield ids[other], ids[number]


main()
