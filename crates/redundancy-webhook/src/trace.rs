//! Where work belongs in a distributed trace, as W3C Trace Context writes it, and the port through which the spans of this
//! program become part of such traces.
//!
//! Spans for traces are those of the target [`TARGET`]. They are for whoever exports them; the log has spans of its own. A
//! program that exports none switches the target off, and then they cost next to nothing.
//!
//! Not for exporting spans: that is the business of the program behind [`Tracer`].

use std::fmt;
use std::str::FromStr;
use tracing::Span;

/// The target of spans and events that are part of traces.
pub const TARGET: &str = "redundancy.trace";

/// Longest `tracestate` that is passed on, in bytes: what the specification asks of everybody.
const MAX_STATE_BYTES: usize = 512;

/// The flags that there are, `sampled` and, by level 2 of the specification, `random`. Others are passed on as 0.
const KNOWN_FLAGS: u128 = 0b11;

/// A place in a distributed trace: what the headers `traceparent` and `tracestate` say. As text, in stores, it is the first and,
/// behind a blank, the second if there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    /// In the form of version `00`, which is 55 characters of ASCII.
    parent: String,
    state: Option<String>,
}

/// A text is no [`TraceContext`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no trace context: 00-<32 hexadecimal digits>-<16>-<2>")]
pub struct InvalidTraceContext;

/// Ties the spans of this program to traces that cross its borders.
pub trait Tracer: Send + Sync {
    /// Makes `span` a child of the one that `parent` names. To be called before `span` is entered or has children.
    fn follow(&self, span: &Span, parent: &TraceContext);

    /// What those are told who work on behalf of `span`; `None` where it is not part of a trace.
    fn context(&self, span: &Span) -> Option<TraceContext>;
}

/// Traces nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTracer;

impl Tracer for NoTracer {
    fn follow(&self, _: &Span, _: &TraceContext) {}

    fn context(&self, _: &Span) -> Option<TraceContext> {
        None
    }
}

impl TraceContext {
    /// What the two headers say. A `traceparent` of a later version is taken for one of version `00`, as the specification asks; a
    /// `tracestate` that is too long or has characters which a header cannot hold is left out.
    pub fn new(traceparent: &str, tracestate: Option<&str>) -> Result<Self, InvalidTraceContext> {
        let flags = flags_of(traceparent).ok_or(InvalidTraceContext)?;
        // Version, trace, parent and flags have fixed places.
        let ids = traceparent.get(2..53).ok_or(InvalidTraceContext)?;
        let is_sane = |state: &&str| {
            (1..=MAX_STATE_BYTES).contains(&state.len())
                && state.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
        };
        let state = tracestate.map(str::trim).filter(is_sane).map(str::to_owned);
        Ok(Self { parent: format!("00{ids}{:02x}", flags & KNOWN_FLAGS), state })
    }

    /// The first place in a trace of its own, which is named by `number`, and its span by the lower half of that. Not sampled: nobody
    /// has decided that it is.
    #[must_use]
    pub fn unsampled_root(number: u128) -> Self {
        let span = (number & u128::from(u64::MAX)).max(1);
        Self { parent: format!("00-{:032x}-{span:016x}-00", number.max(1)), state: None }
    }

    /// The header `traceparent`.
    #[must_use]
    pub fn traceparent(&self) -> &str {
        &self.parent
    }

    /// The header `tracestate`.
    #[must_use]
    pub fn tracestate(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// The id of the trace: 32 hexadecimal digits, not all of them 0.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        self.parent.get(3..35).unwrap_or_default()
    }

    /// The number of the trace.
    #[must_use]
    pub fn trace_number(&self) -> u128 {
        u128::from_str_radix(self.trace_id(), 16).unwrap_or_default()
    }

    /// The number of the span.
    #[must_use]
    pub fn span_number(&self) -> u64 {
        self.parent.get(36..52).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default()
    }

    /// The flags; the lowest bit says that the trace is sampled.
    #[must_use]
    pub fn flags(&self) -> u8 {
        self.parent.get(53..55).and_then(|digits| u8::from_str_radix(digits, 16).ok()).unwrap_or_default()
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parent)?;
        self.state.as_ref().map_or(Ok(()), |state| write!(f, " {state}"))
    }
}

impl FromStr for TraceContext {
    type Err = InvalidTraceContext;

    fn from_str(text: &str) -> Result<Self, InvalidTraceContext> {
        let (parent, state) =
            text.split_once(' ').map_or((text, None), |(parent, state)| (parent, Some(state)));
        Self::new(parent, state)
    }
}

/// The flags of `version-trace_id-parent_id-flags`, if all of it is sound: in lower-case hexadecimal. Versions after `00` may have more parts.
fn flags_of(text: &str) -> Option<u128> {
    let mut parts = text.split('-');
    let version = hex(parts.next()?, 2)?;
    let trace_id = hex(parts.next()?, 32)?;
    let parent_id = hex(parts.next()?, 16)?;
    let flags = hex(parts.next()?, 2)?;
    let is_complete = version != 0xff && (version > 0 || parts.next().is_none());
    (is_complete && trace_id != 0 && parent_id != 0).then_some(flags)
}

fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_hex = text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_hex.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn flags_that_there_are_not_are_passed_on_as_none() {
        for (given, passed_on) in [("ff", 0b11), ("fd", 1), ("fc", 0), ("02", 2)] {
            let text = format!("{}{given}", &KNOWN[..53]);
            assert_eq!(TraceContext::new(&text, None).unwrap().flags(), passed_on, "{given}");
        }
    }

    #[test]
    fn a_trace_of_its_own_is_sound_whatever_names_it() {
        for number in [0, 1, 1 << 64, u128::MAX] {
            let own = TraceContext::unsampled_root(number);
            assert_eq!(TraceContext::new(own.traceparent(), None).as_ref(), Ok(&own), "{number}");
            let span = u64::try_from(number & u128::from(u64::MAX)).unwrap().max(1);
            assert_eq!((own.trace_number(), own.span_number(), own.flags()), (number.max(1), span, 0));
        }
    }

    #[test]
    fn a_well_formed_header_gives_its_parts() {
        let context = TraceContext::new(KNOWN, None).unwrap();
        assert_eq!(context.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(context.trace_number(), 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!((context.span_number(), context.flags()), (0x00f0_67aa_0ba9_02b7, 1));
    }

    #[test]
    fn a_later_version_is_passed_on_as_the_one_we_speak() {
        for later in [format!("cc{}-later", &KNOWN[2..]), format!("01{}", &KNOWN[2..])] {
            assert_eq!(TraceContext::new(&later, None).unwrap().traceparent(), KNOWN, "{later}");
        }
    }

    #[test]
    fn a_malformed_header_gives_none() {
        for text in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-later",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceContext::new(text, None), Err(InvalidTraceContext), "{text}");
        }
    }

    #[test]
    fn a_context_reads_back_from_what_stores_keep_of_it() {
        for state in [None, Some("congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"), Some("a=1, b=2")] {
            let context = TraceContext::new(KNOWN, state).unwrap();
            assert_eq!(context.tracestate(), state);
            assert_eq!(context.to_string().parse(), Ok(context));
        }
    }

    #[test]
    fn a_state_that_cannot_be_passed_on_is_left_out() {
        for state in ["", " ", "a=ñ", "a=\nb", &"x".repeat(513)] {
            assert_eq!(TraceContext::new(KNOWN, Some(state)).unwrap().tracestate(), None, "{state}");
        }
    }
}
