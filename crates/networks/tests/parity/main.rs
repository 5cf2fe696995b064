//! The layers, networks and the optimiser compute what PyTorch computes (see `make_parity.py`).

#![allow(clippy::unwrap_used, clippy::panic)] // A test that fails may say so by panicking.

mod case;
mod layers;
mod networks;
mod optimizer;
