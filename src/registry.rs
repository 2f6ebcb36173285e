//! What a superpower extends, a line each: the superpowers themselves, their parts of a snapshot, kinds of objects, and
//! actions. Each list is passed to the macro that is named, which makes of it what its layer needs: modules, an enum, a match.
//! Decision 20 says why.

/// Superpowers, in the order of the public contract: what each looks into, its variant of `Superpower` and its folder in
/// `checks`, its name in paths, ids and keys, and what it is called in prose.
macro_rules! superpowers {
    ($define:ident) => {
        $define! {
            /// tables, and the documents in their columns
            HybridSchema, hybrid_schema = "hybrid-schema", "Hybrid Schema Engineer";
            /// values stored compressed or out of line
            Toast, toast = "toast", "TOAST Whisperer";
            /// GIN indexes: pending lists, operator classes, growth
            Gin, gin = "gin", "GIN Index Tuner";
            /// vector columns and their indexes
            Vector, vector = "vector", "Vector Navigator";
            /// plans, and the indexes and statistics they rest on
            Plan, plan = "plan", "Plan Decoder";
            /// WAL, checkpoints, vacuum and partitions
            Wal, wal = "wal", "WAL Orchestrator";
            /// connections, pools and sessions
            Concurrency, concurrency = "concurrency", "Concurrency Architect";
        }
    };
}

/// Parts of the snapshot that one superpower looks at: the field, which is also the module in `model::observation` and in
/// `observe`, its type, and the `Look` that fills it.
macro_rules! snapshot_parts {
    ($define:ident) => {
        $define! {
            /// Sessions, limits of connections, and signs of a pooler.
            concurrency: Concurrency, ConcurrencyLook;
            /// What was seen of GIN indexes.
            gin: Gin, GinLook;
            /// What was seen of vectors.
            vector: Vector, VectorLook;
            /// What Plan Decoder saw.
            plan: Plan, PlanLook;
        }
    };
}

/// Kinds of objects that are no part of a table and have a name of their own in the cluster: the variant of `Object`, and
/// the field of the name.
macro_rules! named_objects {
    ($define:ident) => {
        $define! {
            /// A role.
            Role { role };
            /// A replication slot.
            Slot { slot };
            /// A database of the cluster.
            Database { database };
        }
    };
}

/// Actions, by their module in `model::change` and in `ddl::change`: the variant of `Action`, what it carries, its name in
/// the contract, the function of that module that writes it as SQL, and the function of `prove::method` that says how it is
/// proved.
macro_rules! actions {
    ($define:ident) => {
        $define! {
            toast {
                /// Set a column's compression method.
                SetColumnCompression(CompressionSetting) = "set_column_compression", compress, compression;
                /// Set a column's storage strategy, and where it is to hold for old rows, rewrite them.
                SetColumnStorage(StorageSetting) = "set_column_storage", store, storage;
                /// Let rows grow wider before values move out of line, and rewrite the old ones.
                SetToastTupleTarget(TupleTargetSetting) = "set_toast_tuple_target", set_tuple_target, tuple_target;
                /// Build stored values again under the column's present settings.
                RewriteColumn(StoredRewrite) = "rewrite_column", store_again, rewrite;
                /// Vacuum a table with its TOAST table, and let autovacuum come often enough from then on.
                VacuumToast(ToastVacuum) = "vacuum_toast", vacuum, estimate;
            }
            key {
                /// Make a unique index the primary key.
                AdoptPrimaryKey(AdoptedKey) = "adopt_primary_key", adopt, adopted_key;
                /// Add an identity column that is the primary key.
                AddIdentityKey(AddedIdentity) = "add_identity_key", add_identity, key_is_there;
            }
            promotion {
                /// Give a key of documents a column of its own.
                PromoteKey(Promotion) = "promote_key", promote, promotion;
            }
            indexed {
                /// Index a key where it is.
                IndexKey(IndexedKey) = "index_key", index, indexed_key;
            }
            renaming {
                /// Store codes for the keys of a column's documents.
                ShortenKeys(Renaming) = "shorten_keys", shorten, codes;
            }
            jsonb {
                /// Store a column of `json` or text as `jsonb`.
                ConvertToJsonb(JsonbConversion) = "convert_to_jsonb", convert, conversion;
            }
            index {
                /// Build an index.
                BuildIndex(NewIndex) = "build_index", build, new_index;
                /// Drop an index.
                DropIndex(ExistingIndex) = "drop_index", drop, statistics;
                /// Build an index in the place of another.
                ReplaceIndex(IndexReplacement) = "replace_index", replace, replaced_index;
                /// Rebuild an index.
                RebuildIndex(ExistingIndex) = "rebuild_index", rebuild, statistics;
            }
            options {
                /// Set or take away storage parameters.
                SetOptions(OptionsChange) = "set_options", set_options, statistics;
            }
            setting {
                /// Change a setting.
                SetSetting(SettingChange) = "set_setting", set, statistics;
            }
            maintenance {
                /// Vacuum or analyze tables.
                Maintain(Maintenance) = "maintain", maintain, statistics;
            }
            persistence {
                /// Log the changes of a table, or no longer.
                SetPersistence(PersistenceChange) = "set_persistence", set_persistence, statistics;
            }
            drain {
                /// Move the rows of a default partition to partitions of their ranges.
                DrainDefault(DefaultDrain) = "drain_default", drain, statistics;
            }
            slot {
                /// Drop a replication slot.
                DropSlot(SlotDrop) = "drop_slot", drop_slot, statistics;
            }
        }
    };
}
