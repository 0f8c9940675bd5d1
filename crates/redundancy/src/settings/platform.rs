//! Whether the program runs as a server or as a function, told by what each platform sets in the environment.

use std::fmt;

/// A platform that starts the program for a while when there is something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// AWS Lambda.
    AwsLambda,
    /// Azure Functions with a custom handler.
    AzureFunctions,
    /// Google Cloud Functions and Cloud Run.
    GoogleCloud,
}

/// How the program is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// For long, by a person or a service manager.
    Server,
    /// By a function platform.
    Function(Platform),
}

/// The port that Azure Functions expects a custom handler to listen on.
pub(super) const AZURE_PORT: &str = "FUNCTIONS_CUSTOMHANDLER_PORT";

/// Variables by which the platforms are recognised.
const MARKS: [(&str, Platform); 5] = [
    ("AWS_LAMBDA_FUNCTION_NAME", Platform::AwsLambda),
    ("FUNCTION_APP", Platform::AzureFunctions),
    (AZURE_PORT, Platform::AzureFunctions),
    ("FUNCTION_NAME", Platform::GoogleCloud),
    ("K_SERVICE", Platform::GoogleCloud),
];

impl Profile {
    /// Recognises the platform by the variables that `is_set`.
    pub(super) fn recognise(is_set: impl Fn(&str) -> bool) -> Self {
        MARKS
            .into_iter()
            .find(|(mark, _)| is_set(mark))
            .map_or(Self::Server, |(_, platform)| Self::Function(platform))
    }

    /// The name that health and `config` show.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Function(_) => "function",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Server => Ok(()),
            Self::Function(Platform::AwsLambda) => f.write_str(" (AWS Lambda)"),
            Self::Function(Platform::AzureFunctions) => f.write_str(" (Azure Functions)"),
            Self::Function(Platform::GoogleCloud) => f.write_str(" (Google Cloud)"),
        }
    }
}
