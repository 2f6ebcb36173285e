//! Plan Decoder: plans that are pasted, and statements that are explained on a target.

mod counted;
mod decode;
mod explain;
mod indexes;
mod reads;
mod workload;
