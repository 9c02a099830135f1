use stage_core::ack::Delivery;
use stage_core::pipeline::Across;
use stage_core::stage::{ForEach, FromIter};
use stage_core::{BoxError, Pipeline};

struct Far;

impl Across<u64> for Far {
    type Sink = ForEach<fn(Delivery<u64>), Delivery<u64>>;
    type Source = FromIter<std::vec::IntoIter<Delivery<u64>>>;

    fn name(&self) -> &str {
        "far"
    }

    fn sink(&self) -> Result<Self::Sink, BoxError> {
        unreachable!()
    }

    fn source(&self) -> Result<Self::Source, BoxError> {
        unreachable!()
    }
}

fn main() {
    let _ = Pipeline::builder("plain").start_fn("numbers", || Ok(0..3_u64)).across(Far).finish_fn("drop", drop);
}
