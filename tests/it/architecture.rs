//! The table in ARCHITECTURE.md is the law; this holds the code to it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Names that only code doing I/O has a use for.
const IO: &[&str] =
    &["tokio", "axum", "redis::", "std::env", "std::fs", "SystemTime", "Instant", "Timestamp::now"];

struct Rule {
    may_import: Vec<String>,
    pure: bool,
}

#[test]
fn code_obeys_the_table() {
    let law = law(&fs::read_to_string("ARCHITECTURE.md").unwrap());
    for file in files(Path::new("src"), "rs") {
        let module = module(&file);
        if ["lib", "main"].contains(&module.as_str()) {
            continue;
        }
        let rule = law.get(&module).unwrap_or_else(|| panic!("`{module}` is not in the table"));
        let source = fs::read_to_string(&file).unwrap();
        for target in imports(&source).filter(|target| *target != module) {
            let allowed = rule.may_import.contains(&target);
            assert!(allowed, "{}: `{module}` imports `{target}`", file.display());
        }
        let io = IO.iter().find(|name| rule.pure && source.contains(**name));
        assert_eq!(io, None, "{}: `{module}` is pure", file.display());
    }
}

#[test]
fn every_module_of_the_table_exists() {
    for module in law(&fs::read_to_string("ARCHITECTURE.md").unwrap()).keys() {
        let there = Path::new("src").join(module).is_dir()
            || Path::new("src").join(format!("{module}.rs")).is_file();
        assert!(there, "ARCHITECTURE.md names `{module}`, which does not exist");
    }
}

/// Rows of the table: modules, what they may import, whether they are pure.
fn law(page: &str) -> BTreeMap<String, Rule> {
    let table = page.split_once("| module | may import | pure |").unwrap().1;
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let mut law = BTreeMap::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        for module in names(cells[0]) {
            law.insert(module, Rule { may_import: names(cells[1]), pure: cells[2] == "yes" });
        }
    }
    assert!(law.len() > 5, "the table was not read");
    law
}

fn names(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The files of a folder and those in it that have that extension.
pub fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            all.extend(files(&path, extension));
        } else if path.extension().is_some_and(|own| own == extension) {
            all.push(path);
        }
    }
    all
}

fn module(file: &Path) -> String {
    let name = file.components().nth(1).unwrap().as_os_str().to_string_lossy().into_owned();
    name.trim_end_matches(".rs").to_owned()
}

/// The modules of ours that a file names, wherever it does.
fn imports(source: &str) -> impl Iterator<Item = String> {
    source.split("crate::").skip(1).map(|rest| {
        rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
    })
}
