//! The checks are complete, named by the rules, and explained.

use std::collections::BTreeSet;
use std::fs;

use database_optimizer::checks;

#[test]
fn every_file_of_a_check_is_registered_under_its_name() {
    let registered: BTreeSet<String> = checks::all().map(|check| check.id.to_owned()).collect();
    let mut pages = BTreeSet::new();
    for superpower in
        fs::read_dir("src/checks").unwrap().flatten().filter(|entry| entry.path().is_dir())
    {
        for file in fs::read_dir(superpower.path()).unwrap().flatten() {
            let name = file.file_name().into_string().unwrap();
            if let Some(page) = name.strip_suffix(".md") {
                let folder = superpower.file_name().into_string().unwrap();
                pages.insert(format!("{folder}/{page}").replace('_', "-"));
            }
        }
    }
    assert_eq!(registered, pages);
}

#[test]
fn every_page_explains_each_of_its_thresholds() {
    for check in checks::all() {
        let shared = ["table_bytes_min", "column_bytes_min"];
        for threshold in
            check.thresholds.iter().filter(|threshold| !shared.contains(&threshold.name))
        {
            let name = format!("`{}`", threshold.name);
            assert!(check.page.contains(&name), "{} does not mention {name}", check.id);
        }
    }
}

#[test]
fn a_threshold_has_one_meaning_wherever_it_is_used() {
    for check in checks::all() {
        for threshold in check.thresholds {
            assert_eq!(checks::thresholds()[threshold.name], *threshold, "{}", check.id);
            assert!(threshold.reason.len() > 20, "{} gives no reason", threshold.name);
        }
    }
}

#[test]
fn every_page_has_the_same_sections_in_the_same_order() {
    for check in checks::all() {
        let sections: Vec<&str> =
            check.page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        // Of a check that cannot judge yet.
        let first = if sections.contains(&"Leaves a gap") { "Leaves a gap" } else { "Fires" };
        let expected = ["Why it matters", "How it is judged", first, "Stays silent"];
        assert_eq!(sections, expected, "{}", check.id);
    }
}
