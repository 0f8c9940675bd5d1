//! Traces of texts as they may be found in a store that was damaged: nothing panics, and what can be read is written and read again as
//! the same, and can be searched, compared and shown.

#![no_main]

use libfuzzer_sys::fuzz_target;
use redundancy_detect::fingerprint::{PassageOptions, Shingler, Shingling, Trace, WINDOW, passages, winnow};
use redundancy_detect::span::OffsetUnit;

/// Bytes that are looked at: comparing takes longer than reading.
const LONGEST: usize = 4_096;

fuzz_target!(|input: &[u8]| {
    if input.len() > LONGEST {
        return;
    }
    let text = String::from_utf8_lossy(input);
    let mut shingler = Shingler::new(Shingling::default());
    shingler.read(&text).expect("it is short enough");
    let of_text = Trace::of(&shingler);
    reads_back(&of_text, text.len());
    if let Ok(trace) = Trace::decode(input) {
        reads_back(&trace, usize::MAX);
        let overlap = trace.overlap(&of_text);
        assert!(overlap.shared <= overlap.first.min(overlap.second));
        for other in [&trace, &of_text] {
            for passage in passages(&trace, other, &PassageOptions::default()).passages {
                assert!(passage.query.end <= trace.len() && passage.document.end <= other.len());
            }
        }
    }
});

/// A trace is the same after it was written, and no part of it lies beyond its text.
fn reads_back(trace: &Trace, longest: usize) {
    assert_eq!(Trace::decode(&trace.encode()).as_ref(), Ok(trace));
    winnow(&trace.shingles(), WINDOW);
    let whole = trace.span(0..trace.len(), OffsetUnit::Bytes);
    assert!(whole.start <= whole.end && whole.end <= longest);
    for unit in [OffsetUnit::Chars, OffsetUnit::Utf16] {
        trace.span(trace.len() / 2..trace.len(), unit);
    }
}
