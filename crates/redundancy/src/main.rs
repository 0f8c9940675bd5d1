//! The program; all of it is in the library.

fn main() -> std::process::ExitCode {
    redundancy::run(std::env::args_os())
}
