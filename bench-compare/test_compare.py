"""The parts of the comparison that can be checked by hand. Run with `python -m unittest discover --start-directory bench-compare`."""

import pathlib
import pickle
import random
import re
import sys
import tempfile
import unittest

import run
from run import corpus, shingling, text_dedup_minhash, usage


class Corpus(unittest.TestCase):
    def test_a_family_stays_in_order_among_the_others(self):
        families = [["a0", "a1", "a2"], ["b0"], ["c0", "c1"]]
        for seed in range(20):
            order = corpus.in_order(families, random.Random(seed))
            self.assertEqual(len(order), 6)
            self.assertEqual([text for text in order if text[0] == "a"], families[0])

    def test_words_are_the_same_however_they_are_cut(self):
        plain = corpus.plain("Art.1,2 o_O d'una\n\nx")
        self.assertEqual(re.findall(r"\w+", plain), plain.replace(".", "").replace(",", "").replace("'", "").split())

    def test_pieces_are_of_about_the_size_wanted(self):
        document = {"text": "\n\n".join(" ".join(f"word{number}" for number in range(length)) for length in (30, 2_000, 100, 50, 10))}
        sizes = [len(piece.encode()) for piece in corpus.pieces([document])]
        self.assertTrue(sizes and all(corpus.BYTES / 2 < size < 1.1 * corpus.BYTES for size in sizes), sizes)


class Quality(unittest.TestCase):
    TRUE = {("a", "b"), ("a", "c")}

    def test_pairs_count_whichever_is_named_first(self):
        self.assertEqual(run.quality({"pairs": [("b", "a"), ("x", "y")]}, self.TRUE), ["0.5000", "0.5000", "0.6667", "0.5000"])

    def test_groups_and_flags_are_judged_by_documents(self):
        self.assertEqual(run.quality({"clusters": [["a", "b", "c"]]}, self.TRUE), ["-", "-", "1.0000", "1.0000"])
        self.assertEqual(run.quality({"flagged": ["a", "z"]}, self.TRUE), ["-", "-", "0.3333", "0.5000"])

    def test_groups_of_text_dedup_are_read_without_it(self):
        class UnionFind:
            """As text-dedup pickles it."""

        UnionFind.__module__, UnionFind.__qualname__ = __name__, "UnionFind"
        groups = UnionFind()
        groups.parent = {"a": "a", "b": "a", "c": "b", "d": "d"}
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "output").mkdir()
            sys.modules[__name__].UnionFind = UnionFind
            pathlib.Path(folder, "output", "uf.pkl").write_bytes(pickle.dumps(groups))
            self.assertEqual(text_dedup_minhash.read(folder), {"clusters": [["a", "b", "c"]]})


class Shingles(unittest.TestCase):
    def test_a_short_text_is_one_shingle(self):
        self.assertEqual(shingling.shingles("A b, C"), {"a b c"})
        self.assertEqual(shingling.shingles("…"), set())


class Usage(unittest.TestCase):
    def measure(self, program):
        with tempfile.TemporaryDirectory() as folder:
            return usage.run([sys.executable, "-S", "-c", program], {}, f"{folder}/log", folder)

    def test_memory_is_that_of_the_command_and_not_of_its_parent(self):
        ballast = bytearray(200 * 2**20)
        self.assertLess(self.measure("pass").peak_mib, 100)
        self.assertGreater(self.measure("x = b'1' * 150 * 2**20").peak_mib, 150)
        self.assertEqual(len(ballast), 200 * 2**20)

    def test_cpu_time_is_counted_of_what_the_command_starts(self):
        program = "import os, time\nif os.fork(): os.wait()\nelse:\n while time.process_time() < 0.2: pass"
        self.assertGreaterEqual(self.measure(program).cpu_seconds, 0.2)

    def test_a_command_that_fails_is_an_error(self):
        with self.assertRaisesRegex(RuntimeError, "code 3"):
            self.measure("raise SystemExit(3)")


if __name__ == "__main__":
    unittest.main()
