//! Why the engine did not do what it was asked.

use crate::cpu_pool::PoolError;
use redundancy_detect::TextTooLong;
use redundancy_webhook::store::StoreError;
use std::time::Duration;

/// How long a caller is asked to wait when every worker is taken and the queue is full: about the time in which a full
/// queue of ordinary texts drains.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why the engine did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// All workers are taken and the queue is full.
    #[error("too much work at once: try again in {} s", retry_after.as_secs())]
    Busy {
        /// When it makes sense to ask again.
        retry_after: Duration,
    },
    /// The text cannot be taken.
    #[error(transparent)]
    TextTooLong(#[from] TextTooLong),
    /// The work ended in a defect of the program. Others are not affected.
    #[error("the analysis failed because of a defect in the program")]
    Panicked,
    /// The program is ending and takes no new work.
    #[error("the service is shutting down: try again in a moment")]
    ShuttingDown,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EngineError {
    /// A short name for those who count errors.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Busy { .. } => "busy",
            Self::TextTooLong(_) => "text_too_long",
            Self::Panicked => "panicked",
            Self::ShuttingDown => "shutting_down",
            Self::Store(_) => "store",
        }
    }
}

impl From<PoolError> for EngineError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Full => Self::Busy { retry_after: RETRY_AFTER },
            PoolError::Closed => Self::ShuttingDown,
            PoolError::Panicked => Self::Panicked,
        }
    }
}
