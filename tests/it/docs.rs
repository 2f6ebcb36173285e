//! What the documents say is what the code does.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use database_optimizer::config::markdown_table;

use super::architecture::files;

fn readme() -> String {
    fs::read_to_string("README.md").unwrap()
}

#[test]
fn the_readme_s_table_of_settings_is_the_code_s() {
    let readme = readme();
    let (before, rest) = readme.split_once("<!-- settings -->\n").unwrap();
    let (table, after) = rest.split_once("<!-- /settings -->").unwrap();
    let wanted = markdown_table();
    if table != wanted && std::env::var_os("DBOPT_UPDATE").is_some() {
        let text = format!("{before}<!-- settings -->\n{wanted}<!-- /settings -->{after}");
        fs::write("README.md", text).unwrap();
        return;
    }
    assert!(table == wanted, "the table is stale: DBOPT_UPDATE=1 cargo test --test it docs::");
}

/// Lines of the document's shell blocks, without comments.
fn commands(document: &str) -> Vec<String> {
    let blocks = document.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let lines = blocks.flat_map(str::lines).map(|line| line.split('#').next().unwrap().trim());
    lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn every_command_of_the_readme_exists_with_its_options() {
    let commands = commands(&readme());
    assert!(commands.len() >= 8, "{commands:?}");
    for command in commands {
        let words: Vec<&str> = command.split_whitespace().collect();
        match words[0] {
            "dbopt" => {
                let subcommands = words[1..].iter().take_while(|word| !word.starts_with('-'));
                let output = Command::new(env!("CARGO_BIN_EXE_dbopt"))
                    .args(subcommands)
                    .arg("--help")
                    .output()
                    .unwrap();
                assert!(output.status.success(), "{command}");
                let help = String::from_utf8(output.stdout).unwrap();
                for option in words.iter().filter(|word| word.starts_with("--")) {
                    assert!(help.contains(option), "{command}: no {option}");
                }
            }
            script if script.starts_with("scripts/") => {
                assert!(Path::new(script).exists(), "{command}");
            }
            "cargo" | "curl" | "docker" | "kubectl" => {}
            other => panic!("the README uses `{other}`, which no test knows"),
        }
    }
}

/// Every document of the repository, with its text.
fn documents() -> Vec<(PathBuf, String)> {
    let mut paths = files(Path::new("docs"), "md");
    let above = fs::read_dir(".").unwrap().map(|entry| entry.unwrap().path());
    paths.extend(above.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    assert!(paths.len() > 25, "{paths:?}");
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn every_link_of_the_documents_leads_to_a_file() {
    for (document, text) in documents() {
        let folder = document.parent().unwrap();
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            let file = link.split('#').next().unwrap();
            let elsewhere = link.contains("://") || file.is_empty();
            assert!(elsewhere || folder.join(file).exists(), "{}: {link}", document.display());
        }
    }
}

#[test]
fn every_source_that_the_documents_name_is_there() {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "/_.-".contains(c);
    let mut named = 0;
    for (document, text) in documents() {
        for quoted in text.split('`').skip(1).step_by(2) {
            let of_ours = ["src/", "tests/", "scripts/", "fuzz/"];
            let is_path = of_ours.iter().any(|folder| quoted.starts_with(folder));
            if is_path && quoted.chars().all(is_name) {
                named += 1;
                assert!(Path::new(quoted).exists(), "{}: {quoted}", document.display());
            }
        }
    }
    assert!(named > 20, "{named}");
}

#[test]
fn every_secret_that_may_stand_in_a_file_is_named_by_the_readme() {
    let readme = readme();
    let secrets = database_optimizer::config::SETTINGS.iter().filter(|setting| setting.secret);
    for setting in secrets {
        assert!(readme.contains(&format!("`{}_FILE`", setting.env)), "{}", setting.env);
    }
}

#[test]
fn every_cause_of_a_target_s_problem_is_named_by_the_page_of_the_api() {
    let document: serde_json::Value =
        serde_json::from_str(database_optimizer::http::document()).unwrap();
    let causes = document["components"]["schemas"]["TargetCause"]["enum"].as_array().unwrap();
    let page = fs::read_to_string("docs/api.md").unwrap();
    for cause in causes {
        let word = cause.as_str().unwrap();
        assert!(page.contains(&format!("`{word}`")), "{word}");
    }
}

#[test]
fn every_fuzz_target_is_built_and_named() {
    let manifest = fs::read_to_string("fuzz/Cargo.toml").unwrap();
    let contributing = fs::read_to_string("CONTRIBUTING.md").unwrap();
    let mut seen = 0;
    for file in fs::read_dir("fuzz/targets").unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(manifest.contains(&format!("name = \"{name}\"\npath = \"targets/{name}.rs\"")));
        assert!(contributing.contains(&format!(" {name}")), "{name}");
        seen += 1;
    }
    assert!(seen >= 8, "{seen}");
}

#[test]
fn what_tools_leave_behind_is_not_committed() {
    let listed = Command::new("git").args(["ls-files"]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(!listed.is_empty(), "no repository");
    let left = [
        ".schemathesis",
        ".hypothesis",
        "proptest-regressions",
        "__pycache__",
        "node_modules",
        ".snap.new",
        "fuzz/corpus",
        "fuzz/artifacts",
        ".orig",
        ".rej",
        ".pending-snap",
    ];
    let ignored = fs::read_to_string(".gitignore").unwrap();
    for name in
        [".schemathesis", ".hypothesis", "proptest-regressions", "__pycache__", "node_modules"]
    {
        assert!(ignored.lines().any(|line| line == name), "{name}");
    }
    for file in listed.lines() {
        assert!(!left.iter().any(|name| file.contains(name)), "{file}");
    }
}

/// Kinds of problems by status, as the code makes them: a status, then the kind.
fn kinds() -> BTreeSet<String> {
    // The answers of `/readyz` have a status and a word, too, and are no problems.
    let mut files = super::architecture::files(Path::new("src/http"), "rs");
    files.retain(|file| !file.ends_with("health.rs"));
    let code: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let after_status = |rest: &str| {
        let (status, rest) = rest.split_once(',')?;
        let is_status =
            !status.is_empty() && status.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        let (kind, _) = rest.trim_start().strip_prefix('"')?.split_once('"')?;
        is_status.then(|| kind.to_owned())
    };
    code.split("S::").chain(code.split("StatusCode::")).skip(1).filter_map(after_status).collect()
}

#[test]
fn every_kind_of_problem_is_listed_and_no_other() {
    let page = fs::read_to_string("docs/api.md").unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let listed: BTreeSet<String> = rows.map(|(kind, _)| kind.to_owned()).collect();
    assert!(listed.len() > 20);
    assert_eq!(listed, kinds());
}

#[test]
fn the_checklists_name_checks_that_there_are() {
    let page = fs::read_to_string("docs/checklists.md").unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let quoted = rows.flat_map(|row| row.split('`').skip(1).step_by(2));
    let named: BTreeSet<&str> = quoted.filter(|name| name.contains('/')).collect();
    let there: BTreeSet<&str> = database_optimizer::checks::all().map(|check| check.id).collect();
    assert!(named.len() > 30, "{named:?}");
    assert_eq!(named.difference(&there).collect::<Vec<_>>(), Vec::<&&str>::new());
}
