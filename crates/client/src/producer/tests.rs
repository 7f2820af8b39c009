//! The accumulator played through by hand.
