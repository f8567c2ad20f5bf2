//! The program that the browser starts.

fn main() {
    #[cfg(target_family = "wasm")]
    web_ui::start();
}
