//! What shapes say of statements.
