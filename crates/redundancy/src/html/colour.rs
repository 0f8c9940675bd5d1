//! Colours that neighbours in a list can be told apart by.

/// The hue of number `number`, in degrees. Steps of the golden angle keep hues apart however many there are.
pub(super) fn hue(number: usize) -> usize {
    // 137.508° in thousandths; the number is cut so that nothing overflows.
    (number % 1_000_000) * 137_508 / 1000 % 360
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_have_hues_far_apart() {
        for number in 0..1000 {
            let (one, next) = (hue(number), hue(number + 1));
            let apart = one.abs_diff(next).min(360 - one.abs_diff(next));
            assert!(apart > 90, "{number}: {one} and {next}");
        }
    }
}
