//! The engine at work on batches in a store: what it does with items that cannot be done, and with a store that refuses.

use crate::fixture::{read, results, taken};
use crate::stores::Store;
use crate::unmoved::{Counted, NoTime};
use redundancy_engine::batch::{ItemFormat, ItemTask};
use redundancy_engine::detect::quality::QualityOptions;
use redundancy_engine::index::{Added, Match, NewText};
use redundancy_engine::webhook::trace::NoTracer;
use redundancy_engine::{
    AnalysisId, AnalysisStore, Batch, BatchId, BatchOperation, BatchState, Caller, Catalog, CpuPoolConfig,
    Document, DocumentFormat, Engine, EngineConfig, EngineError, EnginePorts, Finding, FindingFormat,
    NoCatalog, QualityRequest,
};
use redundancy_store::MemoryStore;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Items are texts; one that says `panic` is the end of whoever reads it.
struct Plain;

impl ItemFormat for Plain {
    fn read(&self, batch: &Batch, index: u64, item: &[u8]) -> Result<ItemTask, String> {
        let content = String::from_utf8(item.to_vec()).map_err(|_| format!("{index} no text"))?;
        assert!(content != "panic", "on purpose");
        if batch.operation == BatchOperation::Index {
            return Ok(ItemTask::Index(NewText {
                id: None,
                collection: redundancy_engine::CollectionName::default(),
                content,
                metadata: "{}".into(),
                store_text: true,
                caller: Caller::default(),
            }));
        }
        Ok(ItemTask::Analysis(QualityRequest { content, options: QualityOptions::default() }.into()))
    }

    fn found(&self, index: u64, _: AnalysisId, _: Finding, _: Duration) -> String {
        format!("{index} found")
    }

    fn added(&self, index: u64, added: Added) -> String {
        format!("{index} {} {}", added.document.id, added.is_new)
    }

    fn refused(&self, _: &Batch, index: u64, error: EngineError) -> String {
        format!("{index} {error}")
    }

    fn ended(&self, batch: &Batch) -> String {
        format!("\"{}\"", batch.state.as_str())
    }
}

impl FindingFormat for Plain {
    fn whole(&self, _: AnalysisId, _: &Finding) -> String {
        String::new()
    }

    fn summary(&self, _: AnalysisId, _: &Finding) -> String {
        String::new()
    }
}

impl DocumentFormat for Plain {
    fn indexed(&self, _: &Document, _: bool) -> String {
        "1".to_owned()
    }

    fn deleted(&self, _: &Document) -> String {
        "1".to_owned()
    }

    fn duplicates(&self, _: &Document, _: &[Match]) -> String {
        "1".to_owned()
    }
}

fn engine(store: &Arc<MemoryStore>, catalog: Arc<dyn Catalog>) -> Engine {
    let ports = EnginePorts {
        clock: Arc::new(NoTime),
        ids: Arc::new(Counted::default()),
        store: Arc::clone(store) as Arc<dyn AnalysisStore>,
        format: Arc::new(Plain),
        catalog,
        documents: Arc::new(Plain),
        batches: store.clone(),
        tracer: Arc::new(NoTracer),
    };
    Engine::new(EngineConfig { cpu: CpuPoolConfig { workers: 2, queue: 2 } }, ports)
}

async fn accept(engine: &Engine, operation: BatchOperation, items: &[&str]) -> BatchId {
    let mut batch = engine.new_batch(operation, Caller::default());
    for item in items {
        batch.add(item.as_bytes().into()).await.unwrap();
    }
    batch.accept().await.unwrap().id
}

/// Runs batches until `id` has ended.
async fn run_until_ended(engine: &Engine, id: BatchId) -> Batch {
    let stop = CancellationToken::new();
    let watch = async {
        loop {
            let batch = engine.batch(id).await.unwrap().unwrap();
            if batch.state.is_final() {
                stop.cancel();
                return batch;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::join!(watch, engine.run_batches(Arc::new(Plain), stop.cancelled())).0
}

#[tokio::test]
async fn an_item_that_meets_a_defect_is_not_the_end_of_its_batch() {
    let store = Arc::new(MemoryStore::default());
    let engine = engine(&store, store.clone());
    let id = accept(&engine, BatchOperation::Quality, &["one", "panic", "two"]).await;
    let batch = run_until_ended(&engine, id).await;
    assert_eq!((batch.state, batch.done, batch.failed), (BatchState::Completed, 3, 1));
    let store = Store { batches: store.clone(), webhooks: store };
    let lines = results(&store, id).await;
    assert_eq!((&*lines[0], &*lines[2]), ("0 found", "2 found"));
    assert!(lines[1].contains("defect"), "{}", lines[1]);
}

#[tokio::test]
async fn results_keep_their_places_among_texts_that_are_put_together() {
    let store = Arc::new(MemoryStore::default());
    let engine = engine(&store, store.clone());
    let texts: Vec<String> = (0..150).map(|number| format!("text {number}")).collect();
    let mut items: Vec<&str> = texts.iter().map(String::as_str).collect();
    for faulty in [0, 1, 63, 64, 65, 149] {
        items[faulty] = "panic";
    }
    let id = accept(&engine, BatchOperation::Index, &items).await;
    let batch = run_until_ended(&engine, id).await;
    assert_eq!((batch.state, batch.done, batch.failed), (BatchState::Completed, 150, 6));
    let lines = results(&Store { batches: store.clone(), webhooks: store.clone() }, id).await;
    for (index, line) in lines.iter().enumerate() {
        let expected = format!("{index} {id}:{index} true");
        assert!(if items[index] == "panic" { line.contains("defect") } else { **line == expected }, "{line}");
    }
    assert_eq!(Catalog::counts(&*store).await.unwrap()[0].1, 144);
}

#[tokio::test(start_paused = true)]
async fn a_batch_whose_items_are_refused_for_good_fails() {
    let store = Arc::new(MemoryStore::default());
    let engine = engine(&store, Arc::new(NoCatalog));
    let refused = accept(&engine, BatchOperation::Index, &["one", "two"]).await;
    let batch = run_until_ended(&engine, refused).await;
    assert_eq!((batch.state, batch.done), (BatchState::Failed, 0));
    assert_eq!(batch.error.as_deref(), Some("the store does not take its items"));
    // Others go on.
    let other = accept(&engine, BatchOperation::Quality, &["one"]).await;
    assert_eq!(run_until_ended(&engine, other).await.state, BatchState::Completed);
}

#[tokio::test]
async fn whoever_ends_gives_back_what_is_not_done() {
    let memory = Arc::new(MemoryStore::default());
    let engine = engine(&memory, memory.clone());
    let id = accept(&engine, BatchOperation::Quality, &["one", "two"]).await;
    // Told to end before it began.
    engine.run_batches(Arc::new(Plain), std::future::ready(())).await;
    let held = Store { batches: memory.clone(), webhooks: memory };
    assert!(!read(&held, id).await.state.is_final());
    let next = taken(&held, 7, 0, 9).await;
    assert_eq!(next.batch.id, id);
}
