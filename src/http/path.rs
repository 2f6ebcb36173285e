//! The parts of a path that vary.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use utoipa::IntoParams;

use super::problem::{self, Problem};

/// Which target.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "read as segments; documented here")]
pub(super) struct OfTarget {
    /// The target's name
    #[param(example = "demo")]
    target: String,
}

/// The `N` parts in braces, decoded.
pub(super) struct Segments<const N: usize>(pub(super) [String; N]);

impl<S: Send + Sync, const N: usize> FromRequestParts<S> for Segments<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let segments = Path::<Vec<String>>::from_request_parts(parts, state).await;
        let nowhere = || problem::no_such_path_at(&parts.uri);
        let Path(segments) = segments.map_err(|_| nowhere())?;
        // No name in a database holds it, and none can be asked for it.
        if segments.iter().any(|segment| segment.contains('\0')) {
            return Err(nowhere());
        }
        segments.try_into().map(Self).map_err(|_| nowhere())
    }
}
