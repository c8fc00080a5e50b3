use seawall::ConfigError;

/// Why there is no such pipeline.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// The document has no pipeline of that name.
    #[error("there is no pipeline '{name}': the name must be {known}")]
    #[non_exhaustive]
    Unknown {
        /// The name.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// It is a list of layers, whose type a program can't name.
    #[error("pipeline '{name}' is a list of layers: ask for it with `boxed`")]
    #[non_exhaustive]
    NotStandard {
        /// The name of the pipeline.
        name: String,
    },
    /// What is registered by that name is of another type.
    #[error("pipeline '{name}': {what} is for {registered}, but {asked} was asked for")]
    #[non_exhaustive]
    OtherType {
        /// The name of the pipeline.
        name: String,
        /// What it is about.
        what: &'static str,
        /// The type that was registered.
        registered: &'static str,
        /// The type that was asked for.
        asked: &'static str,
    },
    /// A rule about several layers refuses it: one that another order or other settings have broken.
    #[error(transparent)]
    Refused(#[from] ConfigError),
    /// The document names no classifier for it.
    #[error("pipeline '{name}' has no `classify`")]
    #[non_exhaustive]
    NoClassifier {
        /// The name of the pipeline.
        name: String,
    },
}
