"""The brute force of near-duplicates against pairs counted by hand, and the edits against what they should leave."""

import random
import unittest

import edits
from dedup import Comparison
from truth import shingle_set, similar_pairs


def texts(**by_name):
    return [(name, text, text.lower().split()) for name, text in by_name.items()]


class Shingles(unittest.TestCase):
    def test_runs_of_words_and_of_characters(self):
        self.assertEqual(shingle_set(["a", "b", "c"], "words:2"), {("a", "b"), ("b", "c")})
        self.assertEqual(shingle_set(["ab", "cd"], "chars:3"), {"ab ", "b c", " cd"})

    def test_a_short_text_is_one_shingle_and_one_without_words_is_none(self):
        self.assertEqual(shingle_set(["a", "b"], "words:3"), {("a", "b")})
        self.assertEqual(shingle_set(["a"], "chars:8"), {"a"})
        self.assertEqual(shingle_set([], "words:3"), set())


class Pairs(unittest.TestCase):
    def test_shared_over_all_as_whole_numbers(self):
        found = similar_pairs(texts(b="x a b c d", a="a b c d", c="q r s t"), "words:2", 0.7)
        self.assertEqual(found, {("a", "b"): (3, 4)})

    def test_a_pair_at_the_threshold_counts(self):
        self.assertEqual(len(similar_pairs(texts(a="a b c d e f", b="a b c d e"), "words:2", 0.8)), 1)

    def test_a_repeated_shingle_counts_once(self):
        self.assertEqual(similar_pairs(texts(a="a b a b a b", b="a b a"), "words:2", 0.8), {("a", "b"): (2, 2)})

    def test_without_words_only_equal_texts_are_similar(self):
        wordless = [("a", "!!", []), ("b", " !!\n", []), ("c", "!", []), ("d", "x", ["x"])]
        self.assertEqual(similar_pairs(wordless, "words:2", 0.8), {("a", "b"): (1, 1)})


class Compared(unittest.TestCase):
    def test_a_score_off_by_one_bit_is_another_score(self):
        truth = {("a", "b"): (8, 9), ("a", "c"): (9, 10)}
        compared = Comparison({("a", "b"): 0.8888888888888887, ("b", "c"): 0.9}, truth)
        self.assertEqual((compared.recall, compared.precision), (0.5, 0.5))
        self.assertEqual(compared.other_scores, [("a", "b")])
        self.assertEqual(Comparison({("a", "b"): 0.8888888888888888}, truth).other_scores, [])


class Edits(unittest.TestCase):
    TEXT = "One two,\n three four. Five six  seven eight nine ten"

    def setUp(self):
        self.chance = random.Random(1)

    def test_words_go_where_they_should_and_white_space_stays(self):
        self.assertEqual(edits.append_word(self.TEXT, ["x"], self.chance), f"{self.TEXT} x")
        self.assertEqual(edits.prepend_words(self.TEXT, ["x"], self.chance, 3), f"x x x {self.TEXT}")
        self.assertEqual(edits.insert_word(self.TEXT, ["x"], self.chance), self.TEXT.replace("six", "x six"))

    def test_as_many_words_are_replaced_as_the_share_says(self):
        for share, count in ((0.01, 1), (0.3, 3), (1.0, 10)):
            changed = edits.replace_words(self.TEXT, ["x"], self.chance, share)
            self.assertEqual((changed.split().count("x"), len(changed.split())), (count, 10))

    def test_a_cut_leaves_the_rest_and_a_move_leaves_all(self):
        self.assertEqual(len(edits.cut_words(self.TEXT, self.chance, 0.3).split()), 7)
        moved = "nine ten One two, three four. Five six seven eight"
        self.assertEqual(edits.move_words(self.TEXT, self.chance, 0.2).split(), moved.split())


if __name__ == "__main__":
    unittest.main()
