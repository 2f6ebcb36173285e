//! A server's log read and understood, and where the time goes.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

use database_optimizer::model::QualifiedName;
use database_optimizer::sql::{Catalog, CatalogRelation, Column};
use database_optimizer::workload::{Bookkeeper, Entry, SourceReader, StatementSource};

use crate::table::{Measured, Table};

const STATEMENTS: usize = 114_000;
const ROUNDS: usize = 5;
/// Bytes of a chunk, as an upload brings them.
const CHUNK_BYTES: usize = 64 * 1024;

/// A log of 16 sessions with the prefix `%m [%p] %q%u@%d `: statements of object-relational mappers that differ in literals,
/// some over several lines, some with parameters.
fn log() -> String {
    let mut log = String::new();
    for n in 0..STATEMENTS {
        let (ms, pid) = (n % 60_000, 4000 + n * 7 % 16);
        let head = format!(
            "2026-11-25 10:{:02}:{:02}.{:03} UTC [{pid}] app@shop ",
            ms / 1000 / 60,
            ms / 1000 % 60,
            ms % 1000
        );
        let took = format!("duration: {}.{:03} ms  ", n % 17, n * 37 % 1000);
        let user = n * 7919 % 100_003;
        let sql = match n % 10 {
            0 => format!("select id from features where data ->> 'segment' = 'v{}'", n % 997),
            1 => format!("UPDATE orders SET total = {}.{:02} WHERE id = {user}", n % 1000, n % 100),
            2 => format!(
                "INSERT INTO orders (id, user_id, data) VALUES ({n}, {user}, '{{\"sku\": \"s-{n}\"}}')"
            ),
            3 => format!("SELECT u.email\n\tFROM users u\n\tWHERE u.id = {user}\n\tLIMIT 21"),
            4 => format!("select * from features where data @> '{{\"tenant\": {}}}'", n % 50),
            5 => {
                let ids: Vec<String> = (0..=n % 40).map(|id| (id * user).to_string()).collect();
                format!("select data -> 'a' ->> 'b' from features where id in ({})", ids.join(","))
            }
            6 => format!(
                "DELETE FROM orders WHERE user_id = {user} /*action='purge',traceparent='00-{:032x}-{n:016x}-01'*/",
                n * 7919
            ),
            7 => "SELECT id, email FROM users WHERE id = $1".to_owned(),
            8 => format!("select date_trunc('day', '2026-11-{:02}'::date), {n} from users", n % 30),
            _ => format!("select count(*) from orders where user_id = {user} and id > {n}"),
        };
        if n % 10 == 7 {
            let _ = writeln!(log, "{head}LOG:  {took}execute <unnamed>: {sql}");
            let _ = writeln!(log, "{head}DETAIL:  parameters: $1 = '{user}'");
        } else {
            let _ = writeln!(log, "{head}LOG:  {took}statement: {sql}");
        }
    }
    log
}

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    for (table, columns) in
        [("features", "id data*"), ("users", "id email"), ("orders", "id user_id data* total")]
    {
        let column = |name: &str| Column {
            name: name.trim_end_matches('*').to_owned(),
            json: name.ends_with('*'),
        };
        let name = QualifiedName { schema: "public".to_owned(), name: table.to_owned() };
        catalog.insert(name, CatalogRelation::Table(columns.split(' ').map(column).collect()));
    }
    catalog
}

fn read(log: &str, mut to: impl FnMut(Entry)) {
    let mut reader = SourceReader::new(None).of_database("shop");
    log.as_bytes().chunks(CHUNK_BYTES).for_each(|chunk| reader.push(chunk, &mut to));
    let read = reader.finish(&mut to);
    assert_eq!(read.counts.entries, STATEMENTS as u64);
}

/// Megabytes a second.
#[expect(clippy::cast_precision_loss, reason = "bytes below 2^53")]
fn speed(log: &str, work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    log.len() as f64 / 1e6 / begun.elapsed().as_secs_f64()
}

pub fn measure() -> Table {
    let (log, catalog) = (log(), catalog());
    let (mut reads, mut wholes, mut parsed) = (Vec::new(), Vec::new(), 0);
    for _ in 0..ROUNDS {
        reads.push(speed(&log, || read(&log, |entry| drop(black_box(entry)))));
        wholes.push(speed(&log, || {
            let mut book = Bookkeeper::new(&catalog);
            read(&log, |entry| book.add(StatementSource::Log, &entry));
            parsed = book.parsed();
            black_box(book.into_ledger());
        }));
    }
    let mut table = Table::default();
    let ratios = wholes.iter().zip(&reads).map(|(whole, read)| whole / read).collect();
    let detail =
        format!("{STATEMENTS} statements in {} MB, {parsed} parsed", log.len() / 1_000_000);
    let what = |what: &str| what.to_owned();
    table.at_least(
        25.0,
        Measured { what: what("a log understood, MB/s on one core"), rounds: wholes, detail },
    );
    let detail = String::new();
    table.told(Measured { what: what("the same only read, MB/s"), rounds: reads, detail });
    let detail = "what is not reading is understanding".to_owned();
    table.told(Measured { what: what("understood / only read"), rounds: ratios, detail });
    table
}
