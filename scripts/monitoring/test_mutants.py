import unittest

from .mutants import changes, mutants


class Changes(unittest.TestCase):
    def changed(self, line):
        return [line[:start] + replacement + line[end:] for start, end, replacement in changes(line)]

    def test_numbers_are_changed_and_names_are_not(self):
        self.assertEqual(self.changed("a:ratio_rate1h > 14.4 * b"), ["a:ratio_rate1h > 13.68 * b", "a:ratio_rate1h > 15.12 * b"])
        self.assertEqual(self.changed("x == 0"), ["x == -1", "x == 1"])
        self.assertEqual(self.changed("x >= 100"), ["x >= 95", "x >= 105"])

    def test_windows_and_waits_are_changed(self):
        self.assertEqual(self.changed("rate(x[5m])"), ["rate(x[150s])", "rate(x[600s])"])
        self.assertEqual(self.changed("        for: 1m"), ["        for: 0m", "        for: 2m"])

    def test_what_people_read_is_left_alone(self):
        self.assertEqual(self.changed('          summary: "gone in 30 days"'), [])
        self.assertEqual(self.changed("  # 30 days"), [])
        self.assertEqual(self.changed('rate(x{route=~"/api/.+"}[5m])')[0], 'rate(x{route=~"/api/.+"}[150s])')

    def test_a_mutant_differs_in_one_line(self):
        rules = "a\n  expr: x > 3\n  for: 2m\n"
        self.assertEqual([rule for _, rule in mutants(rules)][0], "a\n  expr: x > 2\n  for: 2m\n")
        self.assertEqual(len(list(mutants(rules))), 4)


if __name__ == "__main__":
    unittest.main()
