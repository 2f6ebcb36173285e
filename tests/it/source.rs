//! How the source reads: lengths of files, names of types, words of identifiers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::architecture::files;

/// Lines of a file, its inline tests not counted.
const LINES_MAX: usize = 400;

/// Words of a private dialect. The standard terms are in
/// `docs/glossary.md` and in PostgreSQL's documentation.
const PRIVATE_WORDS: &[&str] = &[
    "ask",
    "asked",
    "asks",
    "excuse",
    "farewell",
    "hear",
    "heard",
    "held",
    "hindrance",
    "kin",
    "meaning",
    "meanings",
    "mend",
    "parting",
    "stance",
    "tally",
    "tell",
    "tells",
    "told",
    "untold",
    "watched",
    "way",
    "ways",
];

/// Names of types that say nothing alone: each stood for several types once.
const PRIVATE_TYPES: &[&str] = &[
    "About",
    "Answering",
    "Chosen",
    "CloserLook",
    "Counted",
    "Counts",
    "FirstLook",
    "Fronted",
    "Known",
    "Learned",
    "Passed",
    "Place",
    "Reached",
    "Shape",
    "Strength",
    "Turn",
];

/// Each source runs alone in psql, so that what several need stands in each.
#[test]
fn locked_relations_are_found_alike_in_every_source() {
    let mut spellings = BTreeMap::<String, Vec<PathBuf>>::new();
    for file in files(Path::new("src/observe"), "sql") {
        let sql = fs::read_to_string(&file).unwrap();
        let Some((_, behind)) = sql.split_once("locked as materialized (\n") else { continue };
        let (own, _) = behind.split_once("\n)").unwrap();
        spellings.entry(own.to_owned()).or_default().push(file);
    }
    let counts: Vec<usize> = spellings.values().map(Vec::len).collect();
    assert!(counts.len() == 1 && counts[0] >= 9, "{spellings:#?}");
}

#[test]
fn a_file_has_400_lines_at_most() {
    let long: Vec<String> = files(Path::new("tests"), "rs")
        .iter()
        .chain(&sources())
        .map(|file| (file, code(file).lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(file, lines)| format!("{}: {lines} lines", file.display()))
        .collect();
    assert!(long.is_empty(), "split at a seam: {long:#?}");
}

/// What two areas of tests need stands in `support`.
#[test]
fn tests_import_nothing_from_tests_of_another_area() {
    let mut found = Vec::new();
    for file in files(Path::new("tests/it"), "rs") {
        let source = fs::read_to_string(&file).unwrap();
        let imports =
            source.lines().filter_map(|line| line.trim_start().strip_prefix("use crate::"));
        let others = imports.filter(|import| !import.starts_with("support::"));
        found.extend(others.map(|import| format!("{}: {import}", file.display())));
    }
    assert!(found.is_empty(), "put it into `support`: {found:#?}");
}

#[test]
fn a_name_stands_for_one_type() {
    let mut types = BTreeMap::<String, Vec<PathBuf>>::new();
    for file in sources() {
        for name in types_of(&code(&file)) {
            types.entry(name).or_default().push(file.clone());
        }
    }
    assert!(types.len() > 700, "the sources were not read: {} types", types.len());
    // Each module has one enum of errors, which is named by its module.
    types.retain(|name, files| name != "Error" && files.len() > 1);
    assert!(types.is_empty(), "name each for what it holds: {types:#?}");
}

#[test]
fn identifiers_are_in_the_words_of_the_field() {
    let mut found = Vec::new();
    for file in sources() {
        let code = code(&file);
        let private = |name: &&str| {
            PRIVATE_TYPES.contains(name)
                || words(name).iter().any(|word| PRIVATE_WORDS.contains(&&**word))
        };
        for name in identifiers(&code).iter().map(|name| &**name).filter(private) {
            found.push(format!("{}: {name}", file.display()));
        }
    }
    found.dedup();
    assert!(found.is_empty(), "say it as PostgreSQL's documentation would: {found:#?}");
}

#[test]
fn our_own_migrations_pass_our_own_review() {
    let files = fs::read_dir("migrations").unwrap().count();
    assert!(files >= 4, "{files} migrations");
    let mut review = Command::new(env!("CARGO_BIN_EXE_dbopt"));
    let output = review.args(["review", "migrations/"]).output().unwrap();
    let found = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{found}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn names_are_split_into_words() {
    assert_eq!(words("KeyShape_of2HTTP"), ["key", "shape", "of2", "http"]);
    let code = "fn a(told: &str) -> Told { format!(\"{heard} {{held}}\") /* way */ }";
    assert_eq!(identifiers(code), ["a", "told", "str", "Told", "format", "heard"]);
    assert_eq!(
        types_of("pub(super) struct A<T>;\n    enum B {}\nimpl X { type C = A; }\ntype D = A;"),
        ["A", "B", "D"]
    );
}

/// Whether a constant is borrowed, be it by its path: `&NAME`, `&size::NAME`.
fn borrows(source: &str, constant: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = source.match_indices(constant);
    found.any(|(at, _)| {
        let path = source[..at].trim_end_matches(|c| is_part(c) || c == ':');
        let is_whole = source[path.len()..at].is_empty() || source[..at].ends_with(':');
        is_whole && path.ends_with('&') && !source[at + constant.len()..].starts_with(is_part)
    })
}

/// By the source: not every branch is taken on the recorded snapshots.
#[test]
fn a_threshold_that_is_declared_is_read() {
    let mut source = String::new();
    for file in sources() {
        source.extend(code(&file).split_whitespace());
    }
    // What stands in the lists of checks is declared there, not read.
    let mut rest = source.split("thresholds:&[");
    let mut read = rest.next().unwrap_or_default().to_owned();
    read.extend(rest.filter_map(|rest| Some(rest.split_once(']')?.1)));
    let before = source.split(":Threshold=Threshold{").collect::<Vec<_>>();
    let declared = before.iter().rev().skip(1).filter_map(|text| text.rsplit("static").next());
    let is_name = |name: &&str| name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    let declared: BTreeSet<&str> = declared.filter(is_name).collect();
    assert!(declared.len() > 100, "{declared:?}");
    let unread: Vec<&&str> = declared.iter().filter(|name| !borrows(&read, name)).collect();
    assert_eq!(unread, [] as [&&str; 0]);
}

/// The files of the crate without those that hold nothing but tests.
fn sources() -> Vec<PathBuf> {
    let mut all = files(Path::new("src"), "rs");
    all.retain(|file| {
        !file.ends_with("tests.rs") && !file.components().any(|part| part.as_os_str() == "tests")
    });
    assert!(all.len() > 300, "{} files", all.len());
    all
}

/// A file's code, without its inline tests.
fn code(file: &Path) -> String {
    let source = fs::read_to_string(file).unwrap();
    source.split("#[cfg(test)]\nmod ").next().unwrap().to_owned()
}

/// Types that are defined at the top or in a function; an associated type has its trait's name.
fn types_of(code: &str) -> Vec<String> {
    let mut types = Vec::new();
    for line in code.lines() {
        let mut words = line.trim_start().split([' ', '<', '(', '{', ';', ':', '=']);
        let mut word = words.next();
        if word.is_some_and(|word| word == "pub") {
            word = words.find(|word| ["struct", "enum", "trait", "type"].contains(word));
        }
        let is_type = match word {
            Some("struct" | "enum" | "trait") => true,
            Some("type") => !line.starts_with(' '),
            _ => false,
        };
        let name = words.next().filter(|name| name.starts_with(char::is_uppercase));
        types.extend(name.filter(|_| is_type).map(str::to_owned));
    }
    types
}

/// Identifiers of code, among them those that its format strings name.
fn identifiers(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let length = if let Some(comment) = rest.strip_prefix("//") {
            2 + comment.find('\n').unwrap_or(comment.len())
        } else if let Some(comment) = rest.strip_prefix("/*") {
            2 + comment.find("*/").map_or(comment.len(), |end| end + 2)
        } else if first == '"' {
            let end = string_end(rest);
            found.extend(interpolated(&rest[..end]));
            end
        } else if let Some(raw) = rest.strip_prefix("r#\"") {
            3 + raw.find("\"#").map_or(raw.len(), |end| end + 2)
        } else if let Some(raw) = rest.strip_prefix("r\"") {
            2 + raw.find('"').map_or(raw.len(), |end| end + 1)
        } else if rest.starts_with("'\"'") {
            3
        } else if first.is_alphabetic() || first == '_' {
            let name: String =
                rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let length = name.len();
            if name != "fn" {
                found.push(name);
            }
            length
        } else {
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    found
}

fn string_end(text: &str) -> usize {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

fn interpolated(text: &str) -> impl Iterator<Item = String> {
    let text = text.replace("{{", "");
    let names = text.split('{').skip(1).map(|rest| {
        rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
    });
    names.filter(|name| !name.is_empty()).collect::<Vec<_>>().into_iter()
}

/// The words of an identifier, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = '_';
    for c in name.chars() {
        if c == '_' || (c.is_uppercase() && !before.is_uppercase()) {
            words.push(String::new());
        }
        if c != '_' {
            words.last_mut().unwrap().extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}
