"""The score of found passages against values computed by hand from the definitions of Potthast et al. (2010)."""

import math
import unittest

from plagdet import Passage, Score, common, size


def passage(query_start, query_end, source_start, source_end, query="q", source="s"):
    return Passage(query, (query_start, query_end), source, (source_start, source_end))


CASE = passage(0, 100, 0, 100)


class Overlap(unittest.TestCase):
    def test_passages_must_overlap_on_both_sides(self):
        self.assertEqual(common(CASE, passage(50, 150, 100, 200)), [])
        self.assertEqual(common(CASE, passage(50, 150, 90, 200)), [(("query", "q"), 50, 100), (("source", "s"), 90, 100)])

    def test_passages_of_other_texts_have_nothing_in_common(self):
        self.assertEqual(common(CASE, passage(0, 100, 0, 100, source="t")), [])
        self.assertEqual(common(CASE, passage(0, 100, 0, 100, query="p")), [])

    def test_the_same_name_as_query_and_source_is_two_texts(self):
        self.assertEqual(size([(("query", "x"), 0, 10), (("source", "x"), 0, 10)]), 20)

    def test_characters_in_several_pieces_count_once(self):
        self.assertEqual(size([("a", 0, 10), ("a", 5, 20), ("a", 6, 7), ("b", 0, 1), ("a", 30, 31)]), 22)


class Figures(unittest.TestCase):
    def assertScore(self, score, precision, recall, granularity):
        self.assertAlmostEqual(score.precision, precision)
        self.assertAlmostEqual(score.recall, recall)
        self.assertAlmostEqual(score.granularity, granularity)
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0
        self.assertAlmostEqual(score.plagdet, f1 / math.log2(1 + granularity))

    def test_what_is_found_to_the_letter_scores_one(self):
        for macro in (True, False):
            self.assertScore(Score([CASE], [CASE], macro), 1, 1, 1)

    def test_half_of_a_case_is_half_the_recall(self):
        self.assertScore(Score([CASE], [passage(0, 50, 0, 50)]), 1, 0.5, 1)

    def test_twice_a_case_is_half_the_precision(self):
        self.assertScore(Score([CASE], [passage(0, 200, 0, 200)]), 0.5, 1, 1)

    def test_a_case_found_in_two_parts_has_granularity_two(self):
        self.assertScore(Score([CASE], [passage(0, 50, 0, 50), passage(50, 100, 50, 100)]), 1, 1, 2)

    def test_a_detection_of_nothing_costs_precision_only(self):
        self.assertScore(Score([CASE], [CASE, passage(500, 800, 500, 800)]), 0.5, 1, 1)

    def test_macro_counts_passages_and_micro_counts_characters(self):
        cases = [CASE, passage(200, 500, 200, 500)]
        self.assertScore(Score(cases, [CASE]), 1, 0.5, 1)
        self.assertScore(Score(cases, [CASE], macro=False), 1, 100 / 400, 1)
        detections = [CASE, passage(600, 900, 600, 900)]
        self.assertScore(Score([CASE], detections), 0.5, 1, 1)
        self.assertScore(Score([CASE], detections, macro=False), 100 / 400, 1, 1)

    def test_one_detection_over_two_cases_detects_both(self):
        cases = [passage(0, 100, 0, 100), passage(100, 200, 100, 200)]
        self.assertScore(Score(cases, [passage(0, 200, 0, 200)]), 1, 1, 1)

    def test_the_right_words_out_of_the_wrong_source_are_no_detection(self):
        self.assertScore(Score([CASE], [passage(0, 100, 0, 100, source="t")]), 0, 0, 1)

    def test_without_detections_there_is_no_precision(self):
        score = Score([CASE], [])
        self.assertEqual((score.precision, score.recall, score.plagdet), (None, 0, None))


if __name__ == "__main__":
    unittest.main()
