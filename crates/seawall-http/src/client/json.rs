//! Bodies in JSON.

use serde::Serialize;

use super::RequestBuilder;

impl RequestBuilder {
    /// Sets the body to `value` as JSON, and its content type. Needs the feature `json`, with which
    /// [`reqwest::Response::json`] reads answers.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Self {
        self.with(|request| request.json(value))
    }
}
