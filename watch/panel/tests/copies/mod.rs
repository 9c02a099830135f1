//! The numbers of copies of elastic steps.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;
use stage_core::watch::Board;
use stage_core::{Pipeline, StepOptions, sink};
use stage_panel::router_with;

use crate::controlled;
use crate::requests::{Ask, TOKEN, json};

#[tokio::test(start_paused = true)]
async fn a_number_of_copies_set_on_the_page_applies() {
    let running = Pipeline::builder("mails")
        .start_fn("numbers", || Ok(0_u64..))
        // Waits, so that the paused clock moves on.
        .finish(StepOptions::named("send").count(1..=4), || {
            Ok(sink::for_each_async(|_: u64| async {
                tokio::time::sleep(Duration::from_millis(1)).await;
                Ok(())
            }))
        })
        .start()
        .await
        .unwrap();
    let board = Board::new();
    board.add("mails", &running).unwrap();
    let panel = router_with(board, controlled());
    for (body, copies) in [(r#"{"count": 3}"#, 3), (r#"{"count": "2..=4"}"#, 3), (r#"{"count": 1}"#, 1)] {
        let set = Ask::put("/api/pipelines/mails/steps/send/count", body).token(TOKEN);
        assert_eq!(json(set.of(&panel).await).await, json!({ "done": true }));
        tokio::time::sleep(Duration::from_millis(100)).await;
        let described = json(Ask::get("/api/pipelines/mails").of(&panel).await).await;
        let send = &described["steps"][1];
        assert_eq!((&send["copies"], &send["elastic"]), (&json!(copies), &json!("1..=4")));
    }
    for body in [r#"{"count": 5}"#, r#"{"count": "many"}"#, r#"{"count": -1}"#] {
        let set = Ask::put("/api/pipelines/mails/steps/send/count", body).token(TOKEN);
        let answer = set.of(&panel).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{body}");
        let error = json(answer).await["error"].to_string();
        assert!(error.contains("1..=4") || error.contains("such as `1..=8`"), "{error}");
    }
    running.stop().await.unwrap();
}
