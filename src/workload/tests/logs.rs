//! What is read of logs and lists. The samples are what servers printed.

use super::*;

/// Entries and the format of a source.
fn told_of(source: impl AsRef<[u8]>) -> (Vec<String>, Option<SourceFormat>, SourceCounts) {
    let (entries, read) = read(source);
    (told(&entries), read.format, read.counts)
}

/// One session's messages as a stderr log prints them, with the prefix of a default installation.
fn stderr(messages: &[&str]) -> String {
    let line = |message: &&str| {
        let message = message.replace('\n', "\n\t");
        format!("2026-11-25 00:44:19.973 UTC [11306] {message}\n")
    };
    messages.iter().map(line).collect()
}

#[test]
fn a_statement_is_read_whatever_the_prefix_is() {
    for prefix in [
        "2026-11-25 00:44:19.973 UTC [11306] ",
        "2026-11-25 00:44:19 UTC:10.0.0.1(5432):app@shop:[11306]:",
        "2026-11-25 00:44:19 UTC [11306-1] app@shop ",
        "user=app,db=shop,app=[unknown],client=[local] ",
        "<2026-11-25 00:44:19.973 UTC>",
        "",
    ] {
        let log = format!("{prefix}LOG:  duration: 1.500 ms  statement: select 1\n\tfrom t\n");
        let (told, format, counts) = told_of(log);
        assert_eq!(told, ["1 x 1.5 ms: select 1\nfrom t"], "{prefix}");
        assert_eq!(format, Some(SourceFormat::Stderr));
        assert_eq!((counts.lines, counts.entries, counts.malformed), (2, 1, 0));
    }
}

#[test]
fn messages_are_understood_in_other_languages() {
    for (simple, extended, prepared) in [
        (
            "LOG:  Dauer: 1.500 ms  Anweisung: ",
            "LOG:  Dauer: 2.000 ms  Ausführen a: ",
            "LOG:  Dauer: 9.000 ms  Binden a: ",
        ),
        (
            "LOG:  duración: 1.500 ms  sentencia: ",
            "LOG:  duración: 2.000 ms  ejecutar a/b: ",
            "LOG:  duración: 9.000 ms  parse: a: ",
        ),
        (
            "LOG:  durée : 1.500 ms, instruction : ",
            "LOG:  durée : 2.000 ms  exécute a : ",
            "LOG:  durée : 9.000 ms, analyse a : ",
        ),
        (
            "LOG:  durata: 1.500 ms  istruzione: ",
            "LOG:  durata: 2.000 ms  esecuzione di a: ",
            "LOG:  durata: 9.000 ms  analisi di a: ",
        ),
        (
            "LOG:  期間: 1.500 ミリ秒  文: ",
            "LOG:  期間: 2.000 ミリ秒  実行 a: ",
            "LOG:  期間: 9.000 ミリ秒  パースa : ",
        ),
        (
            "로그:  실행시간: 1.500 ms  명령 구문: ",
            "로그:  수행시간: 2.000 ms  쿼리실행 a: ",
            "로그:  실행시간: 9.000 ms  a 구문분석: ",
        ),
        (
            "СООБЩЕНИЕ:  продолжительность: 1.500 мс, оператор: ",
            "СООБЩЕНИЕ:  продолжительность: 2.000 мс  выполнение a: ",
            "СООБЩЕНИЕ:  продолжительность: 9.000 мс, разбор a: ",
        ),
        (
            "LOGG:  varaktighet: 1.500 ms  sats: ",
            "LOGG:  varaktighet: 2.000 ms  kör a: ",
            "LOGG:  varaktighet: 9.000 ms  bind a: ",
        ),
        (
            "ЗАПИСУВАННЯ:  тривалість: 1.500 мс, оператор: ",
            "ЗАПИСУВАННЯ:  тривалість: 2.000 мс виконувати a: ",
            "ЗАПИСУВАННЯ:  тривалість: 9.000 мс, аналізування a: ",
        ),
        (
            "日志:  执行时间: 1.500 ms 语句: ",
            "日志:  执行时间: 2.000 ms 执行a: ",
            "日志:  执行时间: 9.000 ms 绑定a: ",
        ),
    ] {
        let messages = [simple, prepared, extended].map(|label| format!("{label}select 1"));
        let messages: Vec<_> = messages.iter().map(String::as_str).collect();
        let (told, _, counts) = told_of(stderr(&messages));
        assert_eq!(told, ["1 x 1.5 ms: select 1", "1 x 2 ms: select 1"], "{simple}");
        assert_eq!((counts.skipped, counts.malformed), (0, 0), "{simple}");
    }
}

/// What a server of PostgreSQL 15 ran while it wrote the logs beside this file, each in another language.
const RAN: &[&str] = &[
    "create table features(id int, name text, data jsonb);",
    "insert into features select n, 'n', '{\"a\":1}' from generate_series(1,30) n;",
    "select data ->> 'a' from features where data ->> 'b' = 'x''y';",
    "prepare p(text) as select data ->> $1 from features;",
    // EXECUTE, known by what was prepared.
    "prepare p(text) as select data ->> $1 from features;",
    "set log_duration=on;",
    "select data ->> 'ls' from features;",
    "begin;",
    "declare c cursor for select data ->> 'cur' from features;",
    "fetch 2 from c;",
    "commit;",
    "select data ->> 'pb' from features where id = $1;",
    "select data ->> 'pb' from features where id = $1;",
    "select data ->> 'pb' from features where id = $1;",
    "select data ->> 'pb' from features where id = $1;",
    "select data ->> 'pb' from features where id = $1;",
    "select data ->> 'pb' from features where id = $1;",
];

#[test]
fn logs_of_servers_that_speak_other_languages_tell_the_same() {
    for log in [
        include_str!("de.log"),
        include_str!("es.log"),
        include_str!("fr.log"),
        include_str!("ja.log"),
        include_str!("ru.log"),
        include_str!("ru.csv"),
    ] {
        let (mut entries, read) = read(log);
        // Its plan is all that was logged of it, and waits for more until the log ends.
        let plan = entries.iter().position(|entry| entry.sql.contains("plan_only"));
        assert_eq!(entries.remove(plan.unwrap()).sql, "select data ->> 'plan_only' from features;");
        let read_sql: Vec<_> = entries.iter().map(|entry| entry.sql.as_str()).collect();
        assert_eq!(read_sql, RAN);
        assert!(entries.iter().all(|entry| entry.total_ms.is_some()));
        let last = &entries[entries.len() - 1];
        assert_eq!(last.parameters.get(1).as_deref(), Some("7"));
        assert_eq!((read.counts.malformed, read.counts.skipped), (0, 0));
    }
}

#[test]
fn messages_of_every_language_and_version_are_understood() {
    for row in include_str!("messages.tsv").lines() {
        let fields: Vec<&str> = row.split('\t').collect();
        let [_, log, detail, lasts, ran, executed, fetched, told, parsed, bound, called, values] =
            fields[..]
        else {
            panic!("{row}")
        };
        let line = |message: &str, sql: &str| format!("{log}:  {}", message.replace("%s", sql));
        let values = values.replace("%s", "$1 = 'k'");
        let lines = [
            line(ran, "select 1"),
            line(parsed, "select $1"),
            line(bound, "select $1"),
            line(executed, "select $1"),
            format!("{detail}{values}"),
            line(fetched, "select $1"),
            line(told, "select 2"),
            line(lasts, ""),
            line(called, ""),
        ];
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let (entries, read) = read(stderr(&lines));
        let expected = [
            "1 x 1.5 ms: select 1",
            "1 x 1.5 ms: select $1",
            "0 x 1.5 ms: select $1",
            "1 x 1.5 ms: select 2",
        ];
        assert_eq!(super::told(&entries), expected, "{row}");
        assert_eq!(entries[1].parameters.get(1).as_deref(), Some("k"), "{row}");
        let SourceCounts { malformed, skipped, without_statement, .. } = read.counts;
        assert_eq!((malformed, skipped, without_statement), (0, 0, 0), "{row}");
    }
}

#[test]
fn times_without_a_statement_are_counted_where_no_statement_of_theirs_follows() {
    let bound = [
        "LOG:  duration: 0.010 ms",
        "LOG:  duration: 0.020 ms",
        "LOG:  execute a: select $1",
        "LOG:  duration: 1.000 ms",
    ];
    let (told, _, counts) = told_of(stderr(&bound));
    assert_eq!((told, counts.without_statement), (vec!["1 x 1 ms: select $1".to_owned()], 0));
    let fast = [
        "LOG:  duration: 0.010 ms",
        "LOG:  duration: 0.020 ms",
        "LOG:  duration: 200.000 ms  statement: select 1",
    ];
    let (told, _, counts) = told_of(stderr(&fast));
    assert_eq!((told.len(), counts.without_statement), (1, 2));
}

#[test]
fn a_value_whose_end_was_left_out_is_not_known() {
    let log = [
        "LOG:  duration: 1.000 ms  execute a: select $1, $2",
        "DETAIL:  Parameters: $1 = 'custo...', $2 = 'id'",
    ];
    let (entries, _) = read(stderr(&log));
    assert_eq!(entries[0].parameters.get(1), None);
    assert_eq!(entries[0].parameters.get(2).as_deref(), Some("id"));
}

#[test]
fn a_message_in_words_that_are_not_known_is_counted() {
    let (told, _, counts) = told_of(stderr(&["LOG:  keston: 1.500 ms  lause: select 1"]));
    assert_eq!((told.len(), counts.skipped), (0, 1));
}

#[test]
fn details_tell_parameters_in_any_language() {
    for detail in [
        "DETAIL:  parameters: ",
        "DÉTAIL:  paramètres : ",
        "詳細:  パラメータ: ",
        "VAIHE:  arvot: ",
    ] {
        let detail = format!("{detail}$1 = 'it''s', $2 = NULL, $3 = 'c, $4 = ''d'");
        let log = stderr(&["LOG:  duration: 1.000 ms  execute a: select $1", &detail]);
        let (entries, _) = read(log);
        let parameters = &entries[0].parameters;
        assert_eq!(parameters.get(1).as_deref(), Some("it's"));
        assert_eq!(parameters.get(2), None);
        assert_eq!(parameters.get(3).as_deref(), Some("c, $4 = 'd"));
        assert_eq!(parameters.get(4), None);
    }
}

#[test]
fn an_executed_statement_is_the_one_that_was_prepared() {
    let (told, ..) = told_of(stderr(&[
        "LOG:  duration: 0.091 ms  statement: execute p('k');",
        "DETAIL:  prepare: prepare p(text) as select data ->> $1 from features;",
    ]));
    assert_eq!(told, ["1 x 0.091 ms: prepare p(text) as select data ->> $1 from features;"]);
}

#[test]
fn errors_and_what_they_say_of_statements_are_no_executions() {
    let (told, _, counts) = told_of(stderr(&[
        "ERROR:  column \"nope\" does not exist at character 8",
        "STATEMENT:  select nope, 0.123 as x: y;",
        "LOG:  checkpoint complete: wrote 30 buffers (0.2%); write=0.001 s, sync=0.001 s",
        "LOG:  process 7 still waiting for ShareLock after 1000.072 ms",
        "LOG:  duration: 1.000 ms  parse a: select 1",
        "LOG:  duration: 1.000 ms  bind a: select 1",
    ]));
    assert_eq!((told.len(), counts.skipped, counts.malformed), (0, 0, 0));
}

#[test]
fn a_duration_belongs_to_the_statement_before_it_of_its_session() {
    let (told, ..) = told_of(stderr(&[
        "LOG:  statement: select 1",
        "LOG:  duration: 0.500 ms",
        "LOG:  statement: select 2",
        "LOG:  statement: select 3",
        "LOG:  duration: 0.700 ms",
        "LOG:  duration: 0.800 ms",
        "LOG:  execute a: select 4",
    ]));
    assert_eq!(
        told,
        [
            "1 x 0.5 ms: select 1",
            "1 x ? ms: select 2",
            "1 x 0.7 ms: select 3",
            "1 x ? ms: select 4"
        ]
    );
    let unknown = "LOG:  statement: select 1\nLOG:  duration: 0.500 ms\n";
    assert_eq!(told_of(unknown).0, ["1 x ? ms: select 1"]);
}

#[test]
fn a_plan_is_read_in_each_of_its_formats() {
    for plan in [
        "Query Text: select data ->> '<\"&'\nfrom features\nQuery Parameters: $1 = 'v'\nSeq Scan on features  (cost=0.00..1.00 rows=1 width=4)",
        "{\n  \"Query Text\": \"select data ->> '<\\\"&'\\nfrom features\",\n  \"Query Parameters\": \"$1 = 'v'\",\n  \"Plan\": {\n  }\n}",
        "<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n  <Query-Text>select data -&gt;&gt; '&lt;&quot;&amp;'\nfrom features</Query-Text>\n  <Query-Parameters>$1 = 'v'</Query-Parameters>\n</explain>",
        "Query Text: \"select data ->> '<\\\"&'\\nfrom features\"\nQuery Parameters: \"$1 = 'v'\"\nPlan: \n  Node Type: \"Seq Scan\"",
    ] {
        let (entries, read) = read(stderr(&[&format!("LOG:  duration: 0.016 ms  plan:\n{plan}")]));
        assert_eq!(told(&entries), ["1 x 0.016 ms: select data ->> '<\"&'\nfrom features"]);
        assert_eq!(entries[0].parameters.get(1).as_deref(), Some("v"), "{plan}");
        assert_eq!(read.counts.malformed + read.counts.skipped, 0);
    }
}

/// A plan of `auto_explain` for this text.
fn plan(ms: &str, sql: &str) -> String {
    format!(
        "LOG:  duration: {ms} ms  plan:\nQuery Text: {sql}\nResult  (cost=0.00..0.01 rows=1 width=4)"
    )
}

#[test]
fn an_execution_that_is_told_twice_counts_once() {
    let both = "select 3; select 4";
    let simple = [
        &plan("0.005", both),
        &plan("0.020", both),
        "LOG:  duration: 0.729 ms  statement: select 3; select 4",
    ];
    assert_eq!(told_of(stderr(&simple)).0, ["1 x 0.729 ms: select 3; select 4"]);

    // A portal is closed, and its plan written, after it was executed.
    let execute = "LOG:  duration: 0.010 ms  execute a: select $1";
    let extended = [execute, &plan("0.008", "select $1"), execute, &plan("0.003", "select $1")];
    assert_eq!(told_of(stderr(&extended)).0, ["1 x 0.01 ms: select $1"; 2]);

    let logged =
        ["LOG:  statement: select 5", &plan("0.005", "select 5"), "LOG:  duration: 0.100 ms"];
    assert_eq!(told_of(stderr(&logged)).0, ["1 x 0.1 ms: select 5"]);
    assert_eq!(told_of(stderr(&logged[..2])).0, ["1 x 0.005 ms: select 5"]);
}

#[test]
fn statements_within_functions_and_plans_without_a_statement_count_too() {
    let inner = [
        &plan("0.002", "select inner"),
        &plan("0.005", "select f()"),
        "LOG:  duration: 0.100 ms  statement: select f()",
    ];
    assert_eq!(told_of(stderr(&inner)).0, ["1 x 0.002 ms: select inner", "1 x 0.1 ms: select f()"]);

    // The first ran longer than the second, whose time does not hold both.
    let alone = [
        &plan("0.300", "select 1"),
        &plan("0.090", "select 1"),
        "LOG:  duration: 0.100 ms  statement: select 1",
    ];
    assert_eq!(told_of(stderr(&alone)).0, ["1 x 0.3 ms: select 1", "1 x 0.1 ms: select 1"]);
}

#[test]
fn further_fetches_add_their_time_and_no_call() {
    let (told, ..) = told_of(stderr(&[
        "LOG:  duration: 1.000 ms  execute S_1/C_2: select 1",
        "LOG:  duration: 2.000 ms  execute fetch from S_1/C_2: select 1",
    ]));
    assert_eq!(told, ["1 x 1 ms: select 1", "0 x 2 ms: select 1"]);
}

/// A record of a csvlog with as many columns as this version writes.
fn csv_record(columns: usize, sqlstate: &str, message: &str) -> String {
    let more = match columns {
        23 => "",
        24 => ",\"client backend\"",
        _ => ",\"client backend\",,-77",
    };
    format!(
        "2026-11-25 00:44:19.894 UTC,\"app\",\"shop\",11304,\"[local]\",6b062f63.2c28,1,\"SELECT\",2026-11-25 00:44:19 UTC,\
         1/2,0,LOG,{sqlstate},\"{}\",,,,,,,,,\"psql\"{more}\n",
        message.replace('"', "\"\"")
    )
}

#[test]
fn a_csvlog_of_every_version_is_read_and_its_other_lines_counted() {
    for columns in [23, 24, 26] {
        let log = csv_record(columns, "00000", "duration: 2.554 ms  statement: select \"a\",\n1")
            + "no record\n"
            + &csv_record(columns, "42P01", "duration: 2.554 ms  statement: select 2")
            + &csv_record(columns, "00000", "duration: 1.000 ms  execute <unnamed>: select 3");
        let (entries, read) = read(log.replace('\n', "\r\n"));
        assert_eq!(told(&entries), ["1 x 2.554 ms: select \"a\",\n1", "1 x 1 ms: select 3"]);
        assert_eq!(entries[0].database.as_deref(), Some("shop"));
        assert_eq!((read.format, read.counts.malformed), (Some(SourceFormat::Csvlog), 1));
    }
}

#[test]
fn a_quote_that_is_never_closed_costs_one_record_of_a_csvlog() {
    let good = csv_record(26, "00000", "duration: 1.000 ms  statement: select 1");
    let broken = good.replace("1\",,", "1,,");
    let (told, _, counts) = told_of([&*good, &broken, &good, &broken, &good].concat());
    assert_eq!((told.len(), counts.malformed), (3, 2));
}

#[test]
fn a_jsonlog_is_read_and_its_other_lines_counted() {
    let line = r#"{"timestamp":"2026-11-25 00:44:19.894 UTC","user":"app","dbname":"shop","pid":11304,"session_id":"6b062f63.2c28","error_severity":"LOG","message":"duration: 0.100 ms  execute a: select data ->> $1","detail":"Parameters: $1 = 'k'","query_id":0}"#;
    let error = r#"{"timestamp":"2026-11-25","error_severity":"ERROR","state_code":"42703","message":"duration: 0.100 ms  statement: no","statement":"select nope"}"#;
    let (entries, read) = read(format!("{line}\n{error}\n{{broken\n{line}"));
    assert_eq!(told(&entries), ["1 x 0.1 ms: select data ->> $1"; 2]);
    assert_eq!(entries[0].parameters.get(1).as_deref(), Some("k"));
    assert_eq!((read.format, read.counts.malformed), (Some(SourceFormat::Jsonlog), 1));
}

#[test]
fn statements_of_another_database_are_passed_over() {
    let log = csv_record(26, "00000", "duration: 1.000 ms  statement: select 1");
    let mut reader = SourceReader::new(None).of_database("other");
    reader.push(log.as_bytes(), |_| panic!("of another database"));
    assert_eq!(reader.finish(|_| panic!("of another database")).counts.elsewhere, 1);
}

#[test]
fn a_list_is_read_with_its_columns_in_any_order() {
    for list in [
        "sql,calls,mean_ms\n\"select 1,\n2\",10,0.5\nselect 3,1,\n",
        "\u{FEFF}calls;total_exec_time;userid;query\r\n10;5;7;\"select 1,\n2\"\r\n1;;7;select 3\r\n",
        "MEAN_MS\tSQL\tCalls\n0.5\t\"select 1,\n2\"\t10\n\tselect 3\t1",
    ] {
        let (told, format, counts) = told_of(list);
        assert_eq!(told, ["10 x 5 ms: select 1,\n2", "1 x ? ms: select 3"], "{list}");
        assert_eq!((format, counts.malformed), (Some(SourceFormat::CsvList), 0));
    }
    let (told, _, counts) = told_of("calls,sql\nmany,select 1\n-1,select 1\n1\n2,select 2\n");
    assert_eq!((told, counts.malformed), (vec!["2 x ? ms: select 2".to_owned()], 3));
}

#[test]
fn a_list_as_json_is_read_in_each_of_its_shapes() {
    let (one, two) = (
        r#"{"sql": "select '{[\"'", "calls": 10, "mean_ms": 0.5, "tags": [{"a": 1}]}"#,
        r#"{"query": "select 2", "total_exec_time": "7"}"#,
    );
    for list in [
        format!(r#"{{"statements": [{one}, {two}]}}"#),
        format!("{{\n \"target\": \"x\",\n \"statements\" : [\n{one},\n{two}\n]}}\n"),
        format!("[{one},{two}]"),
        format!("{one}\n{two}\n"),
    ] {
        let (told, format, counts) = told_of(&list);
        assert_eq!(told, ["10 x 5 ms: select '{[\"'", "1 x 7 ms: select 2"], "{list}");
        assert_eq!((format, counts.malformed), (Some(SourceFormat::JsonList), 0));
    }
    let (told, _, counts) =
        told_of(format!(r#"{{"statements": [{{"calls": 1}}, {two}, {{"sql": 1"#));
    assert_eq!((told.len(), counts.malformed), (1, 2));
}

#[test]
fn a_list_without_a_statement_that_can_be_read_is_none_and_an_empty_one_is() {
    for list in [
        r#"{"statments": [{"sql": "select 1"}]}"#,
        r#"{"statements": [{"sqll": "select 1"}]}"#,
        r#"{"statements": [{"sql": "select 1", "calls": -1}]}"#,
        "{}",
        "sql,calls\nselect 1,many\n",
        "sql\n\"select 1",
    ] {
        let (told, format, counts) = told_of(list);
        assert_eq!((told.len(), format), (0, None), "{list}");
        assert_eq!(counts.malformed, 1, "{list}");
    }
    for list in ["[]", r#"{"statements": []}"#, "sql,calls\n"] {
        let (told, format, counts) = told_of(list);
        assert!(told.is_empty() && format.is_some() && counts.malformed == 0, "{list}");
    }
}

#[test]
fn what_is_of_no_format_is_not_read() {
    for source in ["", "hello\nworld", "\u{1f}\u{8b}", "select 1;"] {
        let (told, format, counts) = told_of(source);
        assert_eq!((told.len(), format, counts.bytes), (0, None, source.len() as u64));
    }
}

#[test]
fn a_statement_that_is_too_long_loses_its_end_and_is_counted() {
    let long = format!("select '{}'", "é".repeat(crate::sql::TEXT_BYTES_MAX));
    let message = format!("duration: 1.000 ms  statement: {long}");
    let next = "duration: 1.000 ms  statement: select 1";
    for log in [
        stderr(&[&format!("LOG:  {message}"), &format!("LOG:  {next}")]),
        csv_record(26, "00000", &message) + &csv_record(26, "00000", next),
        csv_record(26, "00000", &message.repeat(4)) + &csv_record(26, "00000", next),
    ] {
        let (entries, read) = read(log);
        assert_eq!(entries.len(), 2);
        assert!(entries[0].cut_off && entries[0].sql.len() <= crate::sql::TEXT_BYTES_MAX);
        assert!(!entries[1].cut_off);
        assert_eq!((read.counts.cut_off, read.counts.malformed), (1, 0));
    }
}
