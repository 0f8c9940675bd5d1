//! Puts texts into the index, one or many at a time.

use super::comparing::{Found, Rule, order, order_of_matches};
use super::searching::{Printed, printed};
use super::{Added, DEFAULT_MATCHES, Match, NewText, SearchMode};
use crate::catalog::{Addition, Announcement};
use crate::document::{Document, DocumentId};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::requests::Caller;
use futures_util::future::join_all;
use redundancy_webhook::event::types;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Texts before it in a group that one is compared with at most.
const MAX_COMPARED: usize = 64;
/// Texts that one job on the pool makes prints of.
const TEXTS_PER_JOB: usize = 16;

/// A text that is being put, with what was found out about it.
struct Coming {
    printed: Printed,
    /// The trace of the print as it is kept.
    trace: Arc<[u8]>,
    document: Document,
    duplicates: Vec<Match>,
    caller: Caller,
}

impl Engine {
    /// Puts a text into the index, in place of the document with its id. When this returns `Ok`, the document, what it is found
    /// by and the events that tell of it are in the store. Texts that are put at the same time need not find each other.
    pub async fn add(&self, text: NewText) -> Result<Added, EngineError> {
        let place = self.pool.reserve_for(text.content.len())?;
        let content = text.content.as_str().into();
        let print = self.pool.run(place, move || printed(content)).await?;
        let mut added = self.add_printed(vec![(text, Ok(print?))]).await;
        added.pop().unwrap_or(Err(EngineError::Panicked))
    }

    /// Puts texts into the index, in their order, each as [`Engine::add`] does, and much faster than one by one. It waits for a
    /// place in the pool instead of being turned away. As many answers as texts.
    pub async fn add_all(&self, texts: Vec<NewText>) -> Vec<Result<Added, EngineError>> {
        if self.pool.is_closed() {
            return texts.iter().map(|_| Err(EngineError::ShuttingDown)).collect();
        }
        let jobs = texts.chunks(TEXTS_PER_JOB).map(|part| async {
            let contents: Vec<Arc<str>> = part.iter().map(|text| text.content.as_str().into()).collect();
            let count = contents.len();
            let job = move || contents.into_iter().map(printed).collect::<Vec<_>>();
            let run =
                async { Ok::<_, EngineError>(self.pool.run(self.pool.wait_for_place().await?, job).await?) };
            match run.await {
                Ok(printed) => printed,
                Err(error) => vec![Err(error); count],
            }
        });
        let printed: Vec<_> = join_all(jobs).await.into_iter().flatten().collect();
        self.add_printed(texts.into_iter().zip(printed).collect()).await
    }

    async fn add_printed(
        &self,
        texts: Vec<(NewText, Result<Printed, EngineError>)>,
    ) -> Vec<Result<Added, EngineError>> {
        let looked_up = join_all(texts.into_iter().map(|(text, printed)| async {
            let coming = self.coming(text, printed?);
            let (document, rule) = (&coming.document, Rule::of_duplicates());
            let found = self
                .matches(&coming.printed, &document.collection, Some(&document.id), rule, DEFAULT_MATCHES)
                .await?;
            Ok(Coming { duplicates: found.matches, ..coming })
        }));
        let mut coming: Vec<Result<Coming, EngineError>> = looked_up.await;
        if coming.len() > 1 {
            coming = match self.compare_each_other(coming).await {
                Ok(coming) => coming,
                Err(errors) => return errors,
            };
        }
        let additions: Vec<Addition> = coming
            .iter()
            .filter_map(|coming| coming.as_ref().ok())
            .map(|coming| self.addition(coming))
            .collect();
        let mut placed = self.ports.catalog.put(additions).await.into_iter();
        coming
            .into_iter()
            .map(|coming| {
                let coming = coming?;
                let placed = placed.next().unwrap_or(Err(
                    redundancy_webhook::store::StoreError::Unavailable("the store gave no answer".to_owned()),
                ))?;
                let duplicates = coming.duplicates;
                Ok(Added { document: placed.document, is_new: placed.is_new, duplicates })
            })
            .collect()
    }

    fn coming(&self, text: NewText, printed: Printed) -> Coming {
        let NewText { id, collection, metadata, store_text, caller, .. } = text;
        let now = self.ports.clock.now();
        let print = &printed.1;
        let document = Document {
            id: id.unwrap_or_else(|| DocumentId::new(&*self.ports.clock, &*self.ports.ids)),
            collection,
            content_hash: print.content_hash,
            normalized_hash: print.normalized_hash,
            characters: print.characters,
            words: print.words,
            metadata,
            is_text_stored: store_text,
            created_at: now,
            updated_at: now,
        };
        let trace = print.trace.encode().into();
        Coming { printed, trace, document, duplicates: Vec::new(), caller }
    }

    /// Adds to the duplicates of each text those that come before it, which the store does not know yet.
    async fn compare_each_other(
        &self,
        coming: Vec<Result<Coming, EngineError>>,
    ) -> Result<Vec<Result<Coming, EngineError>>, Vec<Result<Added, EngineError>>> {
        let count = coming.len();
        let place = self.pool.wait_for_place().await;
        let compared = match place {
            Ok(place) => self.pool.run(place, move || compare_in_order(coming)).await,
            Err(error) => Err(error),
        };
        compared.map_err(|error| vec![Err(error.into()); count])
    }

    fn addition(&self, coming: &Coming) -> Addition {
        let (content, print) = &*coming.printed;
        Addition {
            document: coming.document.clone(),
            content: coming.document.is_text_stored.then(|| Arc::clone(content)),
            trace: Arc::clone(&coming.trace),
            keys: print.keys.clone(),
            announcement: self.announcement(coming),
        }
    }

    fn announcement(&self, coming: &Coming) -> Announcement {
        let teller = self.teller(&coming.caller, &[types::DOCUMENT_INDEXED, types::DUPLICATE_DETECTED]);
        if teller.is_silent() {
            return Arc::new(|_, _| Vec::new());
        }
        let format = Arc::clone(&self.ports.documents);
        let duplicates = coming.duplicates.clone();
        Arc::new(move |document, is_new| {
            let id = &document.id;
            let indexed = teller.tell(types::DOCUMENT_INDEXED, id, || format.indexed(document, is_new));
            let detected = (!duplicates.is_empty()).then(|| {
                teller.tell(types::DUPLICATE_DETECTED, id, || format.duplicates(document, &duplicates))
            });
            indexed.into_iter().chain(detected.flatten()).collect()
        })
    }
}

/// Compares texts with those before them that have a key in common.
fn compare_in_order(mut coming: Vec<Result<Coming, EngineError>>) -> Vec<Result<Coming, EngineError>> {
    // The last text with each id, and who has which key.
    let mut latest: HashMap<DocumentId, usize> = HashMap::new();
    let mut by_key: HashMap<u64, Vec<usize>> = HashMap::new();
    for place in 0..coming.len() {
        let (before, rest) = coming.split_at_mut(place);
        let Some(slot) = rest.first_mut() else { continue };
        let Ok(own) = slot else { continue };
        // What the store knows by an id that came since is not there any more.
        own.duplicates.retain(|found| !latest.contains_key(&found.document_id));
        let print = &own.printed.1;
        let keys = [print.keys.content, print.keys.normalized].into_iter().chain(print.keys.bands.clone());
        let is_other = |other: usize| {
            let earlier = before.get(other).and_then(|earlier| earlier.as_ref().ok());
            earlier.is_some_and(|Coming { document: Document { id, collection, .. }, .. }| {
                *collection == own.document.collection
                    && *id != own.document.id
                    && latest.get(id) == Some(&other)
            })
        };
        let mut others: BTreeSet<usize> = BTreeSet::new();
        for key in keys {
            let having = by_key.entry(key).or_default();
            // The keys of what is equal come first, so that the others do not take its place.
            for other in having.iter().filter(|other| is_other(**other)) {
                if others.len() < MAX_COMPARED {
                    others.insert(*other);
                }
            }
            having.push(place);
        }
        let others = others.iter().filter_map(|other| before.get(*other)?.as_ref().ok());
        let found = compare_with(own, others);
        latest.insert(own.document.id.clone(), place);
        match found {
            Ok(found) => {
                own.duplicates.extend(found);
                own.duplicates.sort_by(order_of_matches(SearchMode::Near));
                own.duplicates.truncate(DEFAULT_MATCHES);
            }
            Err(error) => *slot = Err(error),
        }
    }
    coming
}

/// Those of the texts that are duplicates of `own`: the best ones.
fn compare_with<'c>(
    own: &Coming,
    others: impl Iterator<Item = &'c Coming>,
) -> Result<Vec<Match>, EngineError> {
    let rule = Rule::of_duplicates();
    let (content, print) = &*own.printed;
    let found = others.filter_map(|other| rule.compare(print, &other.document, &other.trace).transpose());
    let mut found: Vec<Found> = found.collect::<Result<_, _>>()?;
    found.sort_by(order(SearchMode::Near));
    found.truncate(DEFAULT_MATCHES);
    found.into_iter().map(|found| found.with_passages(content, print, rule.offset_unit)).collect()
}
