//! The levels of the log in force, which can be changed while the program runs.

use std::sync::{Arc, PoisonError, RwLock};

use redundancy_engine::webhook::trace;
use redundancy_server::LogLevels;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, Filter};

use crate::settings::Levels;

/// The levels in force. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct LevelsInForce(Arc<RwLock<Levels>>);

impl LevelsInForce {
    pub(crate) fn new(levels: Levels) -> Self {
        Self(Arc::new(RwLock::new(levels)))
    }

    fn look<T>(&self, at: impl FnOnce(&Levels) -> T) -> T {
        at(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl LogLevels for LevelsInForce {
    fn levels(&self) -> String {
        self.look(ToString::to_string)
    }

    fn set(&self, levels: &str) -> Result<(), String> {
        let levels = levels.parse::<Levels>().map_err(|error| error.to_string())?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = levels;
        // Whether a place in the program is to be logged is remembered there.
        tracing::callsite::rebuild_interest_cache();
        Ok(())
    }
}

/// For all that is logged. What a place in the program may log is asked once and remembered until the levels change, so that it
/// costs nothing on the way.
impl<S: Subscriber> Layer<S> for LevelsInForce {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.look(|levels| enables(levels, metadata)) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.look(|levels| enables(levels, metadata))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.look(Levels::most))
    }
}

/// For the log alone, where others look at spans too.
impl<S> Filter<S> for LevelsInForce {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.look(|levels| enables(levels, metadata))
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.look(|levels| enables(levels, metadata)) { Interest::always() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.look(Levels::most))
    }
}

/// Whether something is logged. Spans for traces are not: the log has spans of its own.
fn enables(levels: &Levels, metadata: &Metadata<'_>) -> bool {
    metadata.target() != trace::TARGET && *metadata.level() <= levels.of(metadata.target())
}
