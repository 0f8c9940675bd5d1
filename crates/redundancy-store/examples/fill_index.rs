//! Fills an index in a folder, or in the Redis at a `redis://` address, with made-up documents of about 2 KB, and measures:
//! `fill_index WHERE DOCUMENTS [STEP] [text]`. What is there already stays, and is counted. The texts are kept only with `text`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a tool for measuring, not a part of the product"
)]
#![allow(clippy::disallowed_methods, reason = "it measures real time")]

use redundancy_engine::index::{Added, Match, NewText, SearchMode, SearchRequest};
use redundancy_engine::webhook::clock::{Clock, IdSource, Timestamp};
use redundancy_engine::webhook::trace::NoTracer;
use redundancy_engine::{
    AnalysisId, AnalysisStore, Caller, Catalog, CollectionName, CpuPoolConfig, Document, DocumentFormat,
    Engine, EngineConfig, EngineError, EnginePorts, Finding, FindingFormat, NoBatches,
};
use redundancy_store::{EmbeddedConfig, EmbeddedStore, RedisConfig, RedisStore, redis};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// Documents that are put together, and groups that are under way at once.
const GROUP: usize = 256;
const GROUPS: usize = 4;
/// Searches after each step.
const SEARCHES: usize = 2000;

const SYLLABLES: [&str; 16] =
    ["la", "re", "con", "tra", "su", "mi", "do", "ver", "al", "ten", "po", "cu", "es", "ra", "ni", "gal"];

struct RealTime(Instant);

impl Clock for RealTime {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap())
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

struct Counting(AtomicU64);

impl IdSource for Counting {
    fn random_128(&self) -> u128 {
        u128::from(self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15)) * 0x1_0001
    }
}

struct Nothing;

impl FindingFormat for Nothing {
    fn whole(&self, _: AnalysisId, _: &Finding) -> String {
        String::new()
    }

    fn summary(&self, _: AnalysisId, _: &Finding) -> String {
        String::new()
    }
}

impl DocumentFormat for Nothing {
    fn indexed(&self, _: &Document, _: bool) -> String {
        String::new()
    }

    fn deleted(&self, _: &Document) -> String {
        String::new()
    }

    fn duplicates(&self, _: &Document, _: &[Match]) -> String {
        String::new()
    }
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// Document `number`: words of which few are frequent and many are rare; every tenth is an edit of an earlier one. Made quickly,
/// because what makes documents shares the cores with what puts them.
fn text(number: u64) -> String {
    let original = if number % 10 == 9 { Random(number).below(number) } else { number };
    // Of one that is no edit itself.
    let original = original - u64::from(original != number && original % 10 == 9);
    let mut random = Random(original.wrapping_mul(77) + 1);
    let mut edits = Random(number);
    let edited: Vec<u64> = (0..3 * u64::from(original != number)).map(|_| edits.below(330)).collect();
    let mut text = String::with_capacity(2400);
    for place in 0..330 {
        let mut word = (1 << random.below(17)) + random.below(64);
        if edited.contains(&place) {
            word = edits.below(1 << 17);
        }
        loop {
            text.push_str(SYLLABLES[usize::try_from(word % 16).unwrap()]);
            word /= 16;
            if word == 0 {
                break;
            }
        }
        text.push(' ');
    }
    text
}

fn new_text(number: u64, store_text: bool) -> NewText {
    NewText {
        id: None,
        collection: CollectionName::default(),
        content: text(number),
        metadata: "{}".into(),
        store_text,
        caller: Caller::default(),
    }
}

/// What the index takes: of a disk, or of the memory of Redis.
fn bytes_at(place: &str) -> u64 {
    if let Some(address) = place.strip_prefix("redis://") {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"INFO memory\r\nQUIT\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let used = answer.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
        return used.trim().parse().unwrap();
    }
    let files = std::fs::read_dir(place).unwrap();
    files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or_default() / 1024
}

async fn put(engine: Arc<Engine>, numbers: std::ops::Range<u64>, store_text: bool) -> usize {
    let texts = numbers.map(|number| new_text(number, store_text)).collect();
    let added: Vec<Result<Added, EngineError>> = engine.add_all(texts).await;
    added.into_iter().filter(|added| !added.as_ref().unwrap().duplicates.is_empty()).count()
}

async fn measure(engine: &Arc<Engine>, count: u64) -> (Duration, Duration, usize) {
    let (mut times, mut found) = (Vec::new(), 0);
    for search in 0..SEARCHES as u64 {
        // Half of them are of documents that are there, half of others.
        let number =
            if search.is_multiple_of(2) { Random(search).below(count) } else { (1 << 40) + search * 10 };
        let request = SearchRequest {
            content: text(number),
            collection: CollectionName::default(),
            mode: SearchMode::Near,
            threshold: None,
            limit: 10,
            offset_unit: redundancy_engine::detect::OffsetUnit::Chars,
        };
        let began = Instant::now();
        found += usize::from(!engine.search(request).await.unwrap().matches.is_empty());
        times.push(began.elapsed());
    }
    times.sort_unstable();
    (times[SEARCHES / 2], times[SEARCHES * 99 / 100], found)
}

async fn open(
    place: &str,
    clock: Arc<RealTime>,
    ids: Arc<Counting>,
) -> (Arc<dyn AnalysisStore>, Arc<dyn Catalog>) {
    if place.starts_with("redis") {
        let (address, timeout) = (place.parse().unwrap(), redis::DEFAULT_TIMEOUT);
        let store =
            RedisStore::connect(RedisConfig { address, timeout, cipher: None, ids, clock, tenant: None })
                .await;
        let store = store.unwrap();
        return (store.clone(), store);
    }
    let config = EmbeddedConfig { folder: Path::new(place).to_owned(), cipher: None, clock, ids };
    let store = EmbeddedStore::open(config).unwrap();
    (store.clone(), store)
}

async fn run(place: &str, documents: u64, step: u64, store_text: bool) {
    let clock = Arc::new(RealTime(Instant::now()));
    let ids = Arc::new(Counting(AtomicU64::new(u64::from(std::process::id()) << 32)));
    let began = Instant::now();
    let (store, catalog) = open(place, clock.clone(), ids.clone()).await;
    println!("opened in {:.3} s", began.elapsed().as_secs_f64());
    let cpu = CpuPoolConfig { workers: 2, queue: 64 };
    let (format, formats) = (Arc::new(Nothing), Arc::new(Nothing));
    let batches = Arc::new(NoBatches);
    let ports = EnginePorts {
        clock,
        ids,
        store,
        format,
        catalog,
        documents: formats,
        batches,
        tracer: Arc::new(NoTracer),
    };
    let engine = Arc::new(Engine::new(EngineConfig { cpu }, ports));
    let mut count: u64 = engine.document_counts().await.unwrap().iter().map(|(_, count)| count).sum();
    println!("documents  inserts/s  duplicates  p50 ms  p99 ms  found  bytes/doc  RSS MiB");
    while count < documents {
        let end = (count + step).min(documents);
        let (began, from) = (Instant::now(), count);
        let mut duplicates = 0;
        let mut tasks = tokio::task::JoinSet::new();
        while count < end {
            let next = (count + GROUP as u64).min(end);
            if tasks.len() == GROUPS {
                duplicates += tasks.join_next().await.unwrap().unwrap();
            }
            tasks.spawn(put(Arc::clone(&engine), count..next, store_text));
            count = next;
        }
        while let Some(done) = tasks.join_next().await {
            duplicates += done.unwrap();
        }
        let rate = (end - from) as f64 / began.elapsed().as_secs_f64();
        let (p50, p99, found) = measure(&engine, count).await;
        let (p50, p99) = (p50.as_secs_f64() * 1e3, p99.as_secs_f64() * 1e3);
        let bytes = bytes_at(place) / count;
        let rss = resident_mib();
        println!(
            "{count:9}  {rate:9.0}  {duplicates:10}  {p50:6.2}  {p99:6.2}  {found:5}  {bytes:9}  {rss:7}"
        );
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let place = arguments.next().unwrap();
    let documents = arguments.next().unwrap().parse().unwrap();
    let step = arguments.next().map_or(100_000, |step| step.parse().unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store_text = arguments.next().is_some_and(|word| word == "text");
    runtime.block_on(run(&place, documents, step, store_text));
}
