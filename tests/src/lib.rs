//! Tests of the house and of the whole loop; see `tests/`.
