"""Tests of growth.py."""

import random
import unittest

from load.growth import quarters, rises, slope

MIB = 1024 * 1024
REQUESTS = range(0, 200_000, 30)


def sawtooth(rng):
    """An allocator that takes a step now and then, and gives it back later."""
    return 40 * MIB + rng.choice([0, 0, 1, 2]) * MIB + rng.randrange(MIB // 2)


class Growth(unittest.TestCase):
    def setUp(self):
        self.rng = random.Random(1)

    def test_noise_is_no_growth(self):
        noise = [sawtooth(self.rng) for _ in REQUESTS]
        self.assertFalse(rises(quarters(noise)) and abs(slope(REQUESTS, noise)) > 5)
        self.assertLess(abs(slope(REQUESTS, noise)), 5)

    def test_a_leak_is_seen_through_the_noise(self):
        leak = [sawtooth(self.rng) + 50 * done for done in REQUESTS]
        self.assertTrue(rises(quarters(leak)))
        self.assertAlmostEqual(slope(REQUESTS, leak), 50, delta=5)

    def test_a_peak_does_not_bend_the_line(self):
        peak = [40 * MIB + (60 * MIB if 100_000 < done < 110_000 else 0) for done in REQUESTS]
        self.assertEqual(slope(REQUESTS, peak), 0)

    def test_what_rises_and_goes_down_again_is_no_growth(self):
        self.assertFalse(rises(quarters([min(done, 150_000 - done) for done in REQUESTS])))


if __name__ == "__main__":
    unittest.main()
