//! How texts read: what of `words.md` a program can see.

use std::sync::LazyLock;

use database_optimizer::model::{Analysis, Gap};
use fancy_regex::Regex;

/// Words that only the authors use so, and numbers of stories.
static PRIVATE: LazyLock<Regex> = LazyLock::new(|| {
    let words = "told|tells?|heard|hears?|nobody|somebody|anew|mends?|mended|kin";
    Regex::new(&format!(r"(?i)\b({words})\b|DB-OPT-\d")).unwrap()
});

/// More digits than a reader needs: three behind the point, or five without a separator that are no code, no process
/// and no value of a setting.
static DIGITS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[1-9]\d*\.\d{3}|0\.0*[1-9]\d{2}|(?:^|(?<!SQLSTATE) |(?<!_backend)\()\d{5,}(?!\d| ?(?:kB|MB|GB)\b)")
        .unwrap()
});

/// The first private word of a text.
pub(crate) fn private_word(text: &str) -> Option<&str> {
    PRIVATE.find(text).unwrap().map(|word| word.as_str())
}

/// What is wrong with a text of that length at most.
pub(crate) fn faults(text: &str, chars_max: usize) -> Vec<String> {
    let mut faults = Vec::new();
    let mut fault = |is: bool, what: String| {
        if is {
            faults.push(format!("{what}: {text}"));
        }
    };
    let chars = text.chars().count();
    fault(chars > chars_max, format!("{chars} characters, {chars_max} at most"));
    fault(text.trim() != text || text.contains("  "), "blanks".to_owned());
    fault(text.ends_with('.'), "a full stop at the end".to_owned());
    // What stands in backticks or is SQL is not ours.
    let prose: String = text.split('`').step_by(2).collect::<Vec<_>>().join("…");
    if let Some(word) = private_word(&prose) {
        fault(true, format!("`{word}`"));
    }
    if let Some(digits) = DIGITS.find(&prose).unwrap() {
        fault(true, format!("the digits of `{}`", digits.as_str()));
    }
    faults
}

/// What is wrong with the texts of an analysis.
pub(crate) fn faults_of(analysis: &Analysis) -> Vec<String> {
    let mut all: Vec<String> =
        analysis.findings.iter().flat_map(|finding| faults(&finding.message, 220)).collect();
    let lower = |text: &str| text.starts_with(char::is_lowercase);
    let messages = analysis.findings.iter().map(|finding| &finding.message);
    all.extend(
        messages.filter(|text| lower(text)).map(|text| format!("no capital letter: {text}")),
    );
    for advised in &analysis.recommendations {
        all.extend(faults(&advised.title, 140));
        if !advised.title.starts_with(|c: char| c.is_uppercase() || c == '`') {
            all.push(format!("no capital letter: {}", advised.title));
        }
        if advised.title.contains(&advised.action) && advised.action.contains('_') {
            all.push(format!("the name of an action: {}", advised.title));
        }
        for note in advised.preconditions.iter().chain(&advised.caveats) {
            all.extend(faults(note, 420));
        }
        all.extend(advised.proof.reason.iter().flat_map(|reason| faults(reason, 260)));
    }
    for declined in &analysis.declined {
        all.extend(faults(&declined.reason, 160));
        all.extend(faults(&declined.detail, 700));
    }
    all.extend(analysis.gaps.iter().flat_map(|Gap { detail, .. }| faults(detail, 260)));
    // Class 42: no such column, no such function. Privileges (42501) are said otherwise.
    let misspelled = analysis.gaps.iter().filter(|gap| gap.detail.contains("SQLSTATE 42"));
    all.extend(
        misspelled.map(|gap| format!("SQL of `{}` that fails: {}", gap.observation, gap.detail)),
    );
    let steps = analysis.gaps.iter().filter_map(|gap| gap.lift.as_ref());
    let unnamed = |step: &&String| step.contains('\0');
    all.extend(steps.filter(unnamed).map(|step| format!("a role that is not named: {step}")));
    all
}
