//! One reading of a corpus by many threads, with results taken in the order of the corpus.

use super::source::{Block, Corpus};
use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What the threads of a pass share: the reading with the number of the next block, and whose turn it is.
struct Line<R> {
    reading: Mutex<Option<(R, usize)>>,
    turn: Mutex<usize>,
    moved: Condvar,
}

/// A turn that never comes: a thread that panicked would be waited for.
const BROKEN: usize = usize::MAX;

/// Lets those who wait go when the thread that holds it panics.
struct Presence<'l, R>(&'l Line<R>);

/// Calls `work` for each block of `corpus` on `threads` threads, and `take` for what each call gives, one at a time and in the
/// order of the blocks, so that nothing depends on how many threads there are. No thread is more than one block ahead of the
/// slowest, which bounds what waits.
///
/// The first error of the corpus or of `take`, in the order of the blocks, ends the pass.
pub(super) fn each_block<C: Corpus, W, T: Send, E: From<C::Error> + Send>(
    corpus: &C,
    threads: NonZeroUsize,
    worker: impl Fn() -> W + Sync,
    work: impl Fn(&mut W, &Block, usize) -> T + Sync,
    take: impl FnMut(T) -> Result<(), E> + Send,
) -> Result<(), E> {
    let line =
        Line { reading: Mutex::new(Some((corpus.open()?, 0))), turn: Mutex::new(0), moved: Condvar::new() };
    let taking = Mutex::new((take, Ok(())));
    std::thread::scope(|scope| {
        for _ in 0..threads.get() {
            scope.spawn(|| {
                let _present = Presence(&line);
                let mut worker = worker();
                let mut block = Block::default();
                while let Some((number, read)) = line.next(corpus, &mut block) {
                    let result = match read {
                        Ok(()) => {
                            corpus.split(&mut block);
                            Ok(work(&mut worker, &block, number))
                        }
                        Err(error) => Err(E::from(error)),
                    };
                    line.in_turn(number, || {
                        let (take, outcome) = &mut *lock(&taking);
                        if outcome.is_ok() {
                            *outcome = result.and_then(take);
                        }
                        if outcome.is_err() {
                            line.end();
                        }
                    });
                }
            });
        }
    });
    taking.into_inner().unwrap_or_else(PoisonError::into_inner).1
}

impl<R> Line<R> {
    /// Fetches the next block and tells its number; `None` when there is nothing more to do.
    fn next<C: Corpus<Reader = R>>(
        &self,
        corpus: &C,
        block: &mut Block,
    ) -> Option<(usize, Result<(), C::Error>)> {
        let mut reading = lock(&self.reading);
        let (reader, next) = reading.as_mut()?;
        let number = *next;
        *next += 1;
        match corpus.next_block(reader, block) {
            Ok(true) => Some((number, Ok(()))),
            Ok(false) => {
                *reading = None;
                None
            }
            Err(error) => {
                *reading = None;
                Some((number, Err(error)))
            }
        }
    }

    /// Runs `step` when all blocks before `number` have had theirs.
    fn in_turn(&self, number: usize, step: impl FnOnce()) {
        let turn = lock(&self.turn);
        let waiting = |turn: &mut usize| *turn != number && *turn != BROKEN;
        let mut turn = self.moved.wait_while(turn, waiting).unwrap_or_else(PoisonError::into_inner);
        if *turn != BROKEN {
            step();
            *turn += 1;
            self.moved.notify_all();
        }
    }

    fn end(&self) {
        *lock(&self.reading) = None;
    }
}

impl<R> Drop for Presence<'_, R> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.end();
            *lock(&self.0.turn) = BROKEN;
            self.0.moved.notify_all();
        }
    }
}

/// A panic elsewhere ends the pass anyway: the scope passes it on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
