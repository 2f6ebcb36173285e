//! The time over which searches and writes were counted.

use crate::model::observation::Context;
use crate::model::rate::Window;
use crate::model::{Gap, Policy, Threshold};

/// Long enough for a rate.
///
/// # Errors
/// A gap where it is not.
pub(super) fn window(context: &Context, least: &Threshold, policy: &Policy) -> Result<Window, Gap> {
    Window::of_database(context)?.at_least("index_counters", least, policy)
}
