//! Changes that share a transaction and do not share their fate.

use super::OrFailed as _;
use super::writer::Writer;
use redundancy_webhook::store::StoreError;

impl Writer<'_> {
    /// Makes one change of several in the open transaction: should it fail, only it is undone. The outer error says that all of
    /// the transaction is lost.
    pub(super) fn alone(
        &mut self,
        apply: impl FnOnce(&mut Self) -> Result<(), StoreError>,
    ) -> Result<Result<(), StoreError>, StoreError> {
        self.mark("SAVEPOINT alone")?;
        let (effects, held) = (self.effects.len(), self.held.len());
        let Err(error) = apply(self) else {
            self.mark("RELEASE alone")?;
            return Ok(Ok(()));
        };
        if self.connection.is_autocommit() {
            // The database has undone everything by itself, as it does when the disk is full.
            return Err(error);
        }
        self.mark("ROLLBACK TO alone")?;
        self.mark("RELEASE alone")?;
        self.effects.truncate(effects);
        self.types.forget();
        *self.registry = super::endpoints::registry(self.connection, self.shared)?;
        let mut state = self.shared.state();
        for held in self.held.drain(held..) {
            state.undo(held);
        }
        drop(state);
        self.shared.work.notify_one();
        Ok(Err(error))
    }

    fn mark(&self, statement: &str) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(statement).or_failed()?;
        statement.execute([]).map(drop).or_failed()
    }
}
