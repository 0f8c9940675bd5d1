//! Use cases and ports of Content Redundancy Detector: what the product does, without a word about how it is asked (HTTP,
//! command line) or where things are kept (memory, a file, Redis).
//!
//! An [`Engine`] is built once from its ports and shared by everything that serves requests. [`Engine::answer`] does a
//! request and gives what was found; [`Engine::submit`] accepts the same request for later, and [`Engine::result`] tells what
//! became of it. Documents are kept and found through [`Engine::add`] and its kin; many items at once are a [`batch`]. The work
//! itself is done by the pure [`detect`] library on a [`CpuPool`]; on the threads that serve requests only what is
//! [small](cpu_pool::SMALL_BYTES).

#![forbid(unsafe_code)]

pub mod access;
pub mod batch;
pub mod catalog;
pub mod corpus;
pub mod cpu_pool;
pub mod document;
pub mod engine;
pub mod error;
pub mod ids;
pub mod index;
pub mod ports;
pub mod requests;
pub mod stats;
mod telling;

pub use batch::{Batch, BatchOperation, BatchState, BatchStore, NoBatches};
pub use catalog::{Catalog, NoCatalog};
pub use cpu_pool::{CpuPool, CpuPoolConfig};
pub use document::{CollectionName, Document, DocumentId};
pub use engine::{Engine, EngineConfig, EnginePorts};
pub use error::EngineError;
pub use ids::{AnalysisId, BatchId};
pub use ports::{AnalysisState, AnalysisStore, DocumentFormat, FindingFormat, StoreKind, StoredAnalysis};
pub use redundancy_detect as detect;
pub use redundancy_webhook as webhook;
pub use redundancy_webhook::clock::{Clock, IdSource, Timestamp};
pub use redundancy_webhook::store::StoreError;
pub use requests::{
    AnalyzeRequest, Caller, Comparison, Finding, Identified, Operation, QualityRequest, Request,
    SimilarityRequest, Work,
};
pub use stats::{OperationStats, Stats};
