//! What is known of operators by their spelling.

/// Operators of distance: an index may return rows in their order.
const DISTANCES: &[&str] =
    &["<->", "<=>", "<#>", "<+>", "<~>", "<%>", "<<->", "<->>", "<<<->", "<->>>"];

/// Functions of distance that extensions have beside their operators.
const DISTANCE_FUNCTIONS: &[&str] = &[
    "l2_distance",
    "cosine_distance",
    "inner_product",
    "negative_inner_product",
    "vector_negative_inner_product",
    "l1_distance",
    "hamming_distance",
    "jaccard_distance",
];

/// Operators that are spelled alike with their sides exchanged.
const SYMMETRIC: &[&str] =
    &["=", "<>", "&&", "@@", "%", "-|-", "~=", "<->", "<=>", "<#>", "<+>", "<~>", "<%>", "+", "*"];

/// Operators that become another with their sides exchanged.
const COMMUTED: &[(&str, &str)] = &[
    ("<", ">"),
    ("<=", ">="),
    ("@>", "<@"),
    ("<<", ">>"),
    ("<<=", ">>="),
    ("<<|", "|>>"),
    ("<^", ">^"),
    ("<%", "%>"),
    ("<<%", "%>>"),
    ("<<->", "<->>"),
    ("<<<->", "<->>>"),
];

/// Operators that compute a value and are served by no index.
const ARITHMETIC: &[&str] = &["+", "-", "*", "/", "%", "^", "||", "|", "&", "#"];

pub(super) fn is_distance(operator: &str) -> bool {
    DISTANCES.contains(&operator)
}

pub(super) fn is_distance_function(name: &str) -> bool {
    DISTANCE_FUNCTIONS.contains(&name)
}

pub(super) fn is_arithmetic(operator: &str) -> bool {
    ARITHMETIC.contains(&operator)
}

/// Whether what stands behind the operator is a key of a document, or a path.
pub(super) fn has_key(operator: &str) -> bool {
    matches!(operator, "->" | "->>" | "#>" | "#>>")
}

/// The operator with its sides exchanged. One of which no exchanged spelling is known says so.
pub fn commuted(operator: &str) -> String {
    if SYMMETRIC.contains(&operator) {
        return operator.to_owned();
    }
    let pair = COMMUTED.iter().find_map(|(one, other)| match operator {
        _ if operator == *one => Some(*other),
        _ if operator == *other => Some(*one),
        _ => None,
    });
    pair.map_or_else(|| format!("reversed {operator}"), str::to_owned)
}
