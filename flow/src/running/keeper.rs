//! The stage registered under the name of a flow, which answers lookups with a reference to the flow.

use stage_core::stage::{Call, Reply};
use stage_core::{Demand, Emitter, Nothing, Producer, StageResult};

use super::flow_ref::FlowRef;

/// Emits nothing, and ends with its flow.
pub(super) struct Keeper {
    pub(super) flow: FlowRef,
}

/// A request for a reference to the flow.
pub(super) struct Whose;

impl Producer for Keeper {
    type Event = Nothing;

    async fn handle_demand(&mut self, _: Demand, _: &mut Emitter<'_, Nothing>) -> StageResult {
        Ok(())
    }
}

impl Call<Whose> for Keeper {
    type Out = Nothing;
    type Reply = FlowRef;

    async fn handle_call(
        &mut self,
        _: Whose,
        reply: Reply<FlowRef>,
        _: &mut Emitter<'_, Nothing>,
    ) -> StageResult {
        // A caller that has gone is not an error of this stage.
        let _ = reply.send(self.flow.clone());
        Ok(())
    }
}
