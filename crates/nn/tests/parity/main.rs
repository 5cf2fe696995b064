//! The layers, networks and the optimiser compute what PyTorch computes (see `make_parity.py`).

mod case;
mod layers;
mod networks;
mod optimizer;
