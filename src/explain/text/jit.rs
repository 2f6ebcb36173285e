//! What the server compiled.

use super::super::detail::Jit;
use super::list;

/// Applies a property of `JIT`, of the statement or of a worker.
pub(super) fn apply(jit: &mut Jit, key: &str, value: &str) {
    match key {
        "Functions" => jit.functions = value.parse().unwrap_or_default(),
        "Options" => {
            for option in list::split(value) {
                if let Some((name, flag)) = option.split_once(' ') {
                    jit.options.insert(name.to_owned(), flag == "true");
                }
            }
        }
        "Timing" => list::split(value).iter().for_each(|one| timing(jit, one)),
        _ => (),
    }
}

/// `Inlining 0.1 ms`, `Generation 0.3 ms (Deform 0.1 ms)`.
fn timing(jit: &mut Jit, timing: &str) {
    let mut words = timing.split_whitespace();
    let (name, ms) = (words.next(), words.next().and_then(|ms| ms.parse().ok()));
    match name {
        Some("Generation") => {
            jit.generation_ms = ms;
            jit.deform_ms = words.nth(2).and_then(|ms| ms.parse().ok());
        }
        Some("Inlining") => jit.inlining_ms = ms,
        Some("Optimization") => jit.optimization_ms = ms,
        Some("Emission") => jit.emission_ms = ms,
        Some("Total") => jit.total_ms = ms,
        _ => (),
    }
}
