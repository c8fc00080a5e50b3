//! Spawning tasks that the shutdown waits for.

use std::borrow::Cow;
use std::future::Future;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::tasks::{Entry, Tracked};
use crate::{Shutdown, ShuttingDown};

impl Shutdown {
    /// Spawns a task that the shutdown waits for while it drains. `make` is given a token that is
    /// cancelled when intake stops.
    ///
    /// # Errors
    ///
    /// [`ShuttingDown`] once the drain is over. `make` is not called then.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime; see [`spawn_on`](Self::spawn_on).
    pub fn spawn<F, Fut>(
        &self,
        name: impl Into<Cow<'static, str>>,
        make: F,
    ) -> Result<JoinHandle<Fut::Output>, ShuttingDown>
    where
        F: FnOnce(CancellationToken) -> Fut,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        // Not by a handle to the current runtime: that would cost two operations on its count.
        self.spawn_with(name.into(), make, |task| tokio::spawn(task))
    }

    /// [`spawn`](Self::spawn) on the runtime of `handle`.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn).
    pub fn spawn_on<F, Fut>(
        &self,
        name: impl Into<Cow<'static, str>>,
        make: F,
        handle: &Handle,
    ) -> Result<JoinHandle<Fut::Output>, ShuttingDown>
    where
        F: FnOnce(CancellationToken) -> Fut,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        self.spawn_with(name.into(), make, |task| handle.spawn(task))
    }

    fn spawn_with<F, Fut>(
        &self,
        name: Cow<'static, str>,
        make: F,
        spawn: impl FnOnce(Tracked<Fut>) -> JoinHandle<Fut::Output>,
    ) -> Result<JoinHandle<Fut::Output>, ShuttingDown>
    where
        F: FnOnce(CancellationToken) -> Fut,
        Fut: Future,
    {
        let entry = self.enter_task(name, false)?;
        let key = entry.key();
        let future = make(self.0.tokens.intake.clone());
        let join = spawn(Tracked::new(future, entry));
        self.0.tasks.attach(key, join.abort_handle());
        Ok(join)
    }

    /// Runs `run` on tokio's pool for blocking work, tracked. `run` is given a token that is
    /// cancelled when intake stops, and should look at it: blocking work can't be cancelled. If it
    /// still runs when the time for draining is over, it is left behind and named in the report.
    /// Dropping the runtime waits for it all the same; see [the chapter](crate)'s traps.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn).
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn spawn_blocking<F, T>(
        &self,
        name: impl Into<Cow<'static, str>>,
        run: F,
    ) -> Result<JoinHandle<T>, ShuttingDown>
    where
        F: FnOnce(CancellationToken) -> T + Send + 'static,
        T: Send + 'static,
    {
        let mut entry = self.enter_task(name.into(), true)?;
        let key = entry.key();
        let token = self.0.tokens.intake.clone();
        let join = tokio::task::spawn_blocking(move || {
            let output = run(token);
            entry.finish();
            drop(entry);
            output
        });
        self.0.tasks.attach(key, join.abort_handle());
        Ok(join)
    }

    pub(crate) fn enter_task(
        &self,
        name: Cow<'static, str>,
        blocking: bool,
    ) -> Result<Entry, ShuttingDown> {
        self.0.tasks.enter(name, blocking).map_err(|_| ShuttingDown)
    }
}
