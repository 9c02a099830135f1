//! Children whose tasks the runtime aborts.

use tokio::time::timeout;

use super::*;
use crate::base::future::FutureExt;
use crate::base::options::{Placement, Restart};
use crate::supervise::child::{Nature, SHUTDOWN};
use crate::trace::StageTrace;
use crate::wire::mailbox::Mailbox;

/// A stage that is up and never ends.
fn child(name: &str) -> Child {
    let mailbox = Mailbox::<()>::new(name);
    let build = |ready: Ready| {
        let endless = async move {
            let _ = ready.up.send(Init::Ready);
            let _ = ready.go.await;
            pending().await
        };
        Ok(endless.boxed())
    };
    Child {
        step: name.into(),
        copy: 0,
        placement: Placement::Runtime,
        restart: Restart::default(),
        signal: Arc::clone(mailbox.signal()),
        counters: Arc::default(),
        collectors: Arc::default(),
        trace: StageTrace::default(),
        control: Arc::clone(mailbox.queue()) as _,
        mailbox: Arc::new(()),
        build: Box::new(build),
        retire: Box::new(|_| ()),
        sources: Vec::new(),
        part: 0,
        nature: Nature::Stage,
        elastic: None,
        up: Arc::default(),
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_child_that_the_runtime_aborts_is_never_returned() {
    let mut crew = Crew::new(vec![child("first"), child("second")]);
    let starting = crew.start(&[0, 1]).await;
    assert_eq!(starting.up, [0, 1]);
    starting.go();
    crew.in_task = true;
    crew.tasks.abort_all();
    for _ in 0..3 {
        assert!(timeout(SHUTDOWN, crew.watch()).await.is_err());
        assert!(timeout(SHUTDOWN, crew.exit_of(0)).await.is_err());
    }
    assert!(crew.is_at_work() && crew.next_ended().is_none());
    // A supervisor that goes on gives the children up.
    crew.stop(&[0, 1], &ExitReason::Shutdown).await;
    assert!(!crew.is_at_work());
    assert_eq!(crew.cut_off(), ["second/0", "first/0"]);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_the_supervisor_cuts_off_has_ended() {
    let mut crew = Crew::new(vec![child("only")]);
    crew.start(&[0]).await.go();
    crew.in_task = true;
    crew.stop(&[0], &ExitReason::Shutdown).await;
    assert_eq!((crew.cut_off(), crew.is_up(0)), (&["only/0".to_owned()][..], false));
}
