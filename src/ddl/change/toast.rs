//! How columns are stored: compression, strategy, the rows' target, and the values that are stored already.

use crate::ddl::each::altered;
use crate::ddl::statement::{brief, maintenance};
use crate::ddl::{Ddl, options, rewrite};
use crate::model::{
    Compression, CompressionSetting, Member, MemberKind, Rewrite, RewriteOf, Storage,
    StorageSetting, StoredRewrite, ToastVacuum, TupleTargetSetting, quote_identifier,
};

/// New values are compressed by another method.
pub(in crate::ddl) fn compress(change: &CompressionSetting) -> Ddl {
    let CompressionSetting { object, column, to, members } = change;
    let set = |method: &str| {
        format!("ALTER COLUMN {} SET COMPRESSION {method}", quote_identifier(column))
    };
    let before = |member: &Member<Option<Compression>>| {
        set(member.before.map_or("DEFAULT", Compression::as_str))
    };
    Ddl {
        title: format!("Compress new values of `{object}` with {}", to.as_str()),
        statements: altered(members, |_| set(to.as_str()), brief),
        undo: altered(members, before, brief),
        preconditions: vec![format!("the server was built with {}", to.as_str())],
        caveats: vec![
            "values already stored stay as they are until they are rebuilt; toast/mixed-compression watches that"
                .to_owned(),
        ],
    }
}

/// A column is stored by another strategy.
pub(in crate::ddl) fn store(change: &StorageSetting) -> Ddl {
    let StorageSetting { object, column, to, members, rewrite } = change;
    let set = |storage: Storage| {
        format!("ALTER COLUMN {} SET STORAGE {}", quote_identifier(column), storage.as_str())
    };
    let mut statements = altered(members, |_| set(*to), brief);
    let mut undo = altered(members, |member| set(member.before), brief);
    let mut caveats = match to {
        Storage::Plain => vec![
            "a row whose values do not fit a page any more can no longer be stored".to_owned(),
            "scans that do not want the vector read more pages".to_owned(),
        ],
        Storage::Main => vec![
            "scans and updates that do not want the value read and write more pages".to_owned(),
        ],
        Storage::External => vec![
            "values already stored stay as they are until they are rebuilt".to_owned(),
            "what was written under EXTERNAL before was never tried: where it would compress, this is wrong, which \
             `prove` full finds out"
                .to_owned(),
        ],
        Storage::Extended => {
            vec!["values already stored stay as they are until they are rebuilt".to_owned()]
        }
    };
    if let Some(rewrite) = rewrite {
        statements.extend(rewrite::statements(rewrite));
        undo.extend(rewrite::statements(&Rewrite { of: RewriteOf::WideInline, ..rewrite.clone() }));
        caveats.extend(rewrite::caveats(rewrite));
    }
    let title = format!("Store `{object}` {}", to.as_str());
    Ddl { title, statements, undo, caveats, ..Ddl::default() }.by_owner()
}

/// Rows grow wider before values move out of line.
pub(in crate::ddl) fn set_tuple_target(change: &TupleTargetSetting) -> Ddl {
    let TupleTargetSetting { object, bytes, members, rewrite } = change;
    let wanted = [("toast_tuple_target", bytes.to_string())];
    let (mut statements, mut undo) = options::set(members, "", &wanted);
    statements.extend(rewrite::statements(rewrite));
    undo.extend(rewrite::statements(&Rewrite { of: RewriteOf::WideInline, ..rewrite.clone() }));
    let mut caveats = vec![
        "scans and updates that do not want the value read and write more pages".to_owned(),
        "new partitions do not inherit storage parameters".to_owned(),
    ];
    caveats.truncate(if members.len() > 1 { 2 } else { 1 });
    caveats.extend(rewrite::caveats(rewrite));
    let title =
        format!("Let rows of `{object}` grow to {bytes} bytes before values move out of line");
    Ddl { title, statements, undo, caveats, ..Ddl::default() }.by_owner()
}

/// Stored values are stored again.
pub(in crate::ddl) fn store_again(change: &StoredRewrite) -> Ddl {
    let StoredRewrite { object, rewrite } = change;
    let mut caveats = rewrite::caveats(rewrite);
    caveats.push(
        "the values do not change, only how they are stored; there is nothing to undo".to_owned(),
    );
    let title = format!("Store the old values of `{object}` again, under its present settings");
    Ddl { title, statements: rewrite::statements(rewrite), caveats, ..Ddl::default() }.by_owner()
}

/// A table is vacuumed with its TOAST table.
pub(in crate::ddl) fn vacuum(change: &ToastVacuum) -> Ddl {
    let ToastVacuum { object, full, members, autovacuum } = change;
    let title = if *full {
        format!("Rewrite `{object}` to return the space of its TOAST table")
    } else {
        format!("Vacuum `{object}` with its TOAST table")
    };
    let mut ddl = Ddl {
        title,
        preconditions: vec![
            "no transaction, replication slot or standby holds the xmin horizon back".to_owned(),
        ],
        caveats: vec!["the vacuum itself cannot be undone, and need not be".to_owned()],
        ..Ddl::default()
    };
    if let Some(autovacuum) = autovacuum {
        let wanted: Vec<(&str, String)> = [
            ("autovacuum_enabled", &autovacuum.enabled),
            ("autovacuum_vacuum_threshold", &autovacuum.threshold),
            ("autovacuum_vacuum_scale_factor", &autovacuum.scale_factor),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.clone()?)))
        .collect();
        (ddl.statements, ddl.undo) = options::set(members, "toast.", &wanted);
    }
    if members.iter().any(|member| member.kind == MemberKind::InheritanceParent) {
        ddl.caveats.push(
            "from PostgreSQL 18 on, VACUUM does the same to the tables that inherit from it"
                .to_owned(),
        );
    }
    let names: Vec<String> = members.iter().map(|member| member.name.to_sql()).collect();
    let vacuum = if *full { "VACUUM (FULL)" } else { "VACUUM" };
    ddl.statements.push(maintenance(format!("{vacuum} {};", names.join(", ")), *full));
    if *full {
        // It leaves the counters of dead rows as they were and no visibility map: a plain one corrects both.
        ddl.statements.push(maintenance(format!("VACUUM {};", names.join(", ")), false));
        ddl.caveats.push(
            "reads and writes wait until the table is rewritten, and both copies need disk space; pg_repack \
             does the same without blocking"
                .to_owned(),
        );
    }
    ddl
}
