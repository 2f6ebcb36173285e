//! Contracts of documents for one run: `SCHEMA.TABLE.COLUMN=FILE`, names as SQL writes them.

use std::path::Path;
use std::sync::Arc;

use clap::Args;

use super::Error;
use crate::contract::{Contract, Registered};

/// Contracts to judge documents by.
#[derive(Debug, Default, Args)]
pub(super) struct Contracts {
    /// Judge the documents of a column by a JSON Schema, as Pydantic prints it; repeatable.
    #[arg(long, value_name = "SCHEMA.TABLE.COLUMN=FILE")]
    contract: Vec<String>,
}

impl Contracts {
    /// Read them.
    pub(super) fn read(&self) -> Result<Vec<Registered>, Error> {
        self.contract.iter().map(|text| read(text)).collect()
    }
}

fn read(text: &str) -> Result<Registered, Error> {
    let usage = |problem: String| Error::Usage(format!("--contract: {problem}"));
    let named = names(text).ok_or_else(|| {
        usage(format!(
            "write `{text}` as SCHEMA.TABLE.COLUMN=FILE, a name with dots in double quotes"
        ))
    })?;
    let ([schema, table, column], file) = named;
    let shown = Path::new(file).display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| usage(format!("{shown} cannot be read: {error}")))?;
    let contract = Contract::parse(&text).map_err(|faults| {
        let messages = faults.iter().map(|fault| match fault.pointer.as_str() {
            "" => fault.detail.clone(),
            pointer => format!("{pointer}: {}", fault.detail),
        });
        usage(format!("{shown} is no contract: {}", messages.collect::<Vec<_>>().join("; ")))
    })?;
    Ok(Registered { schema, table, column, contract: Arc::new(contract), before: None })
}

/// The three names and the file; a double quote in a quoted name is written twice.
fn names(text: &str) -> Option<([String; 3], &str)> {
    let mut names = vec![String::new()];
    let mut quoted = false;
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' if quoted && letters.next_if(|(_, next)| *next == '"').is_some() => {
                names.last_mut()?.push('"');
            }
            '"' => quoted = !quoted,
            '.' if !quoted => names.push(String::new()),
            '=' if !quoted => {
                let names: [String; 3] = names.try_into().ok()?;
                let file = &text[at + 1..];
                let whole = names.iter().all(|name| !name.is_empty()) && !file.is_empty();
                return whole.then_some((names, file));
            }
            letter => names.last_mut()?.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_sql_writes_them() {
        let read = |text| names(text).map(|(names, file)| (names.join("|"), file.to_owned()));
        let expect = |names: &str, file: &str| Some((names.to_owned(), file.to_owned()));
        assert_eq!(read("ml.features.data=a.json"), expect("ml|features|data", "a.json"));
        assert_eq!(read("ml.\"Odd.\"\"t=\".data=x=y"), expect("ml|Odd.\"t=|data", "x=y"));
        for text in
            ["features.data=a", "ml.features.data", "ml..data=a", "ml.t.c=", "a.b.c.d=e", ""]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
