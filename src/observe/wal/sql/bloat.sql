-- Free and dead space of the relation $1, by the extension in the schema that is put in the place of that name. Reads the pages that are
-- not all-visible.
select
    $1::int8                                                        as oid,
    b.table_len                                                     as bytes,
    b.approx_free_space                                             as free_bytes,
    b.dead_tuple_len                                                as dead_bytes
from "extension schema".pgstattuple_approx($1::int8::oid::regclass) as b
