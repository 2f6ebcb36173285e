//! Distances: operators, the functions that compute the same, and operator classes.

/// A distance as pgvector knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum DistanceMetric {
    L2,
    InnerProduct,
    Cosine,
    L1,
    Hamming,
    Jaccard,
}

use DistanceMetric::{Cosine, Hamming, InnerProduct, Jaccard, L1, L2};

/// Every distance with its operator, and what it is called in the names of operator classes.
const METRICS: &[(DistanceMetric, &str, &str)] = &[
    (L2, "<->", "l2"),
    (InnerProduct, "<#>", "ip"),
    (Cosine, "<=>", "cosine"),
    (L1, "<+>", "l1"),
    (Hamming, "<~>", "hamming"),
    (Jaccard, "<%>", "jaccard"),
];

/// Functions that compute a distance, or a similarity that is ordered by in the other direction.
const FUNCTIONS: &[(&str, DistanceMetric)] = &[
    ("l2_distance", L2),
    ("vector_negative_inner_product", InnerProduct),
    ("negative_inner_product", InnerProduct),
    ("inner_product", InnerProduct),
    ("cosine_distance", Cosine),
    ("l1_distance", L1),
    ("hamming_distance", Hamming),
    ("jaccard_distance", Jaccard),
];

impl DistanceMetric {
    /// That of an operator or of a function.
    pub(super) fn of(operator: &str) -> Option<Self> {
        let of_operator = METRICS.iter().find(|(_, spelled, _)| *spelled == operator);
        let of_function = || FUNCTIONS.iter().find(|(name, _)| *name == operator).map(|(_, m)| *m);
        of_operator.map(|(metric, ..)| *metric).or_else(of_function)
    }

    /// That of an operator class: `halfvec_cosine_ops`.
    pub(super) fn of_class(class: &str) -> Option<Self> {
        let named = |(_, _, name): &&(Self, &str, &str)| class.ends_with(&format!("_{name}_ops"));
        METRICS.iter().find(named).map(|(metric, ..)| *metric)
    }

    /// The operator.
    pub(super) fn operator(self) -> &'static str {
        METRICS.iter().find(|(metric, ..)| *metric == self).map_or("", |(_, operator, _)| operator)
    }

    /// The word in the names of classes.
    pub(super) fn word(self) -> &'static str {
        METRICS.iter().find(|(metric, ..)| *metric == self).map_or("", |(.., word)| word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_functions_and_classes_name_the_same_distances() {
        assert_eq!(DistanceMetric::of("<=>"), Some(Cosine));
        assert_eq!(DistanceMetric::of("cosine_distance"), Some(Cosine));
        assert_eq!(DistanceMetric::of_class("halfvec_cosine_ops"), Some(Cosine));
        assert_eq!(DistanceMetric::of_class("bit_hamming_ops"), Some(Hamming));
        assert_eq!(DistanceMetric::of_class("vector_ip_ops"), Some(InnerProduct));
        assert_eq!((DistanceMetric::of("@>"), DistanceMetric::of_class("jsonb_ops")), (None, None));
        assert_eq!((L1.operator(), L1.word()), ("<+>", "l1"));
    }
}
