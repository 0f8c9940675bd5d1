"""The statistics against values computed by hand, and the report's tables and bars against what they should show."""

import unittest

import measures
import report
from texts import paragraphs


class Ranks(unittest.TestCase):
    def test_equal_values_share_the_mean_of_their_ranks(self):
        self.assertEqual(measures.ranks([30, 10, 20, 20]), [4, 1, 2.5, 2.5])

    def test_any_rising_curve_has_a_rank_correlation_of_one(self):
        self.assertAlmostEqual(measures.spearman([1, 2, 3, 4], [1, 10, 100, 1000]), 1)
        self.assertAlmostEqual(measures.spearman([1, 2, 3, 4], [9, 7, 5, 1]), -1)


class Correlation(unittest.TestCase):
    def test_a_correlation_computed_by_hand(self):
        # Deviations (-1, 0, 1) and (-4/3, 2/3, 2/3): 2 / sqrt(2 * 8/3).
        self.assertAlmostEqual(measures.pearson([1, 2, 3], [1, 3, 3]), 2 / (16 / 3) ** 0.5)

    def test_a_constant_has_no_correlation(self):
        self.assertIsNone(measures.pearson([1, 1, 1], [1, 2, 3]))


class Separation(unittest.TestCase):
    def test_auc_is_one_when_apart_and_one_half_when_alike(self):
        self.assertEqual(measures.auc([3, 4], [1, 2]), 1)
        self.assertEqual(measures.auc([1, 2], [3, 4]), 0)
        self.assertEqual(measures.auc([1, 1], [1, 1]), 0.5)

    def test_auc_counts_pairs_and_half_of_ties(self):
        # 2 beats 1, ties with 2, loses to 3; 4 beats all three.
        self.assertEqual(measures.auc([2, 4], [1, 2, 3]), 4.5 / 6)


class Distribution(unittest.TestCase):
    def test_deciles_of_equally_spaced_values_are_the_values(self):
        self.assertEqual(measures.deciles(list(range(11))), list(range(11)))

    def test_one_falls_into_the_last_bin(self):
        self.assertEqual(measures.histogram([0, 0.05, 0.1, 1]), [2, 1, 0, 0, 0, 0, 0, 0, 0, 1])

    def test_share_counts_true_values(self):
        self.assertEqual(measures.share(value > 1 for value in (1, 2, 3, 4)), 0.75)


class Shingles(unittest.TestCase):
    def test_shingles_are_runs_of_words(self):
        self.assertEqual(measures.shingles("A, b  c.", 2), {("a", "b"), ("b", "c")})

    def test_a_short_text_is_one_shingle(self):
        self.assertEqual(measures.shingles("a b", 3), {("a", "b")})
        self.assertEqual(measures.character_grams("abc"), {"abc"})

    def test_jaccard_is_shared_over_all(self):
        self.assertEqual(measures.jaccard({1, 2, 3}, {2, 3, 4}), 0.5)
        self.assertEqual(measures.jaccard(set(), set()), 1)


class Report(unittest.TestCase):
    def test_a_table_aligns_its_columns(self):
        expected = "| a    |  b |\n|------|---:|\n| long | 12 |"
        self.assertEqual(report.table(["a", "b"], [["long", 12]]), expected)

    def test_a_bar_is_as_long_as_its_share_and_never_vanishes(self):
        lines = report.bars(["x", "y", "z"], [1000, 1, 0]).splitlines()[1:-1]
        self.assertEqual([line.count("█") for line in lines], [report.BAR_WIDTH, 1, 0])

    def test_what_is_not_there_is_a_dash(self):
        self.assertEqual([report.figure(None), report.figure(0.12345), report.percent(0.5)], ["-", "0.123", "50.0 %"])


class Paragraphs(unittest.TestCase):
    def test_paragraphs_without_enough_letters_are_left_out(self):
        text = "A first paragraph\nin two lines.\n \n* * *\n\n12\n\nAnother one."
        self.assertEqual(list(paragraphs(text, 5)), ["A first paragraph\nin two lines.", "Another one."])

    def test_paragraphs_with_an_address_are_left_out(self):
        text = "[decree](/laws/1) of the year\n\nSee https://example.com for more\n\nA paragraph [in brackets]."
        self.assertEqual(list(paragraphs(text, 5)), ["A paragraph [in brackets]."])


if __name__ == "__main__":
    unittest.main()
