//! How much a record holds. Each bound is in bytes unless it says otherwise.

/// A message: enough for a failed assertion with both its values.
pub const MESSAGE: usize = 4096;
/// One cause in the chain.
pub const CAUSE: usize = 1024;
/// Causes in a chain. A chain that bites its own tail ends here.
pub const CAUSES: usize = 16;
/// A type name: generic ones are long.
pub const TYPE_NAME: usize = 512;
/// The description that may leave the process.
pub const DESCRIPTION: usize = 1024;
/// Service, version, environment, host, source, correlation id.
pub const NAME: usize = 256;
/// A trace or span id: 32 and 16 hexadecimal digits, and room for other schemes.
pub const TRACE: usize = 64;
/// Tags.
pub const TAGS: usize = 32;
/// Values that stay.
pub const VALUES: usize = 32;
/// The key of a tag or value.
pub const KEY: usize = 64;
/// The value of a tag.
pub const TAG: usize = 256;
/// A value that stays.
pub const VALUE: usize = 4096;
/// Frames of a stack.
pub const FRAMES: usize = 64;
/// The function of a frame.
pub const FUNCTION: usize = 512;
/// The file of a frame or location.
pub const FILE: usize = 512;
