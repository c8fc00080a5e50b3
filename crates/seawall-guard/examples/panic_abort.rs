//! What a panic guard can do in a program that is built with `panic = "abort"`: say so. Run it as
//!
//! ```sh
//! cargo run -p seawall-guard --example panic_abort --config 'profile.dev.panic="abort"'
//! ```

use seawall_core::panic::CAN_CATCH;
use seawall_guard::PanicGuard;
use seawall_guard::panic_guard::OnAbort;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("can catch: {CAN_CATCH}");
    match PanicGuard::builder().build() {
        Ok(guard) => println!("built: {}", guard.can_catch()),
        Err(error) => println!("refused: {error}"),
    }
    let guard = PanicGuard::builder().on_abort(OnAbort::Warn).build()?;
    println!("built with a warning: {}", guard.can_catch());
    let outcome = guard.call(async { if true { panic!("boom") } else { Ok::<(), ()>(()) } }).await;
    println!("caught: {}", outcome.is_err());
    Ok(())
}
