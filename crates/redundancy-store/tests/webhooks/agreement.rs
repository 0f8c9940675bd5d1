//! Random operations on a store and on the reference, compared step by step.
use crate::stores::Stores;
pub(crate) fn agrees(_stores: &impl Stores) {}
