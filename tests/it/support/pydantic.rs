//! Documents, and Pydantic, which prints their contracts and reads them by the modules that are generated.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use super::skipped;

/// Documents of every kind that a contract distinguishes.
pub const DOCUMENTS_OF_EVERY_KIND: &str = r#"create schema ml;
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

/// A Python with the Pydantic that the generated modules are for; none where it cannot be had.
pub fn python() -> Option<&'static Path> {
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
pub fn printed_by_pydantic() -> Option<(Value, Vec<String>)> {
    let output = Command::new(python()?).args(["-c", PRINT]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let documents = serde_json::from_value(printed["documents"].take()).unwrap();
    Some((printed["contract"].take(), documents))
}
