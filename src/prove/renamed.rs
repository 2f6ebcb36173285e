//! Documents under other keys, for an arm whose keys are on trial.

use std::collections::BTreeMap;

use super::method::Arm;
use crate::model::{quote_identifier, quote_literal};
use crate::pg::{Trial, TrialError};

/// The table that an arm's rows are taken from. Where its keys are on trial it is made here, so that storing the
/// documents is timed and not converting them.
pub(super) async fn base(
    trial: &Trial,
    position: usize,
    arm: &Arm,
    (columns, on_trial): (&[&str], &str),
) -> Result<String, TrialError> {
    let Some(keys) = arm.keys.as_ref().filter(|keys| !keys.names.is_empty()) else {
        return Ok("pg_temp.dbopt_base".to_owned());
    };
    let function = format!("pg_temp.dbopt_renamed_{position}");
    trial.run(&create_function(&function, &keys.names)).await?;
    let base = format!("pg_temp.dbopt_base_{position}");
    let value = |name: &&str| {
        let quoted = quote_identifier(name);
        if *name == on_trial { format!("{function}({quoted})") } else { quoted.into_owned() }
    };
    let values: Vec<String> = columns.iter().map(value).collect();
    trial
        .run(&format!(
            "create temp table dbopt_base_{position} (like pg_temp.dbopt_base including storage);
            insert into {base} select {} from pg_temp.dbopt_base;",
            values.join(", ")
        ))
        .await?;
    Ok(base)
}

fn create_function(function: &str, names: &BTreeMap<String, String>) -> String {
    let names = quote_literal(&serde_json::to_string(names).unwrap_or_default());
    // No name can end the quotes: all of them stand in one literal, and that is quoted once more.
    let body = quote_literal(&format!(
        "begin
            return case pg_catalog.jsonb_typeof(document)
                when 'object' then coalesce((
                    select pg_catalog.jsonb_object_agg(coalesce({names}::jsonb ->> e.key, e.key), {function}(e.value))
                    from pg_catalog.jsonb_each(document) as e (key, value)
                ), document)
                when 'array' then coalesce((
                    select pg_catalog.jsonb_agg({function}(i.item) order by i.place)
                    from pg_catalog.jsonb_array_elements(document) with ordinality as i (item, place)
                ), document)
                else document
            end;
        end"
    ));
    format!(
        "create function {function}(document jsonb) returns jsonb language plpgsql immutable strict as {body};"
    )
}
