//! A headless Chromium, driven over the `DevTools` protocol on its pipe.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// The names of the program.
const PROGRAMS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// The time that the browser has for an answer, on a machine with much other work.
const PATIENCE: Duration = Duration::from_secs(90);

/// A page in a browser of its own. Dropping it kills the browser.
pub(crate) struct Page {
    browser: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
    session: Option<String>,
    last: u64,
    /// Errors and warnings on the page's console, and exceptions.
    pub(crate) errors: Vec<String>,
    _profile: TempDir,
}

fn program() -> Option<&'static str> {
    PROGRAMS.into_iter().find(|program| {
        let asked = std::process::Command::new(program).arg("--version").output();
        asked.is_ok_and(|output| output.status.success())
    })
}

impl Page {
    /// Starts a browser; `None` if there is none.
    pub(crate) async fn open() -> Option<Self> {
        let Some(program) = program() else {
            eprintln!("skipped: no {} is installed", PROGRAMS.join(" or "));
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        // The protocol is spoken on the descriptors 3 and 4.
        let mut browser = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 1>&2", program])
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            .args(["--no-first-run", "--disable-extensions", "--disable-background-networking"])
            .args(["--remote-debugging-pipe", "about:blank"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (commands, answers) = (browser.stdin.take().unwrap(), browser.stdout.take().unwrap());
        let answers = BufReader::new(answers);
        let (session, errors) = (None, Vec::new());
        let mut page = Self { browser, commands, answers, session, last: 0, errors, _profile: profile };
        let target = page.call("Target.createTarget", json!({ "url": "about:blank" })).await;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = page.call("Target.attachToTarget", attach).await;
        page.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            page.call(domain, json!({})).await;
        }
        page.resize(1280, 900).await;
        Some(page)
    }

    async fn call(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let mut command = json!({ "id": self.last, "method": method, "params": params });
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        let mut bytes = serde_json::to_vec(&command).unwrap();
        bytes.push(0);
        self.commands.write_all(&bytes).await.unwrap();
        let answer = timeout(PATIENCE, self.answer()).await;
        answer.unwrap_or_else(|_| panic!("the browser did not answer {command}"))
    }

    /// Waits for the answer to the last command.
    async fn answer(&mut self) -> Value {
        loop {
            let mut bytes = Vec::new();
            self.answers.read_until(0, &mut bytes).await.unwrap();
            assert_eq!(bytes.pop(), Some(0), "the browser ended");
            let mut answer: Value = serde_json::from_slice(&bytes).unwrap();
            if answer["id"] == self.last {
                assert!(answer.get("error").is_none(), "{answer}");
                return answer["result"].take();
            }
            self.note(&answer);
        }
    }

    fn note(&mut self, event: &Value) {
        let params = &event["params"];
        let is_error = match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Runtime.consoleAPICalled") => params["type"] == "error" || params["type"] == "warning",
            Some("Log.entryAdded") => {
                params["entry"]["level"] == "error" || params["entry"]["level"] == "warning"
            }
            _ => false,
        };
        if is_error {
            self.errors.push(params.to_string());
        }
    }

    pub(crate) async fn navigate(&mut self, url: &str) {
        self.call("Page.navigate", json!({ "url": url })).await;
    }

    pub(crate) async fn resize(&mut self, width: u32, height: u32) {
        let is_phone = width < 600;
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone });
        self.call("Emulation.setDeviceMetricsOverride", size).await;
    }

    pub(crate) async fn prefer(&mut self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// Returns the value of an expression, which may be a promise.
    pub(crate) async fn value(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut answer = self.call("Runtime.evaluate", params).await;
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].take()
    }

    /// Waits until `condition` holds on the page.
    pub(crate) async fn until(&mut self, condition: &str) {
        let script = format!(
            "new Promise(done => {{ const look = () => {{ try {{ if ({condition}) return done(true); }} catch {{}} \
             setTimeout(look, 30); }}; look(); setTimeout(() => done(false), 60000); }})"
        );
        if self.value(&script).await != json!(true) {
            let shown = self.value("document.body.innerText").await;
            panic!("not within a minute: {condition}\n{}", shown.as_str().unwrap_or_default());
        }
    }

    /// Presses the button with this id, as a click of the mouse does.
    pub(crate) async fn press(&mut self, id: &str) {
        self.until(&format!("$('{id}').offsetParent !== null || $('{id}').closest('dialog')?.open")).await;
        self.value(&format!("$('{id}').click()")).await;
    }

    /// Presses a key, as the keyboard does.
    pub(crate) async fn key(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            let text = if key == "Enter" { "\r" } else { "" };
            let code = match key {
                "Enter" => 13,
                "Tab" => 9,
                _ => 39,
            };
            let event = json!({
                "type": kind, "key": key, "code": key, "text": text, "windowsVirtualKeyCode": code,
            });
            self.call("Input.dispatchKeyEvent", event).await;
        }
    }

    /// Writes a picture of the page to the folder in `PANEL_PICTURES`, if it is set.
    pub(crate) async fn picture(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("PANEL_PICTURES") else { return };
        let shot = self.call("Page.captureScreenshot", json!({ "format": "png" })).await;
        let file = std::path::Path::new(&folder).join(format!("{name}.png.base64"));
        std::fs::write(file, shot["data"].as_str().unwrap()).unwrap();
    }

    /// Ends the browser.
    pub(crate) async fn close(mut self) {
        self.session = None;
        self.call("Browser.close", json!({})).await;
        let ended = timeout(PATIENCE, self.browser.wait()).await;
        ended.expect("the browser ends").unwrap();
    }
}
