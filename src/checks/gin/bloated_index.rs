//! `gin/bloated-index`, explained in the page beside this file.

use super::growing_keys::{self, GrowthKind, NEEDS, THRESHOLDS};
use crate::checks::{Check, Requirement};
use crate::model::{Severity, Superpower};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Gin,
    worst: Severity::Medium,
    needs: NEEDS,
    uses: &[],
    requires: &[Requirement::Counters],
    thresholds: THRESHOLDS,
    page: include_str!("bloated_index.md"),
    judge: |case| growing_keys::judge(case, GrowthKind::Bloated),
};

pub(super) const ID: &str = "gin/bloated-index";
