use database_optimizer::{analysis, model::*, pg};
#[tokio::main]
async fn main() {
    let dsn = std::env::args().nth(1).unwrap();
    let mut policy = Policy::default();
    for a in std::env::args().skip(2) {
        let (k, v) = a.split_once('=').unwrap();
        policy.0.insert(k.into(), v.parse().unwrap());
    }
    let t = pg::Target::open("cli", &dsn.into(), None).unwrap();
    let r = analysis::Request {
        superpower: None,
        scope: Scope::default(),
        prove: if std::env::var("FULL").is_ok() { ProveMode::Full } else { ProveMode::Cheap },
        policy,
    };
    match analysis::analyse(&t, &r).await {
        Ok(a) => println!("{}", serde_json::to_string_pretty(&a).unwrap()),
        Err(e) => println!("{e} {e:?}"),
    }
}
