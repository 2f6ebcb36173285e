//! Input that is cut, broken, deep or large.

use database_optimizer::explain::{NODES_MAX, StopReason, derive::derive, read};
use proptest::prelude::*;

use super::corpus::blocks;

#[test]
fn a_plan_that_is_cut_says_where_and_gives_what_was_read() {
    for format in ["text", "json", "yaml", "xml"] {
        let block = &blocks(&format!("deb18.{format}"))["three_tables_verbose"].text;
        let whole = read(block).unwrap()[0].nodes.len();
        let lines: Vec<&str> = block.lines().collect();
        let cut = lines[..lines.len() / 2].join("\n");
        let cut = &cut[..cut.len() - 3];
        let error = read(cut).unwrap_err();
        assert_eq!(error.reason, StopReason::CutOff, "{format}");
        assert_eq!(error.line, lines.len() / 2, "{format}");
        let nodes = error.partial[0].nodes.len();
        assert!(nodes > 1 && nodes < whole, "{format}: {nodes} of {whole}");
    }
}

#[test]
fn depth_of_the_input_is_no_depth_of_the_stack() {
    const DEPTH: usize = 100_000;
    let text: String = (0..2_000)
        .map(|depth| {
            format!("{}->  Limit  (cost=0.00..1.00 rows=1 width=4)\n", " ".repeat(depth * 6))
        })
        .collect();
    let json = "{\"Plan\": {\"Node Type\": \"Limit\", \"Plans\": [".to_owned()
        + &"{\"Node Type\": \"Limit\", \"Plans\": [".repeat(DEPTH)
        + &"]}".repeat(DEPTH + 1)
        + "}";
    let xml = "<explain><Query><Plan>".to_owned()
        + &"<Plans><Plan><Node-Type>Limit</Node-Type>".repeat(DEPTH)
        + &"</Plan></Plans>".repeat(DEPTH)
        + "</Plan></Query></explain>";
    let thread = std::thread::Builder::new().stack_size(256 << 10);
    let work = move || {
        assert_eq!(read(&text).unwrap_err().partial[0].nodes.len(), 2_000);
        for input in [json, xml] {
            let plans = read(&input).unwrap();
            assert_eq!(plans[0].nodes.len(), DEPTH + 1);
            assert_eq!(derive(&plans[0]).nodes.len(), DEPTH + 1);
        }
        let deep =
            format!("{{\"Plan\": {{\"Node Type\": \"Limit\", \"Odd\": {}1", "[".repeat(DEPTH));
        assert_eq!(read(&deep).unwrap_err().reason, StopReason::TooDeep);
    };
    thread.spawn(work).unwrap().join().unwrap();
}

#[test]
fn a_table_that_holds_the_headers_of_others_is_looked_at_once() {
    // Were each header followed to the end, this would take hours.
    let table = "QUERY PLAN\n------------\n".repeat(100_000);
    let cut_off = format!("{table}{}+", "a".repeat(12));
    assert_eq!(read(&cut_off).unwrap_err().reason, StopReason::NoPlan);
}

#[test]
fn arrows_in_columns_of_their_own_are_counted_once() {
    let arrow = |column: usize| {
        let blanks = " ".repeat(8 + column % 900);
        format!(
            "  ->  Sort  (cost=0.00..1.00 rows=1 width=4)\n{blanks}->  Seq Scan on a  (cost=0.00..1.00 rows=1 width=4)\n"
        )
    };
    let sorts: String = (0..20_000).map(arrow).collect();
    let text = format!(
        "Append  (cost=0.00..1.00 rows=1 width=4)\n{sorts}  ->  Sort  (cost=0.00..1.00 rows=1 width=4)\n"
    );
    assert_eq!(read(&text).unwrap_err().reason, StopReason::IrregularIndentation);
}

#[test]
fn more_nodes_than_the_limit_are_refused() {
    let node = "{\"Node Type\":\"A\"},";
    let json =
        format!("{{\"Plan\": {{\"Node Type\": \"Append\", \"Plans\": [{}", node.repeat(NODES_MAX));
    let error = read(&json).unwrap_err();
    assert_eq!(error.reason, StopReason::TooManyNodes);
    assert_eq!(error.partial[0].nodes.len(), NODES_MAX);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn broken_input_never_panics(
        at in any::<prop::sample::Index>(), seed in any::<prop::sample::Index>(), from in any::<prop::sample::Index>(),
        length in 0..200_usize, format in 0..4_usize,
    ) {
        let file = ["text", "json", "yaml", "xml"][format];
        let blocks = blocks(&format!("deb18.{file}"));
        let texts: Vec<&str> = blocks.values().map(|block| block.text.as_str()).collect();
        let (one, other) = (texts[seed.index(texts.len())].as_bytes(), texts[from.index(texts.len())].as_bytes());
        // A piece of one plan over a piece of another.
        let start = at.index(one.len());
        let piece = &other[from.index(other.len())..];
        let mut bytes = one[..start].to_vec();
        bytes.extend(&piece[..length.min(piece.len())]);
        bytes.extend(&one[(start + length / 2).min(one.len())..]);
        let text = String::from_utf8_lossy(&bytes);
        let plans = read(&text).unwrap_or_else(|error| error.partial);
        for plan in plans {
            prop_assert_eq!(derive(&plan).nodes.len(), plan.nodes.len());
        }
    }
}

#[test]
fn the_time_of_reading_grows_as_the_input_does() {
    // Each was quadratic: lines that are joined, documents that are copied, signs that are cut one by one.
    let inputs = [
        "Seq Scan on ".to_owned()
            + &"😀\n".repeat(150_000)
            + "  (cost=0.00..1.00 rows=1 width=4)\n",
        "\tQuery Text: select (cost=\n".repeat(30_000),
        "text\n[\n {\"Plan\":{\"Node Type\":\"Result\"}}\n]\n".repeat(20_000),
        "<explain><Query><Plan><Node-Type>Result</Node-Type></Plan></Query></explain>\n"
            .repeat(12_000),
        "\u{a0}".to_owned() + &"> ".repeat(400_000),
    ];
    for input in inputs {
        let start = std::time::Instant::now();
        let _ = read(&input);
        // Measured unoptimized: under 2 s each; before, some took minutes.
        assert!(start.elapsed().as_secs() < 20, "{}: {:?}", &input[..20], start.elapsed());
    }
}
