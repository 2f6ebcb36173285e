//! The contract of documents: what a sample shows holds for the rows of the table, in JSON Schema and in Python.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use axum::http::StatusCode;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::support::{Reply, Service, TestDb, server, skipped};

/// Documents of every kind that a contract tells apart.
pub(crate) const FEATURES: &str = r#"create schema ml;
create table ml."Odd features" (id bigint primary key, data jsonb);
insert into ml."Odd features" select i, jsonb_build_object(
        'userIdentifier', i, 'user_identifier', 'u' || i, 'class', i % 2 = 0, 'étage "3"', i * 0.5, 'model_dump', null,
        'ref', gen_random_uuid(), 'seen_at', '2026-11-22T10:00:00+00:00', 'mixed', case when i % 2 = 0 then to_jsonb(i) else '"x"' end,
        'str', 'text', '', 1, 'tags', jsonb_build_array('a', 'b', null),
        'history', jsonb_build_array(jsonb_build_object('quantity', i), jsonb_build_object('quantity', null, 'class', 'x')),
        'visits', (select jsonb_object_agg('visitor-' || (i * 31 + g), jsonb_build_object('pages', g)) from generate_series(1, 3) as g)
    ) || case when i % 3 = 0 then jsonb_build_object('sometimes', jsonb_build_object('deep', '{}'::jsonb)) else '{}' end
from generate_series(1, 900) as i;
vacuum analyze ml."Odd features""#;

const PATH: &str = "/v1/targets/demo/hybrid-schema/contract?table=ml.Odd%20features";

async fn with(member: &str, sql: &str) -> Option<(Service, TestDb)> {
    let db = TestDb::create(server(member)?).await;
    for statement in sql.split(";\n") {
        db.run(statement).await;
    }
    let service = Service::start().await;
    service.register("demo", db.dsn().expose_secret()).await;
    Some((service, db))
}

async fn documents(db: &TestDb, table: &str) -> Vec<String> {
    let all = db.text(&format!("select json_agg(data::text)::text from {table}")).await;
    serde_json::from_str(&all).unwrap()
}

/// A Python with the Pydantic that the generated modules are for; none where it cannot be had.
fn python() -> Option<&'static Path> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    let made = PYTHON.get_or_init(|| {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pydantic-2.13.4");
        let python = home.join("bin/python");
        let works = |program: &Path, arguments: &[&str]| {
            let run = Command::new(program).args(arguments).stdout(Stdio::null()).status();
            run.is_ok_and(|status| status.success())
        };
        let ready = ["-c", "import pydantic; assert pydantic.VERSION == '2.13.4'"];
        if !works(&python, &ready) {
            works(Path::new("python3"), &["-m", "venv", home.to_str()?]);
            works(&python, &["-m", "pip", "install", "--quiet", "pydantic==2.13.4"]);
        }
        works(&python, &ready).then_some(python)
    });
    if made.is_none() {
        skipped("no Python with pydantic 2.13.4");
    }
    made.as_deref()
}

/// Import the module, read each document with its model, and write it again.
fn read_by(module: &str, model: &str, documents: &[String]) {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("contract.py"), module).unwrap();
    let script = format!(
        "import json, sys, warnings
warnings.simplefilter('error')
from contract import {model} as Model
for line in sys.stdin:
    document = json.loads(line)
    read = Model.model_validate(document)
    again = read.model_dump(mode='json', by_alias=True, exclude_unset=True)
    # The same time, written otherwise.
    if isinstance(document, dict) and 'seen_at' in document:
        document.pop('seen_at'), again.pop('seen_at')
    assert again == document, (again, document)
"
    );
    let mut run = Command::new(python);
    run.current_dir(folder.path()).args(["-c", &script]);
    let mut run = run.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = documents.join("\n");
    // A script that failed reads no further; what it says is what matters then.
    let _ = run.stdin.take().unwrap().write_all(lines.as_bytes());
    let outcome = run.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&outcome.stderr).into_owned();
    assert!(outcome.status.success(), "{said}\n{module}");
}

/// A model with all that Pydantic prints: what it promises, and documents that it wrote.
const PRINT: &str = r#"
import json
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4
from pydantic import AnyUrl, AwareDatetime, BaseModel, ConfigDict, Field

class Status(str, Enum):
    open = "open"
    paid = "paid"

class Card(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["card"]
    number: Annotated[str, Field(min_length=4, max_length=19, pattern=r"^\d+$")]

class Cash(BaseModel):
    kind: Literal["cash"]

class Node(BaseModel):
    name: str
    children: list["Node"] = []

class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: UUID
    at: datetime
    aware: AwareDatetime | None = None
    day: date
    hour: time
    took: timedelta
    status: Status = Status.open
    total: Decimal
    price: Annotated[Decimal, Field(max_digits=8, decimal_places=2)]
    share: Annotated[float, Field(ge=0, le=1)]
    step: Annotated[float, Field(multiple_of=0.01)]
    count: Annotated[int, Field(gt=0, lt=2**60)]
    note: str | None = None
    payment: Annotated[Card | Cash, Field(discriminator="kind")]
    either: int | list[str] | Node
    tags: dict[str, int] = {}
    names: set[str] = set()
    pair: tuple[int, str] = (1, "x")
    rest: tuple[int, ...] = ()
    tree: Node
    data: dict[str, Any] = {}
    by: dict[Literal["a", "b"], float] = {}
    where: IPv4Address | IPv6Address = IPv4Address("192.0.2.1")
    link: AnyUrl = "https://example.org/a"
    raw: bytes = b"x"
    version: Literal[1, 2] = 1

def order(n):
    tree = Node(name="leaf")
    for _ in range(n % 6):
        tree = Node(name="n", children=[tree, Node(name="m")])
    return Order(
        id=uuid4(), at=datetime(2026, 11, 22, 10, n % 60, 0, n), day=date(2026, 11, 1 + n % 28), hour=time(n % 24, 5),
        aware=datetime.now(timezone.utc) if n % 2 else None, took=timedelta(days=n - 3, seconds=n), status=Status.paid if n % 3 else Status.open,
        total=Decimal(n) / 8, price=Decimal("12.50"), share=n / 20, step=round(n * 0.07, 2), count=n + 2**53, note="ü" if n % 2 else None,
        payment=Card(kind="card", number="4111" + str(n)) if n % 2 else Cash(kind="cash"),
        either=[n, ["a"], Node(name="x")][n % 3], tags={f"visitor-{n}": n}, names={"a", str(n)}, rest=tuple(range(n % 4)),
        tree=tree, data={"any": [n, None, {"x": 1.5}]}, by={"a": 0.5}, where=IPv6Address("2001:db8::1") if n % 2 else IPv4Address("192.0.2.7"),
    )

print(json.dumps({"contract": Order.model_json_schema(), "documents": [order(n).model_dump_json() for n in range(20)]}))
"#;

/// A contract that Pydantic printed, and documents that it wrote; none where there is no Python.
pub(crate) fn printed_by_pydantic() -> Option<(Value, Vec<String>)> {
    let output = Command::new(python()?).args(["-c", PRINT]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let documents = serde_json::from_value(printed["documents"].take()).unwrap();
    Some((printed["contract"].take(), documents))
}

fn admitted(schema: &Value, documents: &[String]) {
    let validator = jsonschema::validator_for(schema).unwrap();
    for document in documents {
        let document: Value = serde_json::from_str(document).unwrap();
        let faults: Vec<String> = validator.iter_errors(&document).map(|f| f.to_string()).collect();
        assert!(faults.is_empty(), "{faults:?}: {document}\n{schema:#}");
    }
}

fn ok(reply: Reply) -> Reply {
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    reply
}

#[tokio::test(flavor = "multi_thread")]
async fn every_document_keeps_the_contract_that_the_sample_shows() {
    for member in ["pg15", "deb19"] {
        let Some((service, db)) = with(member, FEATURES).await else { continue };
        let documents = documents(&db, r#"ml."Odd features""#).await;
        let schema = ok(service.get(PATH).await);
        assert_eq!(schema.header("content-type"), "application/json");
        let schema = schema.json();
        admitted(&schema, &documents);
        let required = schema["required"].as_array().unwrap();
        assert!(required.len() == 13 && !required.contains(&"sometimes".into()), "{required:?}");
        assert_eq!(schema["properties"]["visits"]["additionalProperties"]["type"], "object");
        assert_eq!(schema["properties"]["ref"]["format"], "uuid");

        let module = ok(service.get(&format!("{PATH}&format=pydantic")).await);
        assert_eq!(module.header("content-type"), "text/x-python; charset=utf-8");
        for line in [
            "    user_identifier: int = Field(alias=\"userIdentifier\")",
            "    user_identifier_2: str = Field(alias=\"user_identifier\")",
            "    class_: bool = Field(alias=\"class\")",
            "    tage_3: float = Field(alias=\"étage \\\"3\\\"\")",
            "    sometimes: Sometimes | None = None",
            "    ref: UUID",
            "    seen_at: AwareDatetime",
            "    tags: list[str | None]",
            "    visits: dict[str, Visits]",
            "class OddFeaturesData(BaseModel):",
        ] {
            assert!(module.text.lines().any(|of| of == line), "no {line}\n{}", module.text);
        }
        read_by(&module.text, "OddFeaturesData", &documents);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_are_aliases_of_the_long_names() {
    let sql = "create schema ml;
create table ml.features (id bigint primary key, data jsonb not null);
create table ml.features_data_keys (code text primary key, key text not null unique);
insert into ml.features_data_keys values ('uid', 'user_identifier'), ('hoo', 'history_of_orders'), ('oqu', 'ordered_quantity');
insert into ml.features select i, jsonb_build_object('uid', i, 'hoo', jsonb_build_array(jsonb_build_object('oqu', i % 5)))
    from generate_series(1, 500) as i;
vacuum analyze ml.features";
    let Some((service, db)) = with("pg17", sql).await else { return };
    let path = "/v1/targets/demo/hybrid-schema/contract?table=ml.features";
    let schema = ok(service.get(path).await).json();
    assert_eq!(schema["properties"]["uid"]["title"], "user_identifier");
    let module = ok(service.get(&format!("{path}&format=pydantic")).await).text;
    for line in [
        "    user_identifier: int = Field(alias=\"uid\")",
        "    history_of_orders: list[HistoryOfOrders] = Field(alias=\"hoo\")",
        "    ordered_quantity: int = Field(alias=\"oqu\")",
    ] {
        assert!(module.lines().any(|of| of == line), "no {line}\n{module}");
    }
    read_by(&module, "FeaturesData", &documents(&db, "ml.features").await);
    let keys = ok(service.get("/v1/targets/demo/hybrid-schema/keys?table=ml.features").await);
    assert_eq!(keys.json()["codes"]["uid"], "user_identifier");
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_are_no_objects_have_a_contract_too() {
    let sql = r#"create schema ml;
create table ml.odd (id bigint primary key, data jsonb);
insert into ml.odd values (1, '[1, 2.5]'), (2, '"text"'), (3, 'null'), (4, '{"a": 1}'), (5, '[]'), (6, null);
create table ml.empty (id bigint primary key, data jsonb);
analyze ml.odd"#;
    let Some((service, db)) = with("pg16", sql).await else { return };
    let path = "/v1/targets/demo/hybrid-schema/contract?table=ml.odd";
    let documents: Vec<String> = documents(&db, "ml.odd where data is not null").await;
    admitted(&ok(service.get(path).await).json(), &documents);
    let module = ok(service.get(&format!("{path}&format=pydantic")).await).text;
    read_by(&module, "OddData", &documents);
    let empty = path.replace("ml.odd", "ml.empty");
    let module = ok(service.get(&format!("{empty}&format=pydantic")).await).text;
    read_by(&module, "EmptyData", &[r#"{"anything": 1}"#.to_owned()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_is_cached_by_its_format_and_asked_for_strictly() {
    let Some((service, _db)) = with("pg18", FEATURES).await else { return };
    let python = format!("{PATH}&format=pydantic");
    let miss = ok(service.get(&python).await);
    let hit = ok(service.get(&python).await);
    assert_eq!((miss.header("x-cache"), hit.header("x-cache")), ("miss", "hit"));
    assert_eq!((&miss.text, miss.header("etag")), (&hit.text, hit.header("etag")));
    assert_eq!(ok(service.get(PATH).await).header("x-cache"), "miss");
    let wrong = service.get(&format!("{PATH}&format=pydantik")).await;
    assert_eq!(wrong.problem(), "invalid-request");
    assert!(wrong.text.contains("/query/format") && wrong.text.contains("pydantic"), "{wrong:?}");
    let unknown = service.get("/v1/targets/demo/hybrid-schema/contract?table=nowhere").await;
    assert_eq!(unknown.problem(), "unknown-table");
}
