//! What is inferred of prefixes that servers, clouds and tools recommend.

use super::*;

/// The sessions of these prefixes, numbered as they come.
fn sessions(prefixes: &[&str]) -> Vec<Option<usize>> {
    let bytes: Vec<&[u8]> = prefixes.iter().map(|prefix| prefix.as_bytes()).collect();
    let prefix = Prefix::of(&bytes, None);
    let mut seen = Vec::new();
    let number = |session: u64| {
        let known = seen.iter().position(|known| *known == session);
        known.unwrap_or_else(|| {
            seen.push(session);
            seen.len() - 1
        })
    };
    let found: Vec<Option<u64>> = bytes.iter().map(|line| prefix.session(line)).collect();
    let mut number = number;
    found.into_iter().map(|session| session.map(&mut number)).collect()
}

/// Lines of two sessions, each given as process and line, which take turns.
const TURNS: [(u32, u32); 6] = [(812, 1), (813, 1), (812, 2), (812, 3), (813, 2), (813, 3)];

#[test]
fn sessions_are_those_of_the_process_or_the_session_id_whatever_else_the_prefix_holds() {
    let forms: &[&dyn Fn(u32, u32) -> String] = &[
        &|p, _| format!("2026-11-25 00:44:19.973 UTC [{p}] "),
        &|p, l| format!("2026-11-25 00:44:19 UTC [{p}]: [{l}-1] db=shop,user=app "),
        &|p, l| format!("2026-11-25 00:44:19 UTC [{p}-{l}] app@shop "),
        &|p, l| format!("2026-11-25 00:44:19 UTC [{l}-1] [{p}] app@shop "),
        &|p, _| format!("2026-11-25 00:44:19 UTC:10.0.0.1(54{p}):app@shop:[{p}]:"),
        &|p, _| format!("2026-11-25 00:44:19 UTC-6631d2a0.{p:x}-"),
        &|p, l| format!("2026-11-25 00:44:19 UTC {p} {l} app 0 "),
        &|p, l| format!("t=2026-11-25 00:44:19 UTC,p={p},l={l},x=771{l}"),
        &|p, l| format!("user=app,db=shop,pid={p},line={l},txid=77{l}"),
        &|p, l| format!("1606264459.973 {l} {p} 3/77 00000 "),
        &|p, l| format!("{p}:{l}:"),
        &|p, _| format!("[2026-11-25 00:44:19 +01] {p} app=worker-7 "),
        &|p, _| format!("2026-11-25 00:44:19.973 CET app@shop 10.0.0.7({p}) "),
        &|p, l| format!("session=6631d2a0.{p:x} line={l} "),
    ];
    for form in forms {
        let lines: Vec<String> = TURNS.iter().map(|(p, l)| form(*p, *l)).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let expected = [0, 1, 0, 0, 1, 1].map(Some);
        assert_eq!(sessions(&lines), expected, "{}", lines[0]);
    }
}

#[test]
fn what_counts_lines_or_stands_for_something_else_is_no_session() {
    let forms: &[&dyn Fn(u32, u32) -> String] = &[
        &|_, l| format!("2026-11-25 00:44:19 UTC [{l}-1] app@shop "),
        &|_, l| format!("2026-11-25 00:44:19 UTC shop,app,txid=77{l}"),
        &|_, _| "2026-11-25 00:44:19 UTC psql app shop ".to_owned(),
        &|_, l| format!("user=app,app=web-{l},client=::1 "),
        &|p, l| format!("vx={l}/{p} code=00000 "),
        &|_, _| String::new(),
    ];
    for form in forms {
        let lines: Vec<String> = TURNS.iter().map(|(p, l)| form(*p, *l)).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        assert_eq!(sessions(&lines), [None; 6], "{}", lines[0]);
    }
}

#[test]
fn a_background_process_whose_prefix_lacks_fields_is_a_session_of_its_own() {
    let lines = [
        "2026-11-25 00:44:19 UTC [7] db=,app=",
        "2026-11-25 00:44:19 UTC [812] db=shop,app=psql",
        "2026-11-25 00:44:19 UTC [813] db=shop,app=my app 3",
    ];
    assert_eq!(sessions(&lines), [Some(0), Some(1), Some(2)]);
}

#[test]
fn a_database_is_read_off_the_prefix_where_the_one_asked_for_is_among_them() {
    let lines: [&[u8]; 3] = [b"[1] app@shop ", b"[2] app@other ", b"[3] [unknown]@[unknown] "];
    let prefix = Prefix::of(&lines, Some("shop"));
    assert_eq!(prefix.database(lines[0]), Some("shop"));
    assert_eq!(prefix.database(lines[1]), Some("other"));
    assert_eq!(Prefix::of(&lines, Some("copy_of_shop")).database(lines[0]), None);
    let named: [&[u8]; 2] = [b"user=a,db=shop,app=x@y ", b"user=a,db=b,app="];
    let prefix = Prefix::of(&named, Some("shop"));
    assert_eq!(named.map(|line| prefix.database(line)), [Some("shop"), Some("b")]);
}
