//! Chromium without a window, driven through chromedriver (W3C WebDriver).

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::process::{run, stop};
use crate::{TIMEOUT, TempDir, free_port, wait_until};

/// A browser with one page. Dropping it ends it.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    port: u16,
    /// The path of the WebDriver session.
    session: String,
    /// Has the profile and the output of the programs.
    _folder: TempDir,
}

impl Browser {
    /// Starts a browser whose page has this width and height, in CSS pixels.
    pub fn start(width: u32, height: u32) -> Self {
        let folder = TempDir::new("browser");
        let port = free_port();
        let argument = format!("--port={port}");
        let driver = run(folder.path(), "chromedriver", &[OsStr::new(&argument)]);
        wait_until("chromedriver", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        let mut browser = Self {
            driver,
            port,
            session: String::new(),
            _folder: folder,
        };
        let profile = browser._folder.path().join("profile").display().to_string();
        let arguments = [
            "--headless=new",
            // Tests run as root.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            &format!("--user-data-dir={profile}"),
        ];
        let options = json!({"binary": "/usr/bin/chromium", "args": arguments});
        let wanted = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}});
        let started = browser.request("POST", "/session", &wanted);
        let id = started["sessionId"].as_str().expect("a WebDriver session");
        browser.session = format!("/session/{id}");
        browser.resize(width, height);
        browser
    }

    /// Goes to an address.
    pub fn open(&self, url: &str) {
        self.command("/url", &json!({"url": url}));
    }

    /// Lays the page out for this width and height.
    pub fn resize(&self, width: u32, height: u32) {
        let metrics =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// Prefers dark or light colours.
    pub fn prefer(&self, scheme: &str) {
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        self.devtools(
            "Emulation.setEmulatedMedia",
            &json!({"features": [feature]}),
        );
    }

    /// The value of a JavaScript expression.
    pub fn value(&self, expression: &str) -> Value {
        let script = format!("return {expression};");
        self.command("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// The text of the element that a CSS selector finds; empty without one.
    pub fn text(&self, selector: &str) -> String {
        let selector = json!(selector);
        let text = self.value(&format!(
            "document.querySelector({selector})?.innerText ?? ''"
        ));
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the text of an element passes a test.
    pub fn wait_for(&self, what: &str, selector: &str, mut test: impl FnMut(&str) -> bool) {
        wait_until(what, || test(&self.text(selector)));
    }

    /// Presses keys where the focus is: characters, and WebDriver's codes of other keys.
    pub fn press(&self, keys: &str) {
        let press = |key: char| {
            [
                json!({"type": "keyDown", "value": key}),
                json!({"type": "keyUp", "value": key}),
            ]
        };
        let actions: Vec<_> = keys.chars().flat_map(press).collect();
        let keyboard = json!({"type": "key", "id": "keyboard", "actions": actions});
        self.command("/actions", &json!({"actions": [keyboard]}));
    }

    /// What the page wrote to the console since the last call: errors of scripts and refusals of the content security policy.
    pub fn console(&self) -> Vec<String> {
        let entries = self.command("/se/log", &json!({"type": "browser"}));
        let entries = entries.as_array().cloned().unwrap_or_default();
        let messages = entries.iter().map(|entry| entry["message"].to_string());
        messages.collect()
    }

    /// Writes a picture of the page.
    pub fn screenshot(&self, file: &Path) {
        let shot = self.devtools(
            "Page.captureScreenshot",
            &json!({"captureBeyondViewport": true}),
        );
        let data = shot["data"].as_str().expect("a picture");
        let picture = STANDARD.decode(data).expect("base64");
        std::fs::write(file, picture).expect("a file for the picture");
    }

    /// A command of Chromium's own protocol.
    fn devtools(&self, name: &str, parameters: &Value) -> Value {
        let body = json!({"cmd": name, "params": parameters});
        self.command("/goog/cdp/execute", &body)
    }

    fn command(&self, path: &str, body: &Value) -> Value {
        self.request("POST", &format!("{}{path}", self.session), body)
    }

    /// The value of the answer to a command, which must succeed.
    fn request(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("chromedriver");
        stream
            .set_read_timeout(Some(TIMEOUT))
            .expect("a time limit");
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).expect("to send");
        let mut reader = BufReader::new(stream);
        let (mut head, mut length) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            let start = head.len();
            let read = reader.read_line(&mut head).expect("a header");
            assert!(read > 0, "{path}: {head}");
            let line = head[start..].to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
        }
        // chromedriver keeps the connection open.
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("a body");
        let mut answer: Value = serde_json::from_slice(&body).expect("JSON");
        assert!(head.contains(" 200 "), "{path}: {answer}");
        answer["value"].take()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        stop(&mut self.driver);
    }
}
