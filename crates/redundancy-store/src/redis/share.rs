//! How a limited number of deliveries is shared out: over endpoints in turn, and of one endpoint over the partitions in which it
//! has some, the longest due first. Pure.

/// Shares `limit` out over those who wish for so many, in turn: the numbers that they get, in the same order.
pub(super) fn in_turn(limit: usize, wishes: &[usize]) -> Vec<usize> {
    let mut given = vec![0; wishes.len()];
    let mut left = limit;
    loop {
        let hungry = given.iter().zip(wishes).filter(|(given, wish)| given < wish).count();
        if left == 0 || hungry == 0 {
            return given;
        }
        // When it is not enough for one each, the first ones get it.
        let portion = (left / hungry).max(1);
        for (given, &wish) in given.iter_mut().zip(wishes) {
            let more = portion.min(wish - *given).min(left);
            *given += more;
            left -= more;
        }
    }
}

/// What is due in one place: how many, and since when the first of them are.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) count: usize,
    pub(super) first: Vec<u64>,
}

/// Takes `wanted` out of `places`, the longest due first as far as that is known: how many of each.
pub(super) fn longest_due(wanted: usize, places: &[Place]) -> Vec<usize> {
    let mut due: Vec<(u64, usize)> = places
        .iter()
        .enumerate()
        .flat_map(|(at, place)| place.first.iter().take(place.count).map(move |&since| (since, at)))
        .collect();
    due.sort_unstable();
    let mut taken = vec![0; places.len()];
    for &(_, at) in due.iter().take(wanted) {
        if let Some(taken) = taken.get_mut(at) {
            *taken += 1;
        }
    }
    // Of the rest nobody knows since when it is due.
    let rest: Vec<usize> =
        places.iter().zip(&taken).map(|(place, taken)| place.count.saturating_sub(*taken)).collect();
    let more = in_turn(wanted.saturating_sub(due.len()), &rest);
    taken.iter().zip(more).map(|(taken, more)| taken + more).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_gets_one_before_anybody_gets_two() {
        assert_eq!(in_turn(2, &[5, 5, 5]), [1, 1, 0]);
        assert_eq!(in_turn(7, &[1, 9, 9]), [1, 3, 3]);
        assert_eq!(in_turn(10, &[1, 2]), [1, 2]);
    }

    #[test]
    fn the_longest_due_are_taken_first() {
        let places = [Place { count: 2, first: vec![5, 9] }, Place { count: 30, first: vec![1, 7] }];
        assert_eq!(longest_due(1, &places), [0, 1]);
        assert_eq!(longest_due(3, &places), [1, 2]);
        assert_eq!(longest_due(10, &places), [2, 8]);
    }

    proptest! {
        #[test]
        fn nobody_gets_more_than_wished_for_and_nothing_is_kept_back(
            limit in 0usize..100, wishes in prop::collection::vec(0usize..30, 0..10),
        ) {
            let given = in_turn(limit, &wishes);
            prop_assert!(given.iter().zip(&wishes).all(|(given, wish)| given <= wish));
            prop_assert_eq!(given.iter().sum::<usize>(), limit.min(wishes.iter().sum()));
        }
    }
}
