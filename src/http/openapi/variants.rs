//! Enums with a field that names the variant, as generators of clients want them: each variant a schema of its own, and a discriminator that
//! leads to it.

use utoipa::openapi::schema::{Components, Discriminator, OneOf, Schema};
use utoipa::openapi::{Ref, RefOr};

/// Schemas whose variants get names, with the field that distinguishes them.
const TAGS: [(&str, &str); 1] = [("AffectedObject", "kind")];

/// Name the variants of the enums above: `TableObject` for `{"kind": "table"}`.
pub(super) fn name(components: &mut Components) {
    for (enumeration, field) in TAGS {
        let Some(RefOr::T(Schema::OneOf(mut one_of))) =
            components.schemas.get(enumeration).cloned()
        else {
            continue;
        };
        let named = named(&mut one_of, field);
        components.schemas.extend(named);
        components.schemas.insert(enumeration.to_owned(), RefOr::T(Schema::OneOf(one_of)));
    }
}

/// Replace each variant by a reference to its name; returns the variants by name.
fn named(one_of: &mut OneOf, field: &str) -> Vec<(String, RefOr<Schema>)> {
    let mut discriminator = Discriminator::new(field);
    let mut named = Vec::new();
    for item in &mut one_of.items {
        let Some(kind) = kind(item, field) else { continue };
        let name = format!("{}Object", pascal_case(&kind));
        let reference = Ref::from_schema_name(&name);
        discriminator.mapping.insert(kind, reference.ref_location.clone());
        named.push((name, std::mem::replace(item, RefOr::Ref(reference))));
    }
    one_of.discriminator = Some(discriminator);
    named
}

/// The one value that the field has in that variant.
fn kind(variant: &RefOr<Schema>, field: &str) -> Option<String> {
    let value = serde_json::to_value(variant).ok()?;
    let of = &value["properties"][field];
    let only = of["enum"].get(0).or(of.get("const"))?;
    Some(only.as_str()?.to_owned())
}

fn pascal_case(name: &str) -> String {
    let capital = |part: &str| {
        let mut letters = part.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>())
    };
    name.split('_').filter_map(capital).collect()
}
