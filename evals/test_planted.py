"""Planted passages stand where they are said to stand, and are what was done to them."""

import random
import unittest

import planted
from plagdet import Score


# Numbers in letters, for words that edits can draw from.
LETTERS = str.maketrans("0123456789", "ñbcdfghjkm")


class FewTexts:
    """Texts of numbered words, so that no run of words stands twice."""

    def documents(self, name):
        language = name.split("_")[0]
        if name in ("peps_en", "legalize_pe_es_quarter"):
            return [self.document(f"{language}{number}", 1_000) for number in range(5)]
        return [self.document(f"host{number}", 600) for number in range(3)]

    @staticmethod
    def document(name, words):
        ends = ("", "", ",", ".", "\n", "…")
        spelled = (f"{name}{number}".translate(LETTERS) for number in range(words))
        return {"id": name, "text": " ".join(f"{word}{ends[number % 6]}" for number, word in enumerate(spelled)).strip()}


class Planting(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.planted = planted.Planted(FewTexts(), "en", 1)
        cls.cases = [(query, case) for query in cls.planted.queries for case in query.cases]

    def words(self, query, case):
        """The words of the passage as it stands in the query, and of what it was copied from."""
        (start, end), (first, last) = case.passage.query_span, case.passage.source_span
        return query.text[start:end].split(), self.planted.sources[case.passage.source][first:last].split()

    def test_every_kind_is_planted_and_some_queries_hold_nothing(self):
        self.assertEqual({case.kind for _, case in self.cases}, set(planted.KINDS))
        self.assertTrue(any(not query.cases for query in self.planted.queries))

    def test_offsets_cut_out_what_was_planted(self):
        for query, case in self.cases:
            copied, original = self.words(query, case)
            self.assertEqual(len(original), case.words)
            if case.kind == "verbatim":
                self.assertEqual(copied, original)
            elif case.kind == "shuffled sentences":
                self.assertEqual(sorted(copied), sorted(original))
            elif case.kind == "gaps":
                self.assertEqual((copied[0], copied[-1]), (original[0], original[-1]))
                self.assertTrue(set(copied) <= set(original))
            else:
                self.assertEqual(len(copied), len(original))
                self.assertNotEqual(copied, original)

    def test_passages_of_one_query_do_not_overlap(self):
        for query in self.planted.queries:
            spans = sorted(case.passage.query_span for case in query.cases)
            self.assertTrue(all(end <= start for (_, end), (start, _) in zip(spans, spans[1:], strict=False)))

    def test_the_same_seed_plants_the_same(self):
        self.assertEqual(planted.Planted(FewTexts(), "en", 1).queries, self.planted.queries)
        self.assertNotEqual(planted.Planted(FewTexts(), "en", 2).queries, self.planted.queries)

    def test_the_truth_itself_scores_one(self):
        passages = [case.passage for _, case in self.cases]
        self.assertAlmostEqual(Score(passages, passages).plagdet, 1)


class SharedRuns(unittest.TestCase):
    def test_only_runs_of_several_texts_are_shared(self):
        common = "a b c d e f g h"
        self.assertEqual(planted.shared_runs([f"x {common}", f"{common} y", "q r s t u v w x q r s t u v w x"]), planted.runs(common))


class Gaps(unittest.TestCase):
    def test_a_gap_leaves_some_words_out(self):
        words = [str(number) for number in range(300)]
        kept = planted.leave_gaps(" ".join(words), [], random.Random(1)).split()
        self.assertTrue(0.8 * len(words) < len(kept) < 0.97 * len(words))


if __name__ == "__main__":
    unittest.main()
