//! A pipeline of a hundred steps, which compiles and runs.

use stage_core::{BoxError, Emitter, Events, ProducerConsumer, StageResult, pipeline};

struct Same;

impl ProducerConsumer for Same {
    type In = u64;
    type Out = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, out: &mut Emitter<'_, u64>) -> StageResult {
        out.extend(events);
        Ok(())
    }
}

struct Scale {
    factor: u64,
}

impl Scale {
    fn new(factor: u64) -> Self {
        Self { factor }
    }
}

impl ProducerConsumer for Scale {
    type In = u64;
    type Out = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, out: &mut Emitter<'_, u64>) -> StageResult {
        out.extend(events.into_iter().map(|number| number.wrapping_mul(self.factor)));
        Ok(())
    }
}

pipeline! {
    Hundred(factor: u64) {
        start  0..100_u64;
        step   |number| number + 1, name: "add_0", count: 2;
        step   Same, name: "same_1", by: |number| *number, count: 2;
        step   |number| number.wrapping_mul(2), name: "times_2", max_demand: 50;
        step   Scale::new(factor), name: "scale_3";
        step   |number| number + 4, name: "add_4", count: 2;
        step   Same, name: "same_5", by: |number| *number, count: 2;
        step   |number| number.wrapping_mul(6), name: "times_6", max_demand: 50;
        step   Scale::new(factor), name: "scale_7";
        step   |number| number + 8, name: "add_8", count: 2;
        step   Same, name: "same_9", by: |number| *number, count: 2;
        step   |number| number.wrapping_mul(10), name: "times_10", max_demand: 50;
        step   Scale::new(factor), name: "scale_11";
        step   |number| number + 12, name: "add_12", count: 2;
        step   Same, name: "same_13", by: |number| *number, count: 2;
        step   |number| number.wrapping_mul(14), name: "times_14", max_demand: 50;
        step   Scale::new(factor), name: "scale_15";
        step   |number| number + 16, name: "add_16", count: 2;
        step   Same, name: "same_17", by: |number| *number, count: 2;
        step   |number| number.wrapping_mul(18), name: "times_18", max_demand: 50;
        step   Scale::new(factor), name: "scale_19";
        step   |number| number + 20, name: "add_20", count: 2;
        step   Same, name: "same_21", by: |number| *number, count: 2;
        step   |number| number.wrapping_mul(22), name: "times_22", max_demand: 50;
        step   Scale::new(factor), name: "scale_23";
        step   |number| number + 24, name: "add_24", count: 2;
        step   Same, name: "same_25", by: |number| *number, count: 2;
        step   |number| number.wrapping_mul(26), name: "times_26", max_demand: 50;
        step   Scale::new(factor), name: "scale_27";
        step   |number| number + 28, name: "add_28", count: 2;
        step   Same, name: "same_29", by: |number| *number, count: 2;
        step   |number| number.wrapping_mul(30), name: "times_30", max_demand: 50;
        step   Scale::new(factor), name: "scale_31";
        step   |number| number + 32, name: "add_32", count: 2;
        step   Same, name: "same_33", by: |number| *number, count: 2;
        step   |number| number.wrapping_mul(34), name: "times_34", max_demand: 50;
        step   Scale::new(factor), name: "scale_35";
        step   |number| number + 36, name: "add_36", count: 2;
        step   Same, name: "same_37", by: |number| *number, count: 2;
        step   |number| number.wrapping_mul(38), name: "times_38", max_demand: 50;
        step   Scale::new(factor), name: "scale_39";
        step   |number| number + 40, name: "add_40", count: 2;
        step   Same, name: "same_41", by: |number| *number, count: 2;
        step   |number| number.wrapping_mul(42), name: "times_42", max_demand: 50;
        step   Scale::new(factor), name: "scale_43";
        step   |number| number + 44, name: "add_44", count: 2;
        step   Same, name: "same_45", by: |number| *number, count: 2;
        step   |number| number.wrapping_mul(46), name: "times_46", max_demand: 50;
        step   Scale::new(factor), name: "scale_47";
        step   |number| number + 48, name: "add_48", count: 2;
        step   Same, name: "same_49", by: |number| *number, count: 2;
        step   |number| number.wrapping_mul(50), name: "times_50", max_demand: 50;
        step   Scale::new(factor), name: "scale_51";
        step   |number| number + 52, name: "add_52", count: 2;
        step   Same, name: "same_53", by: |number| *number, count: 2;
        step   |number| number.wrapping_mul(54), name: "times_54", max_demand: 50;
        step   Scale::new(factor), name: "scale_55";
        step   |number| number + 56, name: "add_56", count: 2;
        step   Same, name: "same_57", by: |number| *number, count: 2;
        step   |number| number.wrapping_mul(58), name: "times_58", max_demand: 50;
        step   Scale::new(factor), name: "scale_59";
        step   |number| number + 60, name: "add_60", count: 2;
        step   Same, name: "same_61", by: |number| *number, count: 2;
        step   |number| number.wrapping_mul(62), name: "times_62", max_demand: 50;
        step   Scale::new(factor), name: "scale_63";
        step   |number| number + 64, name: "add_64", count: 2;
        step   Same, name: "same_65", by: |number| *number, count: 2;
        step   |number| number.wrapping_mul(66), name: "times_66", max_demand: 50;
        step   Scale::new(factor), name: "scale_67";
        step   |number| number + 68, name: "add_68", count: 2;
        step   Same, name: "same_69", by: |number| *number, count: 2;
        step   |number| number.wrapping_mul(70), name: "times_70", max_demand: 50;
        step   Scale::new(factor), name: "scale_71";
        step   |number| number + 72, name: "add_72", count: 2;
        step   Same, name: "same_73", by: |number| *number, count: 2;
        step   |number| number.wrapping_mul(74), name: "times_74", max_demand: 50;
        step   Scale::new(factor), name: "scale_75";
        step   |number| number + 76, name: "add_76", count: 2;
        step   Same, name: "same_77", by: |number| *number, count: 2;
        step   |number| number.wrapping_mul(78), name: "times_78", max_demand: 50;
        step   Scale::new(factor), name: "scale_79";
        step   |number| number + 80, name: "add_80", count: 2;
        step   Same, name: "same_81", by: |number| *number, count: 2;
        step   |number| number.wrapping_mul(82), name: "times_82", max_demand: 50;
        step   Scale::new(factor), name: "scale_83";
        step   |number| number + 84, name: "add_84", count: 2;
        step   Same, name: "same_85", by: |number| *number, count: 2;
        step   |number| number.wrapping_mul(86), name: "times_86", max_demand: 50;
        step   Scale::new(factor), name: "scale_87";
        step   |number| number + 88, name: "add_88", count: 2;
        step   Same, name: "same_89", by: |number| *number, count: 2;
        step   |number| number.wrapping_mul(90), name: "times_90", max_demand: 50;
        step   Scale::new(factor), name: "scale_91";
        step   |number| number + 92, name: "add_92", count: 2;
        step   Same, name: "same_93", by: |number| *number, count: 2;
        step   |number| number.wrapping_mul(94), name: "times_94", max_demand: 50;
        step   Scale::new(factor), name: "scale_95";
        step   |number| number + 96, name: "add_96", count: 2;
        step   Same, name: "same_97", by: |number| *number, count: 2;
        step   |number| number.wrapping_mul(98), name: "times_98", max_demand: 50;
        step   Scale::new(factor), name: "scale_99";
        finish drop;
    }
}

#[tokio::test]
async fn a_hundred_steps_are_one_pipeline() -> Result<(), BoxError> {
    let hundred = Hundred::new(3);
    assert_eq!(hundred.topology().steps.len(), 102);
    let report = hundred.start().await?.join().await?;
    let last = report.stages.last().map(|stage| stage.events_in);
    assert_eq!(last, Some(100));
    Ok(())
}
