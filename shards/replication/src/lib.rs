//! One partition as its leader sees it: epochs, high watermark, producer state.
#![forbid(unsafe_code)]
