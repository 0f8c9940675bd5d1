//! The header `Retry-After` as any receiver may send it: nothing panics, whole seconds are understood, and who asks later waits
//! no longer.
//!
//! The input is a line with the time in milliseconds since 1970, and the value.

#![no_main]

use libfuzzer_sys::fuzz_target;
use redundancy_webhook::clock::Timestamp;
use redundancy_webhook::retry::retry_after;
use std::time::Duration;

fuzz_target!(|input: &[u8]| {
    let text = String::from_utf8_lossy(input);
    let (now, value) = text.split_once('\n').unwrap_or(("", &text));
    let now: u64 = now.trim().parse().unwrap_or_default();
    let wait = retry_after(value, Timestamp::from_millis(now));
    let later = retry_after(value, Timestamp::from_millis(now.saturating_add(10_000)));
    assert_eq!(wait.is_some(), later.is_some(), "{value:?}");
    assert!(later <= wait, "{value:?}: {wait:?}, ten seconds later {later:?}");
    if let Ok(seconds) = value.parse::<u32>()
        && !value.starts_with('+')
        && value.len() <= 10
    {
        assert_eq!(wait, Some(Duration::from_secs(seconds.into())), "{value:?}");
    }
});
