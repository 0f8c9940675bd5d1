//! Documents as rows: put and removed by the writer, read by anybody.

use super::index::loading::encoded;
use super::index::{IndexChange, StoredKey, stored_key};
use super::rows::{damaged, millis, moment};
use super::writer::{Effect, Writer};
use super::{OrFailed as _, execute, packs};
use redundancy_engine::catalog::{Addition, DocumentNumber, Farewell, Kept, Listed, Placed, Stored};
use redundancy_engine::document::Digest;
use redundancy_engine::{CollectionName, Document, DocumentId, StoreError};
use redundancy_webhook::store::{Page, PageRequest, Publication};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::sync::Arc;

/// The columns that [`document`] reads.
const COLUMNS: &str = "d.number, d.id, c.name, d.content_hash, d.normalized_hash, d.characters, d.words, d.metadata, \
    d.text_stored, d.created, d.updated";

impl Writer<'_> {
    /// Puts documents in their order, and publishes what is told of them.
    pub(super) fn put_documents(&mut self, additions: &[Addition]) -> Result<Vec<Placed>, StoreError> {
        let mut traces = Vec::with_capacity(additions.len());
        let mut put = |addition| self.put_document(addition, &mut traces);
        let placed = additions.iter().map(&mut put).collect::<Result<_, _>>()?;
        packs::keep(self.connection, &traces)?;
        Ok(placed)
    }

    /// Puts a document whose trace is kept with others.
    fn put_document(
        &mut self,
        addition: &Addition,
        traces: &mut Vec<(u32, Arc<[u8]>)>,
    ) -> Result<Placed, StoreError> {
        let mut document = addition.document.clone();
        let known = self.forget_document(&document.id)?;
        if let Some((replaced, known)) = &known {
            document.created_at = known.created_at;
            if traces.first().is_some_and(|(first, _)| first <= replaced) {
                // It came with the same group.
                traces.retain(|(number, _)| number != replaced);
            }
        }
        let collection = self.collection(&document.collection)?;
        let number = *self.next_document;
        *self.next_document = number
            .checked_add(1)
            .ok_or_else(|| StoreError::Full("more documents were put than there are numbers".to_owned()))?;
        insert(self.connection, number, collection, &document)?;
        traces.push((number, Arc::clone(&addition.trace)));
        if let Some(content) = &addition.content {
            let insert = "INSERT INTO texts (number, text) VALUES (?1, ?2)";
            let mut insert = self.connection.prepare_cached(insert).or_failed()?;
            insert.execute(params![number, &**content]).or_failed()?;
        }
        let mut keys: Vec<StoredKey> =
            addition.keys.distinct().into_iter().map(|key| stored_key(collection, key)).collect();
        keys.sort_unstable();
        keys.dedup();
        let insert = "INSERT INTO fresh_keys (number, keys) VALUES (?1, ?2)";
        let mut insert = self.connection.prepare_cached(insert).or_failed()?;
        insert.execute(params![number, encoded(&keys)]).or_failed()?;
        self.effects.push(Effect::Index(IndexChange::Put { number, collection, keys: keys.into() }));
        let is_new = known.is_none();
        self.publish_all((addition.announcement)(&document, is_new))?;
        Ok(Placed { document, is_new })
    }

    /// Removes a document, and publishes what is told of that.
    pub(super) fn remove_document(
        &mut self,
        id: &DocumentId,
        farewell: &Farewell,
    ) -> Result<Option<Document>, StoreError> {
        let Some((_, document)) = self.forget_document(id)? else { return Ok(None) };
        self.publish_all(farewell(&document))?;
        Ok(Some(document))
    }

    fn publish_all(&mut self, publications: Vec<Publication>) -> Result<(), StoreError> {
        for publication in publications {
            // The only refusal is a reused key, and these have none.
            let _ = self.publish(publication)?;
        }
        Ok(())
    }

    fn forget_document(&mut self, id: &DocumentId) -> Result<Option<(u32, Document)>, StoreError> {
        let Some((number, document)) = by_id(self.connection, id)? else { return Ok(None) };
        let collection = self.collection(&document.collection)?;
        for statement in [
            "DELETE FROM documents WHERE number = ?1",
            "DELETE FROM texts WHERE number = ?1",
            "INSERT INTO tombstones (number) VALUES (?1)",
        ] {
            execute(self.connection, statement, [number])?;
        }
        packs::forget(self.connection, number)?;
        self.effects.push(Effect::Index(IndexChange::Gone { number, collection }));
        Ok(Some((number, document)))
    }

    /// The number of a collection; a new one gets the next.
    fn collection(&mut self, name: &CollectionName) -> Result<i64, StoreError> {
        let known = "SELECT key FROM collections WHERE name = ?1";
        let mut known = self.connection.prepare_cached(known).or_failed()?;
        let key = known.query_row([name.as_str()], |row| row.get(0)).optional().or_failed()?;
        if let Some(key) = key {
            return Ok(key);
        }
        let insert = "INSERT INTO collections (name) VALUES (?1)";
        self.connection.execute(insert, [name.as_str()]).or_failed()?;
        let key = self.connection.last_insert_rowid();
        self.effects.push(Effect::Index(IndexChange::Collection(key, name.clone())));
        Ok(key)
    }
}

fn insert(
    connection: &Connection,
    number: u32,
    collection: i64,
    document: &Document,
) -> Result<(), StoreError> {
    let insert = "INSERT INTO documents (number, id, collection, content_hash, normalized_hash, characters, words, \
        metadata, text_stored, created, updated) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    let values = params![
        number,
        document.id.as_str(),
        collection,
        &document.content_hash.0[..],
        &document.normalized_hash.0[..],
        i64::try_from(document.characters).unwrap_or(i64::MAX),
        i64::try_from(document.words).unwrap_or(i64::MAX),
        &*document.metadata,
        document.is_text_stored,
        millis(document.created_at),
        millis(document.updated_at)
    ];
    execute(connection, insert, values)?;
    Ok(())
}

/// A document from [`COLUMNS`], and its number.
fn document(row: &Row<'_>) -> Result<(u32, Document), StoreError> {
    let text = |column| row.get_ref(column).or_failed()?.as_str().map_err(|_| damaged());
    let hash = |column| -> Result<Digest, StoreError> {
        let bytes = row.get_ref(column).or_failed()?.as_blob().map_err(|_| damaged())?;
        bytes.try_into().map(Digest).map_err(|_| damaged())
    };
    let count = |column| -> Result<u64, StoreError> {
        u64::try_from(row.get::<_, i64>(column).or_failed()?).map_err(|_| damaged())
    };
    let document = Document {
        id: text(1)?.parse().map_err(|_| damaged())?,
        collection: text(2)?.parse().map_err(|_| damaged())?,
        content_hash: hash(3)?,
        normalized_hash: hash(4)?,
        characters: count(5)?,
        words: count(6)?,
        metadata: text(7)?.into(),
        is_text_stored: row.get(8).or_failed()?,
        created_at: moment(row.get(9).or_failed()?),
        updated_at: moment(row.get(10).or_failed()?),
    };
    Ok((row.get(0).or_failed()?, document))
}

fn by_id(connection: &Connection, id: &DocumentId) -> Result<Option<(u32, Document)>, StoreError> {
    let query = format!(
        "SELECT {COLUMNS} FROM documents d JOIN collections c ON c.key = d.collection WHERE d.id = ?1"
    );
    let mut query = connection.prepare_cached(&query).or_failed()?;
    let mut rows = query.query([id.as_str()]).or_failed()?;
    rows.next().or_failed()?.map(document).transpose()
}

/// A document, and its text if that is kept.
pub(super) fn get(connection: &Connection, id: &DocumentId) -> Result<Option<Stored>, StoreError> {
    // One look at both, so that they belong together.
    let query = format!(
        "SELECT {COLUMNS}, t.text FROM documents d JOIN collections c ON c.key = d.collection \
         LEFT JOIN texts t ON t.number = d.number WHERE d.id = ?1"
    );
    let mut query = connection.prepare_cached(&query).or_failed()?;
    let mut rows = query.query([id.as_str()]).or_failed()?;
    let Some(row) = rows.next().or_failed()? else { return Ok(None) };
    let text: Option<String> = row.get(11).or_failed()?;
    Ok(Some((document(row)?.1, text.map(Into::into))))
}

/// Documents in the order of their numbers.
pub(super) fn list(
    connection: &Connection,
    collection: Option<&CollectionName>,
    page: &PageRequest<DocumentNumber>,
) -> Result<Page<Listed, DocumentNumber>, StoreError> {
    let condition = if collection.is_some() {
        "d.collection = (SELECT key FROM collections WHERE name = ?3) AND"
    } else {
        "?3 IS NULL AND"
    };
    let query = format!(
        "SELECT {COLUMNS} FROM documents d JOIN collections c ON c.key = d.collection \
         WHERE {condition} d.number > ?1 ORDER BY d.number LIMIT ?2"
    );
    let after = page.after.map_or(0, |after| i64::try_from(after.0).unwrap_or(i64::MAX));
    let limit = i64::try_from(page.limit).unwrap_or(i64::MAX - 1) + 1;
    let mut query = connection.prepare_cached(&query).or_failed()?;
    let mut rows = query.query(params![after, limit, collection.map(CollectionName::as_str)]).or_failed()?;
    let mut items = Vec::new();
    while let Some(row) = rows.next().or_failed()? {
        let (number, document) = document(row)?;
        items.push(Listed { number: DocumentNumber(number.into()), document });
    }
    Ok(Page::cut(items, page.limit, |last| last.number))
}

/// What candidates are compared by.
pub(super) fn fetch(connection: &Connection, numbers: &[DocumentNumber]) -> Result<Vec<Kept>, StoreError> {
    let query = format!(
        "SELECT {COLUMNS} FROM documents d JOIN collections c ON c.key = d.collection WHERE d.number = ?1"
    );
    // One view, so that a trace that is being packed is not missed in both places.
    let view = connection.unchecked_transaction().or_failed()?;
    let mut query = connection.prepare_cached(&query).or_failed()?;
    let mut kept = Vec::with_capacity(numbers.len());
    for number in numbers {
        let mut rows = query.query([i64::try_from(number.0).unwrap_or(i64::MAX)]).or_failed()?;
        let Some(row) = rows.next().or_failed()? else { continue };
        let (place, document) = document(row)?;
        let trace = packs::trace(&view, place)?.ok_or_else(damaged)?;
        kept.push(Kept { number: *number, document, trace });
    }
    Ok(kept)
}
