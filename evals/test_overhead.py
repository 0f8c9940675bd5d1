"""What is said about the goals of the service beside a bare one."""

import unittest

import overhead


class Goals(unittest.TestCase):
    def seen(self, health, analyze):
        return {
            ("GET /health", "bare"): 1000, ("GET /health", "service"): 1000 * health,
            ("POST /api/v1/analyze", "bare"): 1000, ("POST /api/v1/analyze", "service"): 1000 * analyze,
        }

    def test_a_share_that_is_the_goal_reaches_it(self):
        self.assertEqual(overhead.missed(self.seen(0.6, 0.5)), [])
        self.assertEqual(overhead.verdict([]), "Every goal was reached.")

    def test_a_share_below_the_goal_is_named_with_its_request(self):
        found = overhead.missed(self.seen(0.599, 0.9))
        self.assertEqual(found, ["`GET /health` has 0.599 of the bare service, and is to have at least 0.6"])
        self.assertIn("MISSED: `GET /health`", overhead.verdict(found))
        self.assertEqual(len(overhead.missed(self.seen(0.1, 0.1))), 2)


if __name__ == "__main__":
    unittest.main()
