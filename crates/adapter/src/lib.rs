//! Robots that speak something other than the native link.
