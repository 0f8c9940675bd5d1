"""Tests of expressions.py."""

import unittest

from monitoring.expressions import named


class Named(unittest.TestCase):
    def test_metrics_are_told_from_functions_words_and_labels(self):
        expression = """
            sum by (job, le) (rate(a_bucket{job=~"$job", le!="a by (b)"}[5m])) / on (job) group_left (x) (max(b:c) > 14.4 * 2)
            unless on (job) d == 1 and up offset 5m > bool 0 or vector(0)
        """
        metrics, groups = named(expression)
        self.assertEqual(metrics, [("a_bucket", {"job", "le"}), ("b:c", set()), ("d", set()), ("up", set())])
        self.assertEqual(groups, {"job", "le", "x"})

    def test_an_aggregation_may_name_its_labels_behind(self):
        self.assertEqual(named('count(a{b="c"}) by (d)'), ([("a", {"b"})], {"d"}))


if __name__ == "__main__":
    unittest.main()
