//! The chapters of the book. Their programs are the documentation tests of this crate.
#![forbid(unsafe_code)]

/// Only for documentation tests, since the chapters lie outside of the package.
#[cfg(doctest)]
mod chapters {
    #[doc = include_str!("../../../docs/book/src/introduction.md")]
    pub mod introduction {}
    #[doc = include_str!("../../../docs/book/src/ten-minutes.md")]
    pub mod ten_minutes {}
    #[doc = include_str!("../../../docs/book/src/queries.md")]
    pub mod queries {}
    #[doc = include_str!("../../../docs/book/src/how-it-works.md")]
    pub mod how_it_works {}
    #[doc = include_str!("../../../docs/book/src/from-tokio-channels.md")]
    pub mod from_tokio_channels {}
    #[doc = include_str!("../../../docs/book/src/from-genstage.md")]
    pub mod from_genstage {}
    #[doc = include_str!("../../../docs/book/src/from-rayon.md")]
    pub mod from_rayon {}
    #[doc = include_str!("../../../docs/book/src/from-akka.md")]
    pub mod from_akka {}
    #[doc = include_str!("../../../docs/book/src/cookbook.md")]
    pub mod cookbook {}
    #[doc = include_str!("../../../docs/book/src/many-machines.md")]
    pub mod many_machines {}
    #[doc = include_str!("../../../docs/book/src/operations.md")]
    pub mod operations {}
    #[doc = include_str!("../../../docs/book/src/write-a-connector.md")]
    pub mod write_a_connector {}
}
