//! What the suites of all ports have in common: how a behaviour becomes a test of a store, and how many random sequences there are.

use proptest::test_runner::Config;

/// Runs each behaviour, of the module `behaviours`, on a store of its own that `$stores` makes, as a test in the module `$name`; and
/// random operations against the model.
#[allow(unused_macros, reason = "the suite of webhooks has behaviours of several kinds")]
macro_rules! suite {
    ($name:ident, $stores:expr; $($behaviour:ident)*) => {
        mod $name {
            $(#[tokio::test]
            async fn $behaviour() {
                let stores = $stores;
                $crate::behaviours::$behaviour($crate::stores::Stores::fresh(&stores).await).await;
            })*

            #[test]
            fn random_operations_agree_with_the_model() {
                $crate::model::agrees(&$stores);
            }
        }
    };
}

/// For `usual` random sequences: as many times as many as there are cases of other properties beyond the usual number.
pub(crate) fn sequences(usual: u32) -> Config {
    let config = Config::default();
    Config { cases: usual * (config.cases / 256).max(1), failure_persistence: None, ..config }
}
