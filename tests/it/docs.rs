//! What the documents say is what the code does.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use database_optimizer::config::markdown_table;

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
            "cargo" | "curl" | "docker" => {}
            other => panic!("the README uses `{other}`, which no test knows"),
        }
    }
}

#[test]
fn every_link_of_the_documents_leads_to_a_file() {
    let above = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];
    for document in above.into_iter().chain([
        "docs/api.md",
        "docs/connection_pools.md",
        "docs/decisions/README.md",
        "docs/execution_plan_analysis.md",
        "docs/gin_index_internals.md",
        "docs/jsonb_storage_physics.md",
        "docs/vector_indexing_hnsw.md",
    ]) {
        let text = fs::read_to_string(document).unwrap();
        let folder = Path::new(document).parent().unwrap();
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            let elsewhere = link.contains("://") || link.starts_with('#');
            assert!(elsewhere || folder.join(link).exists(), "{document}: {link}");
        }
    }
}

/// Kinds of problems by status, as the code makes them: a status, then the kind.
fn kinds() -> BTreeSet<String> {
    let files = ["src/http/problem.rs", "src/http/doors.rs"];
    let code = files.map(|file| fs::read_to_string(file).unwrap()).concat();
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
