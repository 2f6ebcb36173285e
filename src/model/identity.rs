//! Identities that are the same on every run, after a restart and on every replica.

use sha2::{Digest, Sha256};

use super::{Action, Object};

/// The identity of a finding: the same check on the same object of the same target.
pub fn finding_id(target: &str, check: &str, object: &Object) -> String {
    format!("f_{}", digest(&[target, check, &canonical(object)]))
}

/// The identity of a recommendation: the same action with the same statements for the same object.
pub fn recommendation_id(target: &str, action: &Action) -> String {
    let parts = [target, action.as_str(), &canonical(action.object()), action.alternative()];
    format!("r_{}", digest(&parts))
}

fn canonical(object: &Object) -> String {
    serde_json::to_string(object).unwrap_or_else(|_| object.to_string())
}

/// 64 bits in hex: a collision needs billions of findings on one service.
fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hex::encode(&hash.finalize()[..8])
}
