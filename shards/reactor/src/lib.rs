//! One core: executor, ring, files, sockets, buffers, wake-ups.
