//! For handlers of axum: a problem is an answer.

use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};
use seawall::Random;

use crate::Problem;

/// So that a handler with `Result<_, Problem>` ends with `?`. Needs the feature `axum`.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.to_response::<Body>(&Random::default())
    }
}
