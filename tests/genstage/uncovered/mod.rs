//! Cases that GenStage's suite does not cover, by their numbers, and the defects of 1.3.2 by the experiments
//! that showed them (`bug_…`): the right behaviour of whole stages.

mod dispatching;
mod infos;
mod laws;
mod modes;
mod stages;
mod steps;
mod world;
