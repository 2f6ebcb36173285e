//! Plans that came inside of something else: strings of JSON, as structured logs and APIs have them, and records of a csvlog.

use csv_core::{ReadRecordResult, Reader};
use serde::de::IgnoredAny;
use serde_json::{Deserializer, Value};

/// What a text has that may hold a plan.
const MARKS: [&str; 5] = ["(cost=", "(actual ", "\"Node Type\"", "Node Type:", "<explain"];

/// Columns of a csvlog from 9.6 on.
const CSVLOG_COLUMNS_MIN: usize = 23;

/// The texts with plans in the strings of an input; none where it is not made of JSON, or has none.
pub(super) fn in_json(input: &str) -> Vec<String> {
    let input = input.trim_start_matches('\u{feff}').trim_start();
    let mut texts = Vec::new();
    if input.starts_with(['{', '[', '"']) {
        // What is behind the first that cannot be read is left out, as of any document.
        for value in Deserializer::from_str(input).into_iter::<Value>().map_while(Result::ok) {
            strings(value, &mut texts);
        }
    }
    with_plans(texts)
}

/// The documents of JSON within others: `{"rows": [{"QUERY PLAN": [{"Plan": …}]}]}`, as drivers and tools answer.
pub(super) fn documents(input: &str) -> Vec<String> {
    const NAME: &str = "\"Plan\"";
    let mut texts = Vec::new();
    let mut read = 0;
    while let Some(found) = memchr::memmem::find(&input.as_bytes()[read..], NAME.as_bytes()) {
        let name = read + found;
        let before = input[read..name].trim_end();
        read = name + NAME.len();
        if !before.ends_with('{') || !input[read..].trim_start().starts_with(':') {
            continue;
        }
        let start = name - (input[..name].len() - input[..name].trim_end().len()) - 1;
        let mut values = Deserializer::from_str(&input[start..]).into_iter::<IgnoredAny>();
        if matches!(values.next(), Some(Ok(_))) {
            read = start + values.byte_offset();
            texts.push(input[start..read].to_owned());
        } else {
            break;
        }
    }
    with_plans(texts)
}

/// The texts with plans in the cells of an input; none where it is no csvlog, or has none.
pub(super) fn in_csvlog(input: &str) -> Vec<String> {
    let input = input.trim_start_matches('\u{feff}').trim_start();
    let mut texts = Vec::new();
    if is_csvlog(input) {
        cells(input, &mut texts);
    }
    with_plans(texts)
}

fn with_plans(mut texts: Vec<String>) -> Vec<String> {
    texts.retain(|text| MARKS.iter().any(|mark| text.contains(mark)));
    texts
}

/// The strings of a value, in their order.
fn strings(value: Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text),
        // Each is a line of a plan, or a plan.
        Value::Array(items) if items.len() > 1 && items.iter().all(Value::is_string) => {
            let lines: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            into.push(lines.join("\n"));
        }
        Value::Array(items) => items.into_iter().for_each(|item| strings(item, into)),
        Value::Object(items) => items.into_iter().for_each(|(_, item)| strings(item, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether the first line begins as a csvlog does: a time, and many columns.
fn is_csvlog(input: &str) -> bool {
    let line = input.lines().next().unwrap_or_default();
    let is_time = line.bytes().take(10).enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    is_time && line.matches(',').count() >= 10 && line.contains(",\"")
}

/// The cells of all records.
fn cells(input: &str, into: &mut Vec<String>) {
    let mut reader = Reader::new();
    let (mut output, mut ends) = (vec![0; 4096], vec![0; 64]);
    let (mut read, mut written, mut ended) = (0, 0, 0);
    loop {
        let rest = &input.as_bytes()[read..];
        let (result, nin, nout, nend) =
            reader.read_record(rest, &mut output[written..], &mut ends[ended..]);
        read += nin;
        written += nout;
        ended += nend;
        match result {
            ReadRecordResult::OutputFull => output.resize(output.len() * 2, 0),
            ReadRecordResult::OutputEndsFull => ends.resize(ends.len() * 2, 0),
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::Record => {
                if ended >= CSVLOG_COLUMNS_MIN {
                    let mut start = 0;
                    for end in &ends[..ended] {
                        into.push(String::from_utf8_lossy(&output[start..*end]).into_owned());
                        start = *end;
                    }
                }
                (written, ended) = (0, 0);
            }
            ReadRecordResult::End => return,
        }
    }
}
