//! Rows that psql prints without a frame, and cells of a page over several lines.

use super::super::read;

const JSON: &str = "[\n  {\n    \"Plan\": {\n      \"Node Type\": \"Seq Scan\",\n      \"Relation Name\": \"t\",\n      \"Filter\": \"(a > 3)\"\n    }\n  }\n]";
const YAML: &str =
    "- Plan: \n    Node Type: \"Seq Scan\"\n    Relation Name: \"t\"\n    Filter: \"(a > 3)\"";
const XML: &str = "<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n  <Query>\n    <Plan>\n      <Node-Type>Seq Scan</Node-Type>\n      <Relation-Name>t</Relation-Name>\n      <Filter>(a &gt; 3)</Filter>\n    </Plan>\n  </Query>\n</explain>";
const TEXT: &str = "Seq Scan on t\n  Filter: (a > 3)";

/// The lines with what comes before the first and the others, filled up to a width, and with what ends all but the last.
fn printed(document: &str, (first, other): (&str, &str), mark: &str, end: &str) -> String {
    let count = document.lines().count();
    let width = document.lines().map(|line| line.chars().count()).max().unwrap();
    let line = |(at, line): (usize, &str)| {
        let (before, mark) =
            (if at == 0 { first } else { other }, if at + 1 < count { mark } else { "" });
        if mark.is_empty() && end.is_empty() {
            format!("{before}{line}\n")
        } else {
            format!("{before}{line:width$}{mark}{end}\n")
        }
    };
    document.lines().enumerate().map(line).collect()
}

fn is_read(input: &str) {
    let plan = &read(input).unwrap_or_else(|error| panic!("{error}: {input}"))[0];
    assert_eq!(plan.nodes.len(), 1, "{input}");
    let node = &plan.nodes[0];
    assert_eq!((node.node_type.as_str(), node.relation.as_deref()), ("Seq Scan", Some("t")));
    assert_eq!(node.condition("filter"), Some("(a > 3)"), "{input}");
}

#[test]
fn tuples_alone_are_read_without_the_marks_of_continued_lines() {
    for document in [JSON, YAML, XML] {
        is_read(&printed(document, (" ", " "), "+", ""));
        is_read(&printed(document, ("", ""), "+", ""));
        is_read(&format!(
            "+----+\n{}+----+\n",
            printed(document, ("| ", "| "), "+", "|").replace(" |\n", "  |\n")
        ));
    }
}

#[test]
fn rows_with_the_name_of_their_column_before_them_are_read() {
    for document in [JSON, YAML, XML] {
        is_read(&printed(document, ("QUERY PLAN|", ""), "", ""));
        let doubled = document.replace('"', "\"\"");
        is_read(&format!("QUERY PLAN,\"{doubled}\"\n"));
        let rows = printed(document, ("QUERY PLAN ", "           "), "+", "");
        is_read(&format!("* Record 1                    \n{rows}\n"));
    }
    let rows = |before: &str, between: &str| {
        TEXT.lines().map(|line| format!("{between}{before}{line}\n")).collect::<Vec<_>>().concat()
    };
    is_read(&rows("QUERY PLAN|", "\n"));
    is_read(&rows("QUERY PLAN,", ""));
    is_read(&rows("QUERY PLAN ", "* Record 1      \n"));
}

#[test]
fn a_cell_of_a_page_over_several_lines_is_read() {
    for document in [JSON, YAML, XML] {
        let escaped = document.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let cell = escaped.replace('"', "&quot;").replace('\n', "<br />\n");
        is_read(&format!(
            "<table border=\"1\">\n  <tr>\n    <th align=\"center\">QUERY PLAN</th>\n  </tr>\n  <tr valign=\"top\">\n    <td align=\"left\">{cell}</td>\n  </tr>\n</table>\n<p>(1 row)<br />\n</p>\n"
        ));
    }
    // Signs of a page inside a literal of a plan are its own.
    let plan = JSON.replace("(a > 3)", "(a = '&quot;')");
    assert_eq!(read(&plan).unwrap()[0].nodes[0].condition("filter"), Some("(a = '&quot;')"));
}

#[test]
fn a_margin_that_ends_within_a_character_leaves_it_whole() {
    for second in ["─+", "…", "é", " é+"] {
        let read = read(&format!("|{{ \"a\": 1, +\n{second}\n|}}"));
        assert!(read.is_err(), "{second}: {read:?}");
    }
}
