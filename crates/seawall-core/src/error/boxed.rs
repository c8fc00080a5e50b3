use std::error::Error as StdError;
use std::fmt;

use super::Error;

/// An operation's error whose type is hidden, made by [`Error::boxed`].
///
/// Unlike `Box<dyn std::error::Error + Send + Sync>` and `anyhow::Error` it is a
/// [`std::error::Error`]: `Display`, `Debug` and `source` are those of what is inside.
pub struct BoxedError(Box<dyn StdError + Send + Sync>);

impl BoxedError {
    /// Hides `error`: any `std::error::Error`, a `String`, an `anyhow::Error`, a box of an error.
    pub fn new(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(error.into())
    }

    /// What is inside.
    pub fn get_ref(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &*self.0
    }

    /// What is inside, by value.
    pub fn into_inner(self) -> Box<dyn StdError + Send + Sync> {
        self.0
    }
}

impl fmt::Display for BoxedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for BoxedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl StdError for BoxedError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

impl<E: Into<Box<dyn StdError + Send + Sync>>> Error<E> {
    /// This error with the type of the operation's error hidden: one type for all calls, written
    /// `seawall::Error`, and a `std::error::Error` whatever the operation's error is.
    ///
    /// Class, [`retry_after`](Self::retry_after) and all that policies say stay readable. Code that
    /// holds an `anyhow::Error` or a box finds them by `downcast_ref::<seawall::Error>()`.
    ///
    /// ```
    /// use seawall_core::{Class, Error};
    ///
    /// fn stock() -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
    ///     let outcome = Err(Error::operation_failed("no route".to_owned(), Class::Transient));
    ///     Ok(outcome.map_err(Error::boxed)?)
    /// }
    ///
    /// let error = stock().unwrap_err();
    /// assert_eq!(error.to_string(), "no route");
    /// let class = error.downcast_ref::<Error>().map(Error::class);
    /// assert_eq!(class, Some(Class::Transient));
    /// ```
    #[must_use]
    pub fn boxed(self) -> Error {
        self.map(BoxedError::new)
    }
}
