//! The settings of a module or an `impl` block, and the functions that they apply to.

use tracing::Level;
use tracing::subscriber::with_default;

use crate::log::Log;

#[stage_core::timed(unit = "mins", args)]
mod transfers {
    use stage_core::timed;

    /// Where it goes.
    #[derive(Debug)]
    pub(super) struct Storage<T>(pub(super) T);

    #[timed]
    pub(super) fn begin(name: &str) -> usize {
        name.len()
    }

    pub(super) fn untouched() -> u8 {
        1
    }

    impl<T: Copy> Storage<T> {
        #[timed(unit = "ns")]
        pub(super) fn get(&self) -> T {
            self.0
        }
    }

    pub(super) mod inner {
        #[stage_core::timed(level = "info")]
        pub(in super::super) fn end(ok: bool) -> bool {
            !ok
        }
    }
}

#[derive(Debug)]
struct Cache;

#[stage_core::timed(unit = "hrs", level = "warn")]
impl Cache {
    #[stage_core::timed]
    async fn find(key: u8) -> u8 {
        key
    }
}

#[test]
fn the_functions_of_a_module_have_its_settings_and_their_own() {
    let log = Log::up_to(Level::DEBUG);
    with_default(log.clone(), || {
        assert_eq!(transfers::begin("ab"), 2);
        assert_eq!(transfers::untouched(), 1);
        assert_eq!(transfers::Storage('a').get(), 'a');
        assert!(!transfers::inner::end(true));
    });
    let told: Vec<_> = log.lines().into_iter().filter(|line| line != "in" && line != "out").collect();
    assert_eq!(
        told,
        [
            "DEBUG begin name=\"ab\"",
            "timed::scopes::transfers took … mins to run timed::scopes::transfers::begin unit=\"mins\"",
            "DEBUG Storage::get",
            "timed::scopes::transfers took … ns to run timed::scopes::transfers::Storage::get unit=\"ns\"",
            "INFO end ok=true",
            "timed::scopes::transfers::inner took … mins to run timed::scopes::transfers::inner::end unit=\"mins\"",
        ]
    );
}

#[test]
fn the_methods_of_a_block_have_its_settings_and_its_type_s_name() {
    let log = Log::up_to(Level::WARN);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(with_default(log.clone(), || runtime.block_on(Cache::find(3))), 3);
    assert_eq!(log.lines().first().unwrap(), "WARN Cache::find");
    assert_eq!(
        log.lines().last().unwrap(),
        "timed::scopes took … hrs to run timed::scopes::Cache::find unit=\"hrs\""
    );
}
