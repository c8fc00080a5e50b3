//! Documents in each of the formats.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seawall_config::Config;

fuzz_target!(|input: (u8, &str)| {
    let (format, text) = input;
    let read = match format % 3 {
        0 => Config::from_toml(text),
        1 => Config::from_json(text),
        _ => Config::from_yaml(text),
    };
    match read {
        Ok(config) => {
            let _ = config.lint();
            let variable = ("SEAWALL__PIPELINES__A__TIMEOUT".to_owned(), text.to_owned());
            let _ = config.with_environment([variable]);
        }
        Err(mistakes) => assert!(!mistakes.to_string().is_empty()),
    }
});
